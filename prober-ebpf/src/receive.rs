//! The receiving half: accepts our replies, passes everything else untouched.

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_TX};
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::programs::XdpContext;
use aya_log_ebpf::debug;
use prober_common::counter::Counter;
use prober_common::event::ReplyKind;
use prober_common::probe::tcp_syn;
use prober_common::rules::{FLAG_LOG, FLAG_RST_BY_XDP, Rules};
use prober_common::verdict::{Reply, classify};
use prober_common::wire::Frame;

use crate::frame::Packet;
use crate::maps::{count, emit};

/// Handles a frame from the wire.
#[inline(always)]
pub fn receive(ctx: &XdpContext, rules: &Rules) -> u32 {
    // SAFETY: reads the monotonic clock.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    match classify(&Packet::new(ctx), rules, now_ns) {
        Ok(reply) => accept(ctx, rules, &reply),
        Err(reason) => {
            count(reason);
            XDP_PASS
        }
    }
}

#[inline(always)]
fn accept(ctx: &XdpContext, rules: &Rules, reply: &Reply) -> u32 {
    count(Counter::Accepted);
    emit(&reply.event);
    if rules.flags & FLAG_LOG != 0 {
        debug!(ctx, "accepted {:i} kind {} rtt {} ns", reply.event.target.0, reply.event.kind, reply.event.rtt_ns);
    }
    if reply.event.kind != ReplyKind::SynAck as u8 {
        return XDP_DROP;
    }
    if rules.flags & FLAG_RST_BY_XDP == 0 {
        // The kernel's TCP knows no such connection and sends the RST itself.
        return XDP_PASS;
    }
    if reset(ctx, reply).is_none() {
        return XDP_PASS;
    }
    count(Counter::RstSent);
    XDP_TX
}

/// Turns the SYN-ACK into the RST that tells the peer to forget us, and cuts what lies behind it.
#[inline(always)]
fn reset(ctx: &XdpContext, reply: &Reply) -> Option<()> {
    let mut packet = Packet::new(ctx);
    let received = packet.len();
    let len = tcp_syn::write_reset(&mut packet, reply)?;
    let excess = received as i32 - len as i32;
    // SAFETY: the helper checks the length; every pointer made before is dead after it.
    (excess == 0 || unsafe { aya_ebpf::helpers::bpf_xdp_adjust_tail(ctx.ctx, -excess) } == 0).then_some(())
}
