//! Errands on their way to the wire: each probe at its time, no address faster than its errand says, no /24 and no group
//! faster than its limit, nobody who is excluded. Every errand that comes in comes out once, as done.
//!
//! Errands are interleaved: what is due first goes first. About 100 ns per probe, 80 bytes per errand and 2 per port.

use core::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use super::batch::{BATCH_PROBES, Batch, BatchId};
use super::brakes::Brakes;
use super::errand::{Errand, ErrandDone};
use super::group_limits::GroupLimits;
use super::network_limit::NetworkLimit;
use super::shared_exclusions::ExclusionReader;
use super::source::{BatchSource, Next};

/// The group of errands that count against no group's rate.
pub const NO_GROUP: u32 = u32::MAX;

/// /24s that the table of their limits is made for.
const NETWORKS: u64 = 1 << 19;
/// Batches handed out and not confirmed, at most; then nothing more is handed out.
const MOST_BATCHES: usize = 1 << 13;
/// When to look again for confirmations that all else waits for, ns.
const CONFIRMATION_WAIT_NS: u64 = 1_000_000;
/// Nothing is waiting: when to look again, ns.
const IDLE_NS: u64 = 1_000_000;
/// A place that was reserved and missed by more than this is given up, ns: after a pause many have passed at once, and
/// using all would be a burst.
const LATE_NS: u64 = 20_000_000;

/// Errands and their limits.
#[derive(Debug)]
pub struct ErrandQueue {
    exclusions: ExclusionReader,
    slash24: Option<NetworkLimit>,
    groups: GroupLimits,
    /// By number; a free one has no probes.
    errands: Vec<Active>,
    free: Vec<u32>,
    /// When the next probe of each errand may go.
    due: BinaryHeap<Reverse<(u64, u32)>>,
    first_id: u64,
    in_flight: VecDeque<InFlight>,
    done: VecDeque<ErrandDone>,
    counts: ErrandCounts,
    is_closed: bool,
}

#[derive(Debug)]
struct Active {
    errand: Errand,
    /// Probes handed out so far.
    next: u32,
    /// Its place at all limits is taken.
    is_reserved: bool,
}

#[derive(Debug, Default)]
struct InFlight {
    sent_ns: Option<u64>,
    /// Errands whose last probe is in it.
    ends: Vec<ErrandDone>,
}

/// How far a queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrandCounts {
    /// Errands that came in.
    pub errands: u64,
    /// Errands that are over.
    pub done: u64,
    /// Probes handed out.
    pub probes: u64,
    /// Errands that ended because their address is excluded.
    pub excluded: u64,
}

impl ErrandQueue {
    /// An empty queue. `rate_per_slash24_pps` 0: no limit.
    pub fn new(exclusions: ExclusionReader, rate_per_slash24_pps: f64) -> Self {
        Self {
            exclusions,
            slash24: NetworkLimit::new(rate_per_slash24_pps, NETWORKS),
            groups: GroupLimits::default(),
            errands: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
            first_id: 0,
            in_flight: VecDeque::new(),
            done: VecDeque::new(),
            counts: ErrandCounts::default(),
            is_closed: false,
        }
    }

    /// From now on the limit per /24 is tightened where these brakes say so.
    pub fn obey(&mut self, brakes: Arc<Brakes>) {
        if let Some(limit) = &mut self.slash24 {
            limit.obey(brakes);
        }
    }

    /// Limits a group; 0: no limit.
    pub fn set_group_rate(&mut self, group: u32, pps: f64) {
        if group != NO_GROUP {
            self.groups.set(group, pps);
        }
    }

    /// Takes in an errand; one without probes is done at once.
    pub fn push(&mut self, errand: Errand, now_ns: u64) {
        self.counts.errands += 1;
        if errand.probes.is_empty() {
            self.end(ErrandDone { tag: errand.tag, probes: 0, sent_ns: now_ns, is_excluded: false });
            return;
        }
        let due_ns = errand.not_before_ns;
        let active = Active { errand, next: 0, is_reserved: false };
        let number = if let Some(number) = self.free.pop() {
            self.errands[number as usize] = active;
            number
        } else {
            self.errands.push(active);
            self.errands.len() as u32 - 1
        };
        self.due.push(Reverse((due_ns, number)));
    }

    /// Nothing more will be pushed.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// The next errand that is over.
    pub fn pop_done(&mut self) -> Option<ErrandDone> {
        self.done.pop_front()
    }

    /// How far it is.
    pub fn counts(&self) -> ErrandCounts {
        self.counts
    }

    /// Errands that wait or are under way.
    pub fn waiting(&self) -> usize {
        self.due.len()
    }

