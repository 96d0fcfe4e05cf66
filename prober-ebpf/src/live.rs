//! The sending half: writes the next probe of the queue into a page of the kernel's own and sends it. It runs in
//! `BPF_PROG_TEST_RUN` with live frames, so no socket buffer is made and no system call is spent per probe.

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_TX};
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::programs::XdpContext;
use prober_common::live::{LIVE_SLOTS, LiveMeta, LiveQueue};
use prober_common::probe;
use prober_common::rules::Rules;
use prober_common::stamp::Tick;
use prober_common::template::{TEMPLATE_CAPACITY, TEMPLATES_MAX, Template};
use prober_common::wire::Frame;

use crate::frame::Packet;
use crate::maps::{LIVE, TEMPLATES};

/// The queue to send from, if this is a live frame of our own: its metadata holds the scan's pass. Frames from the wire
/// have no metadata that they could choose.
#[inline(always)]
pub fn queue_of(ctx: &XdpContext, rules: &Rules) -> Option<u32> {
    let meta = ctx.metadata();
    if rules.live_pass == 0 || meta + size_of::<LiveMeta>() > ctx.data() {
        return None;
    }
    // SAFETY: the check above, in the form that the verifier follows.
    let meta = unsafe { &*(meta as *const LiveMeta) };
    (meta.pass == rules.live_pass).then_some(meta.queue as u32)
}

/// Sends the next probe of the queue, if there is one.
#[inline(always)]
pub fn send(ctx: &XdpContext, queue: u32) -> u32 {
    // The metadata must not travel: a veth peer that answers in place would send it back to us.
    // SAFETY: the helper checks the length; every pointer made before is dead after it.
    if unsafe { aya_ebpf::helpers::bpf_xdp_adjust_meta(ctx.ctx, size_of::<LiveMeta>() as i32) } != 0 {
        return XDP_DROP;
    }
    if next(ctx, queue).is_some() { XDP_TX } else { XDP_DROP }
}

#[inline(always)]
fn next(ctx: &XdpContext, queue: u32) -> Option<()> {
    let queue = LIVE.get_ptr_mut(queue)?;
    // SAFETY: the map value lives as long as the program. User space writes `produced` and slots not yet produced,
    // this program the rest; each field is read once.
    let queue: &mut LiveQueue = unsafe { &mut *queue };
    let consumed = queue.consumed;
    // SAFETY: as above; volatile, because the other side writes it.
    if consumed == unsafe { core::ptr::read_volatile(&raw const queue.produced) } {
        return None;
    }
    // SAFETY: reads the monotonic clock.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    if queue.interval_fp != 0 && !due(queue, now_ns) {
        return None;
    }
    let slot = queue.slots[consumed as usize & (LIVE_SLOTS - 1)];
    let template = TEMPLATES.get(u32::from(slot.template) & (TEMPLATES_MAX as u32 - 1))?;
    let mut packet = Packet::new(ctx);
    copy(&mut packet, template)?;
    // Probes of one scan differ in length; the page was made for the longest. Less than a word is Ethernet padding, and
    // zero: cutting it off would cost a call for each probe of the usual scan.
    let excess = packet.len() as i32 - i32::from(template.len);
    if excess >= 8 {
        // SAFETY: the helper checks the length; every pointer made before is dead after it.
        if unsafe { aya_ebpf::helpers::bpf_xdp_adjust_tail(ctx.ctx, -excess) } != 0 {
            return None;
        }
        packet = Packet::new(ctx);
    }
    probe::write(&mut packet, template, queue.key, slot, Tick::at(now_ns))?;
    queue.consumed = consumed + 1;
    Some(())
}

#[inline(always)]
fn due(queue: &mut LiveQueue, now_ns: u64) -> bool {
    let now_fp = now_ns << 8;
    if now_fp < queue.due_fp {
        return false;
    }
    // `lag_max_fp` bounds the burst after a stall.
    let oldest = now_fp - queue.lag_max_fp;
    let due = if queue.due_fp < oldest { oldest } else { queue.due_fp };
    queue.due_fp = due + queue.interval_fp;
    true
}

/// Pages come back with what the last user of the page left in them, so the whole frame is written anew.
#[inline(always)]
fn copy(packet: &mut Packet, template: &Template) -> Option<()> {
    // SAFETY: the frame is the template's first field and its length a multiple of eight; read unaligned.
    let words = unsafe { &*(&raw const template.frame).cast::<[u64; TEMPLATE_CAPACITY / 8]>() };
    packet.copy_words(words, usize::from(template.len).div_ceil(8))
}
