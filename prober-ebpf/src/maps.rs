//! The maps, and counting. Sizes are those of `prober-common`; user space resizes the ring before loading.

use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, PerCpuArray, RingBuf};
use prober_common::counter::Counter;
use prober_common::event::ReplyEvent;
use prober_common::live::LiveQueue;
use prober_common::rules::Rules;
use prober_common::template::{TEMPLATES_MAX, Template};

/// `BPF_F_MMAPABLE`: user space maps the queue into its memory.
const MMAPABLE: u32 = 1 << 10;

/// The scan's rules, one entry.
#[map]
pub static RULES: Array<Rules> = Array::with_max_entries(1, 0);
/// Accepted replies on their way to user space.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(1 << 12, 0);
/// One count per [`Counter`] and CPU.
#[map]
pub static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(Counter::COUNT as u32, 0);
/// Frames that the live program copies.
#[map]
pub static TEMPLATES: Array<Template> = Array::with_max_entries(TEMPLATES_MAX as u32, 0);
/// The live program's queues, one per sending thread.
#[map]
pub static LIVE: Array<LiveQueue> = Array::with_max_entries(1, MMAPABLE);

/// Adds one to a counter.
#[inline(always)]
pub fn count(counter: Counter) {
    if let Some(value) = COUNTERS.get_ptr_mut(counter as u32) {
        // SAFETY: the map is per CPU and a program is not interrupted by another run of itself on its CPU.
        unsafe { *value += 1 };
    }
}

/// Hands an accepted reply to user space; a full ring is counted. User space polls, so it is not woken.
#[inline(always)]
pub fn emit(event: &ReplyEvent) {
    const NO_WAKEUP: u64 = 1;
    if EVENTS.output::<ReplyEvent>(event, NO_WAKEUP).is_err() {
        count(Counter::RingFull);
    }
}
