//! The sending half: writes the next probe of the queue into a page of the kernel's own and sends it. It runs in
//! `BPF_PROG_TEST_RUN` with live frames, so no socket buffer is made and no system call is spent per probe.

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_TX};
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::programs::XdpContext;
use prober_common::counter::Counter;
use prober_common::live::{LIVE_SLOTS, LiveQueue};
use prober_common::probe;
use prober_common::rules::Rules;
use prober_common::stamp::Tick;
use prober_common::template::{TEMPLATE_CAPACITY, Template};

use crate::frame::Packet;
use crate::maps::{LIVE, TEMPLATES, TEMPLATES_MAX, count};

/// Whether this is a live frame of our own: its metadata holds the scan's pass. Frames from the wire have none that
/// they could choose.
#[inline(always)]
pub fn is_ours(ctx: &XdpContext, rules: &Rules) -> bool {
    let meta = ctx.metadata();
    if rules.live_pass == 0 || meta + size_of::<u64>() > ctx.data() {
        return false;
    }
    // SAFETY: the check above, in the form that the verifier follows.
    unsafe { *(meta as *const u64) == rules.live_pass }
}

/// Sends the next probe, if there is one.
#[inline(always)]
pub fn send(ctx: &XdpContext) -> u32 {
    match next(ctx) {
        Some(()) => XDP_TX,
        None => {
            count(Counter::LiveIdle);
            XDP_DROP
        }
    }
}

#[inline(always)]
fn next(ctx: &XdpContext) -> Option<()> {
    let queue = LIVE.get_ptr_mut(0)?;
    // SAFETY: the map value lives as long as the program. User space writes `produced` and slots not yet produced,
    // this program the rest; each field is read once.
    let queue: &mut LiveQueue = unsafe { &mut *queue };
    let consumed = queue.consumed;
    if consumed == unsafe { core::ptr::read_volatile(&raw const queue.produced) } {
        return None;
    }
    // SAFETY: reads the monotonic clock.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    if queue.interval_fp != 0 && !due(queue, now_ns) {
        return None;
    }
    let slot = queue.slots[consumed as usize & (LIVE_SLOTS - 1)];
    let template = TEMPLATES.get(u32::from(slot.template) & (TEMPLATES_MAX - 1))?;
    let mut packet = Packet::new(ctx);
    copy(&mut packet, template)?;
    probe::write(&mut packet, template, queue.key, slot, Tick::at(now_ns))?;
    queue.last_sent_ns = now_ns;
    queue.consumed = consumed + 1;
    count(Counter::LiveSent);
    Some(())
}

#[inline(always)]
fn due(queue: &mut LiveQueue, now_ns: u64) -> bool {
    if now_ns << 8 < queue.due_fp {
        return false;
    }
    queue.due_fp += queue.interval_fp;
    true
}

/// Pages come back with what the last user of the page left in them, so the whole frame is written anew.
#[inline(always)]
fn copy(packet: &mut Packet, template: &Template) -> Option<()> {
    // SAFETY: the frame is the template's first field and its length a multiple of eight; read unaligned.
    let words = unsafe { &*(&raw const template.frame).cast::<[u64; TEMPLATE_CAPACITY / 8]>() };
    packet.copy_words(words, 8)
}
