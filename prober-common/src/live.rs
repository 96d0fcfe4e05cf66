//! The queue between user space and the kernel's probe writer (live frames): one array-map value, mapped into user space.
//! One producer, one consumer, positions count up for ever and are taken modulo the length.

use crate::cookie::Key;
use crate::slot::ProbeSlot;

/// Slots in the queue; a power of two.
pub const LIVE_SLOTS: usize = 8192;

/// The queue. 64-byte lines keep the two sides' positions apart.
#[derive(Debug)]
#[repr(C)]
pub struct LiveQueue {
    /// Slots filled by user space so far.
    pub produced: u64,
    /// Nanoseconds per probe in 1/256 ns, for the kernel's own pacing; 0 sends as fast as it can.
    pub interval_fp: u64,
    /// The scan's secret.
    pub key: Key,
    pub(crate) line_1: [u64; 4],
    /// Slots sent by the kernel so far.
    pub consumed: u64,
    /// When the next probe is due: `CLOCK_MONOTONIC` in 1/256 ns.
    pub due_fp: u64,
    /// When the last probe was written, `CLOCK_MONOTONIC` ns.
    pub last_sent_ns: u64,
    pub(crate) line_2: [u64; 5],
    /// The probes.
    pub slots: [ProbeSlot; LIVE_SLOTS],
}

const _: () = assert!(size_of::<LiveQueue>() == 128 + 8 * LIVE_SLOTS && LIVE_SLOTS.is_power_of_two());
