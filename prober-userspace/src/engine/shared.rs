//! What the threads of a scan share: switches that the control thread sets, and counters that it reads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::target::batch::BatchId;

/// Rate that means "as fast as the interface takes them".
pub const UNLIMITED_PPS: f64 = f64::INFINITY;

/// Switches. The control thread writes, the others read.
#[derive(Debug)]
pub struct Switches {
    rate_pps: AtomicU64,
    paused: AtomicBool,
    link_down: AtomicBool,
    stop_sending: AtomicBool,
    stop_receiving: AtomicBool,
    planned_all: AtomicBool,
}

impl Switches {
    /// Running at this rate.
    pub fn new(rate_pps: f64) -> Self {
        Self {
            rate_pps: AtomicU64::new(rate_pps.to_bits()),
            paused: AtomicBool::new(false),
            link_down: AtomicBool::new(false),
            stop_sending: AtomicBool::new(false),
            stop_receiving: AtomicBool::new(false),
            planned_all: AtomicBool::new(false),
        }
    }

    /// Rate of the whole scan, packets/s.
    pub fn rate_pps(&self) -> f64 {
        f64::from_bits(self.rate_pps.load(Ordering::Relaxed))
    }

    /// Changes the rate.
    pub fn set_rate_pps(&self, rate_pps: f64) {
        self.rate_pps.store(rate_pps.to_bits(), Ordering::Relaxed);
    }

    /// Whether sending is held back.
    pub fn paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Holds sending back, or lets it go on.
    pub fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    /// Whether the interface is down, so that nothing can be sent.
    pub fn link_down(&self) -> bool {
        self.link_down.load(Ordering::Relaxed)
    }

    /// Notes whether it is; whether that is new.
    pub fn set_link_down(&self, down: bool) -> bool {
        self.link_down.swap(down, Ordering::Relaxed) != down
    }

    /// Whether no more probes may be sent.
    pub fn sending_stopped(&self) -> bool {
        self.stop_sending.load(Ordering::Relaxed)
    }

    /// Ends sending; what is planned but unsent is dropped and stays before the checkpoint.
    pub fn stop_sending(&self) {
        self.stop_sending.store(true, Ordering::Relaxed);
    }

    /// Whether the receiver shall drain the ring once more and end.
    pub fn receiving_stopped(&self) -> bool {
        self.stop_receiving.load(Ordering::Acquire)
    }

    /// Ends receiving.
    pub fn stop_receiving(&self) {
        self.stop_receiving.store(true, Ordering::Release);
    }

    /// Whether the planner has handed out everything.
    pub fn planned_all(&self) -> bool {
        self.planned_all.load(Ordering::Acquire)
    }

    /// Says that nothing more will be handed out.
    pub fn set_planned_all(&self) {
        self.planned_all.store(true, Ordering::Release);
    }
}

/// Counters of one sender, written by it alone.
#[derive(Debug, Default)]
pub struct SendCounts {
    /// Probes the kernel took.
    pub sent: AtomicU64,
    /// Probes held back by the check before the wire; must stay zero.
    pub excluded: AtomicU64,
    /// Of those sent, the ones that the kernel had when the link went down.
    pub link_lost: AtomicU64,
}

impl SendCounts {
    /// Adds to a counter that only the calling thread writes.
    #[inline]
    pub fn add(counter: &AtomicU64, count: u64) {
        counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }
}

/// A batch that was sent, on its way back to the planner.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Which.
    pub batch: BatchId,
    /// When its last probe was taken by the kernel, monotonic ns.
    pub at_ns: u64,
}
