//! The queue between user space and the kernel's probe writer (live frames): one array-map value, mapped into user space.
//! One producer, one consumer, positions count up for ever and are taken modulo the length.

use crate::cookie::Key;
use crate::slot::ProbeSlot;

/// Slots in the queue; a power of two.
pub const LIVE_SLOTS: usize = 8192;

/// Metadata in front of a live frame: what makes the program send, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct LiveMeta {
    /// Must equal the rules' `live_pass`.
    pub pass: u64,
    /// Index of the queue.
    pub queue: u64,
}

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
    line_1: [u64; 4],
    /// Slots sent by the kernel so far.
    pub consumed: u64,
    /// When the next probe is due: `CLOCK_MONOTONIC` in 1/256 ns.
    pub due_fp: u64,
    /// At most this far behind may the next due time fall, in 1/256 ns; what is further behind is forgotten.
    pub lag_max_fp: u64,
    line_2: [u64; 5],
    /// The probes.
    pub slots: [ProbeSlot; LIVE_SLOTS],
}

const _: () = assert!(size_of::<LiveMeta>() == 16);
const _: () = assert!(size_of::<LiveQueue>() == 128 + 8 * LIVE_SLOTS && LIVE_SLOTS.is_power_of_two());