    fn end(&mut self, done: ErrandDone) {
        self.counts.done += 1;
        self.counts.excluded += u64::from(done.is_excluded);
        self.done.push_back(done);
    }

    /// The time of the next probe of an errand by the limits; none if it may go now.
    fn reserve(&mut self, number: u32, now_ns: u64) -> Option<u64> {
        let errand = &self.errands[number as usize].errand;
        let mut due_ns = self.groups.earliest(errand.group, now_ns);
        // One place at both limits, at one time: else a wait at one of them would let the other be exceeded. An errand has
        // one probe outstanding, so no place is taken far ahead.
        if let Some(limit) = &mut self.slash24 {
            due_ns = limit.earliest(errand.address, due_ns);
            let is_free = limit.reserve(errand.address, due_ns).is_ok();
            debug_assert!(is_free, "the limit said so");
        }
        self.groups.take(errand.group, due_ns);
        (due_ns > now_ns).then_some(due_ns)
    }

    /// Whether the errand's next probe may go now; else it is put off.
    fn may_go(&mut self, number: u32, due_ns: u64, now_ns: u64) -> bool {
        let active = &mut self.errands[number as usize];
        if active.is_reserved && now_ns <= due_ns + LATE_NS {
            active.is_reserved = false;
            return true;
        }
        let later_ns = self.reserve(number, now_ns);
        self.errands[number as usize].is_reserved = later_ns.is_some();
        if let Some(later_ns) = later_ns {
            self.due.push(Reverse((later_ns, number)));
        }
        later_ns.is_none()
    }

    fn fill(&mut self, now_ns: u64, most: usize, out: &mut Batch, ends: &mut Vec<ErrandDone>) -> usize {
        let mut count = 0;
        // Looking at those that are put off must end as well.
        for _ in 0..4 * most {
            let Some(&Reverse((due_ns, number))) = self.due.peek() else { break };
            if count == most || due_ns > now_ns {
                break;
            }
            self.due.pop();
            let errand = &self.errands[number as usize].errand;
            if self.exclusions.contains(errand.address) {
                let probes = self.errands[number as usize].next;
                let done = ErrandDone { tag: errand.tag, probes, sent_ns: now_ns, is_excluded: true };
                self.end(done);
                self.free.push(number);
                continue;
            }
            if !self.may_go(number, due_ns, now_ns) {
                continue;
            }
            let active = &mut self.errands[number as usize];
            let slot = active.errand.slot(active.next as usize).expect("an errand that waits has probes left");
            out.room()[count] = slot;
            count += 1;
            active.next += 1;
            if (active.next as usize) < active.errand.probes.len() {
                self.due.push(Reverse((now_ns + active.errand.spacing_ns, number)));
            } else {
                let tag = active.errand.tag;
                ends.push(ErrandDone { tag, probes: active.next, sent_ns: 0, is_excluded: false });
                self.free.push(number);
            }
        }
        count
    }
}

impl BatchSource for ErrandQueue {
    type Checkpoint = ErrandCounts;

    fn next_batch(&mut self, now_ns: u64, most: usize, out: &mut Batch) -> Next {
        self.exclusions.refresh();
        if self.in_flight.len() >= MOST_BATCHES {
            return Next::WaitUntil(now_ns + CONFIRMATION_WAIT_NS);
        }
        let mut ends = Vec::new();
        let count = self.fill(now_ns, most.clamp(1, BATCH_PROBES), out, &mut ends);
        if count > 0 {
            let id = BatchId(self.first_id + self.in_flight.len() as u64);
            self.in_flight.push_back(InFlight { sent_ns: None, ends });
            self.counts.probes += count as u64;
            out.seal(count, id);
            return Next::Batch;
        }
        match self.due.peek() {
            Some(Reverse((due_ns, _))) => Next::WaitUntil((*due_ns).max(now_ns)),
            None if self.is_closed => Next::Done,
            None => Next::WaitUntil(now_ns + IDLE_NS),
        }
    }

    fn sent(&mut self, id: BatchId, sent_ns: u64) {
        let index = id.0.checked_sub(self.first_id).and_then(|index| usize::try_from(index).ok());
        if let Some(batch) = index.and_then(|index| self.in_flight.get_mut(index)) {
            batch.sent_ns.get_or_insert(sent_ns);
        }
        while let Some(sent_ns) = self.in_flight.front().and_then(|batch| batch.sent_ns) {
            let batch = self.in_flight.pop_front().unwrap_or_default();
            self.first_id += 1;
            for done in batch.ends {
                self.end(ErrandDone { sent_ns, ..done });
            }
        }
    }

    fn checkpoint(&self) -> ErrandCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests;
