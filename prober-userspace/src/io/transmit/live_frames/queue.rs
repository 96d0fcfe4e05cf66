//! User space's half of [`LiveQueue`]: it fills slots and moves `produced`, the kernel's program does the rest.
#![allow(unsafe_code, reason = "memory shared with the kernel; see the comment at each block")]

use std::io;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aya::Ebpf;
use aya::maps::Map;
use prober_common::cookie::Key;
use prober_common::live::{LIVE_SLOTS, LiveQueue};
use prober_common::slot::ProbeSlot;

use crate::io::sys::Mapping;

/// The largest burst after a stall while the kernel spaces the probes, of all senders together.
const LAG_PROBES: f64 = 52.0;

/// A mapped queue. One per thread: `&mut` makes the single producer.
pub struct Queue {
    state: QueueState,
    lag_probes: f64,
}

/// The positions of a queue, for whoever only looks.
#[derive(Clone)]
pub struct QueueState {
    shared: NonNull<LiveQueue>,
    _mapping: Arc<Mapping>,
}

// SAFETY: the mapping lives as long as any clone, and what is read through it are atomics; everything else is reached
// through `Queue` alone, which is not `Clone`.
unsafe impl Send for QueueState {}

impl Queue {
    /// Maps the queue with this index, one of `senders`.
    pub fn map(object: &Ebpf, index: u32, key: Key, senders: u32) -> io::Result<Self> {
        let Some(Map::Array(map)) = object.map("LIVE") else {
            return Err(io::Error::other("the object has no such map"));
        };
        let end = size_of::<LiveQueue>() * (index as usize + 1);
        let mapping = Mapping::of_file(map.fd().as_fd(), end.next_multiple_of(page_len()), 0)?;
        // SAFETY: array values lie one behind the other, each a multiple of eight long; `end` is inside the mapping.
        let shared = unsafe { mapping.start().add(size_of::<LiveQueue>() * index as usize) }.cast::<LiveQueue>();
        // SAFETY: the kernel's program does not run on this queue before the first `push`.
        unsafe { (*shared.as_ptr()).key = key };
        let state = QueueState { shared, _mapping: Arc::new(mapping) };
        Ok(Self { state, lag_probes: LAG_PROBES / f64::from(senders.max(1)) })
    }

    /// How far the program must keep probes apart from now on; 0 lets it run.
    pub fn space(&mut self, interval_ns: f64) {
        let queue = self.state.shared.as_ptr();
        // SAFETY: valid, aligned fields that the kernel may read meanwhile; hence atomic.
        let (interval, lag_max) = unsafe {
            (AtomicU64::from_ptr(&raw mut (*queue).interval_fp), AtomicU64::from_ptr(&raw mut (*queue).lag_max_fp))
        };
        interval.store((interval_ns * 256.0) as u64, Ordering::Relaxed);
        lag_max.store((interval_ns * 256.0 * self.lag_probes) as u64, Ordering::Relaxed);
    }

    /// Its positions, to look at from elsewhere.
    pub fn state(&self) -> QueueState {
        self.state.clone()
    }

    /// Appends probes; there must be room, which an empty queue has for [`LIVE_SLOTS`].
    pub fn push(&mut self, probes: &[ProbeSlot]) {
        debug_assert!(probes.len() as u64 + self.waiting() <= LIVE_SLOTS as u64);
        let produced = self.state.produced();
        for (offset, probe) in (0..).zip(probes) {
            let slot = (produced + offset) as usize & (LIVE_SLOTS - 1);
            // SAFETY: `slot` is inside the array, and the program does not read it before `produced` says so.
            unsafe { (&raw mut (*self.state.shared.as_ptr()).slots[slot]).write(*probe) };
        }
        self.state.producer().store(produced + probes.len() as u64, Ordering::Release);
    }

    /// Forgets the probes not sent yet. The program must not run meanwhile.
    pub fn discard(&mut self) {
        self.state.producer().store(self.state.consumed(), Ordering::Release);
    }

    /// Probes not sent yet.
    pub fn waiting(&self) -> u64 {
        self.state.waiting()
    }

    /// Probes sent so far.
    pub fn consumed(&self) -> u64 {
        self.state.consumed()
    }
}

impl QueueState {
    /// Probes not sent yet.
    pub fn waiting(&self) -> u64 {
        let consumed = self.consumed();
        self.produced() - consumed
    }

    /// Probes filled in so far.
    pub fn produced(&self) -> u64 {
        self.producer().load(Ordering::Acquire)
    }

    /// Probes sent so far.
    pub fn consumed(&self) -> u64 {
        // SAFETY: a valid, aligned field that the kernel writes; hence atomic.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.shared.as_ptr()).consumed) }.load(Ordering::Acquire)
    }

    fn producer(&self) -> &AtomicU64 {
        // SAFETY: a valid, aligned field that the kernel reads; hence atomic.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.shared.as_ptr()).produced) }
    }
}

fn page_len() -> usize {
    // SAFETY: plain system call.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}
