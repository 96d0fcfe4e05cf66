//! How many packets were granted in the last 10 ms: a ring of grants with their times. Grants within 5 us share an
//! entry with the later time, which counts them a little too long, never too short.

use std::collections::VecDeque;

/// Grants closer than this share an entry.
const MERGE_NS: u64 = 5_000;

/// The grants of the last 10 ms.
#[derive(Debug)]
pub(super) struct Window {
    /// Oldest first; at most `SPAN_NS / MERGE_NS` and a few, all allocated at the start.
    grants: VecDeque<Grants>,
    packets: u64,
}

#[derive(Clone, Copy, Debug)]
struct Grants {
    first_ns: u64,
    last_ns: u64,
    packets: u32,
}

impl Window {
    /// What the window spans.
    pub(super) const SPAN_NS: u64 = 10_000_000;

    pub(super) fn new() -> Self {
        Self { grants: VecDeque::with_capacity((Self::SPAN_NS / MERGE_NS) as usize + 16), packets: 0 }
    }

    /// Packets granted after `now_ns` minus the span.
    #[inline]
    pub(super) fn packets(&mut self, now_ns: u64) -> f64 {
        while let Some(oldest) = self.grants.front() {
            if oldest.last_ns + Self::SPAN_NS >= now_ns {
                break;
            }
            self.packets -= u64::from(oldest.packets);
            self.grants.pop_front();
        }
        self.packets as f64
    }

    #[inline]
    pub(super) fn add(&mut self, now_ns: u64, packets: u32) {
        self.packets += u64::from(packets);
        match self.grants.back_mut() {
            Some(latest) if now_ns < latest.first_ns + MERGE_NS => {
                latest.packets += packets;
                latest.last_ns = latest.last_ns.max(now_ns);
            }
            _ => self.grants.push_back(Grants { first_ns: now_ns, last_ns: now_ns, packets }),
        }
    }

    pub(super) fn take_back(&mut self, packets: u32) {
        if let Some(latest) = self.grants.back_mut() {
            let taken = packets.min(latest.packets);
            latest.packets -= taken;
            self.packets -= u64::from(taken);
        }
    }

    /// How long after `now_ns` until at most `limit` packets are in the window.
    pub(super) fn ns_until_at_most(&mut self, now_ns: u64, limit: f64) -> u64 {
        let mut left = self.packets(now_ns);
        for grants in &self.grants {
            if left <= limit {
                return 0;
            }
            left -= f64::from(grants.packets);
            if left <= limit {
                return (grants.last_ns + Self::SPAN_NS + 1).saturating_sub(now_ns);
            }
        }
        0
    }
}
