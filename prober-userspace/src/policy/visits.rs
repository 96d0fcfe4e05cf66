//! Visits under way: which replies belong to which, and when a visit's silence is known. Sends are planned, so an address
//! that has not answered a while after its last probe is silent; there is no table of single probes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use prober_common::address::V4;
use prober_common::event::{ProbeKind, ReplyEvent, ReplyKind};

use super::planner::PlannedVisit;

/// A visit under way.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Of which address.
    pub address: V4,
    /// The number of its state.
    pub number: u32,
    /// On which ports.
    pub ports: Arc<[u16]>,
    /// When it was handed out, seconds of the watch's clock.
    pub began_s: u32,
    /// The same, monotonic ns: replies to earlier probes are not of this visit.
    pub began_ns: u64,
    /// Ports found open so far, in order.
    pub open: Vec<u16>,
}

/// The visits under way, at most one for each address.
#[derive(Debug)]
pub struct Visits {
    timeout_ns: u64,
    under_way: HashMap<u32, Visit>,
    /// Those whose last probe is sent, in that order.
    sent: VecDeque<(u64, V4)>,
    unmatched: u64,
    probes: u64,
}

impl Visits {
    /// Replies are awaited for `timeout_ns` after a visit's last probe.
    pub fn new(timeout_ns: u64) -> Self {
        Self { timeout_ns, under_way: HashMap::new(), sent: VecDeque::new(), unmatched: 0, probes: 0 }
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Whether a visit of an address is under way.
    pub fn is_under_way(&self, address: V4) -> bool {
        self.under_way.contains_key(&address.0)
    }

    /// Probes of all visits under way.
    pub fn probes(&self) -> u64 {
        self.probes
    }

    /// Replies that belonged to no visit under way.
    pub fn unmatched(&self) -> u64 {
        self.unmatched
    }

    /// A visit begins.
    pub fn begin(&mut self, planned: &PlannedVisit, began_s: u32, began_ns: u64) {
        self.probes += planned.ports.len() as u64;
        let visit = Visit {
            address: planned.address,
            number: planned.number,
            ports: Arc::clone(&planned.ports),
            began_s,
            began_ns,
            open: Vec::new(),
        };
        self.under_way.insert(planned.address.0, visit);
    }

    /// Its last probe was sent.
    pub fn sent(&mut self, address: V4, sent_ns: u64) {
        self.sent.push_back((sent_ns, address));
    }

    /// It does not take place; gives it back.
    pub fn cancel(&mut self, address: V4) -> Option<Visit> {
        let visit = self.under_way.remove(&address.0)?;
        self.probes -= visit.ports.len() as u64;
        Some(visit)
    }

    /// Those that only wait for replies, which may be lost: they do not count, and are given back.
    pub fn interrupt(&mut self) -> Vec<Visit> {
        let waiting = std::mem::take(&mut self.sent);
        waiting.into_iter().filter_map(|(_, address)| self.cancel(address)).collect()
    }

    /// A reply came. Repeated ones change nothing.
    pub fn reply(&mut self, event: &ReplyEvent) {
        if event.kind != ReplyKind::SynAck as u8 || event.probe != ProbeKind::TcpSyn as u8 {
            return;
        }
        let sent_ns = event.received_ns.saturating_sub(event.rtt_ns);
        // Send times are rounded to ticks of 8 us.
        let visit = self.under_way.get_mut(&event.target.0).filter(|visit| sent_ns + 100_000 >= visit.began_ns);
        let Some(visit) = visit.filter(|visit| visit.ports.binary_search(&event.port).is_ok()) else {
            self.unmatched += 1;
            return;
        };
        if let Err(place) = visit.open.binary_search(&event.port) {
            visit.open.insert(place, event.port);
        }
    }

    /// The next visit of which nothing more is awaited.
    pub fn pop_over(&mut self, now_ns: u64) -> Option<Visit> {
        loop {
            let (sent_ns, address) = *self.sent.front()?;
            if now_ns < sent_ns + self.timeout_ns {
                return None;
            }
            self.sent.pop_front();
            if let Some(visit) = self.cancel(address) {
                return Some(visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(address: u32, ports: &[u16]) -> PlannedVisit {
        PlannedVisit { number: 3, address: V4(address), ports: ports.into(), cluster: 0, due_s: 0 }
    }

    fn reply(address: u32, port: u16, sent_ns: u64, rtt_ns: u64) -> ReplyEvent {
        ReplyEvent { target: V4(address), port, received_ns: sent_ns + rtt_ns, rtt_ns, ..ReplyEvent::default() }
    }

    #[test]
    fn replies_find_their_visit_and_silence_is_known_after_the_timeout() {
        let mut visits = Visits::new(1_000_000_000);
        visits.begin(&planned(7, &[22, 80, 443]), 50, 5_000_000);
        visits.begin(&planned(8, &[22]), 50, 5_000_000);
        assert_eq!((visits.len(), visits.probes()), (2, 4));
        for event in [
            reply(7, 443, 6_000_000, 50_000_000),
            reply(7, 22, 6_100_000, 20_000_000),
            reply(7, 22, 6_100_000, 25_000_000),
            // Of an earlier visit, of a port that is not asked, of an address that is not visited.
            reply(7, 80, 1_000_000, 90_000_000),
            reply(7, 81, 6_000_000, 1_000),
            reply(9, 22, 6_000_000, 1_000),
        ] {
            visits.reply(&event);
        }
        assert_eq!(visits.unmatched(), 3);
        visits.sent(V4(7), 7_000_000);
        assert!(visits.pop_over(1_006_000_000).is_none());
        let over = visits.pop_over(1_007_000_000).expect("its time has come");
        assert_eq!((over.address, over.open, over.number), (V4(7), vec![22, 443], 3));
        assert!(visits.pop_over(u64::MAX / 2).is_none(), "the other one is not sent yet");
        assert_eq!((visits.len(), visits.probes()), (1, 1));
        assert!(visits.cancel(V4(8)).is_some() && visits.is_empty());
    }

    #[test]
    fn an_interruption_gives_back_what_waits_and_leaves_what_is_still_to_be_sent() {
        let mut visits = Visits::new(1_000);
        visits.begin(&planned(7, &[22, 80]), 50, 0);
        visits.begin(&planned(8, &[22]), 50, 0);
        visits.sent(V4(7), 10);
        let interrupted: Vec<u32> = visits.interrupt().iter().map(|visit| visit.address.0).collect();
        assert_eq!((interrupted, visits.len(), visits.probes()), (vec![7], 1, 1));
        assert!(visits.pop_over(u64::MAX / 2).is_none());
        visits.sent(V4(8), 20);
        assert!(visits.pop_over(u64::MAX / 2).is_some_and(|visit| visit.address == V4(8)));
    }
}
