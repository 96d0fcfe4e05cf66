//! How many probes a watch needs: addresses by what is known of them, and for each kind how large its visits are and how
//! often they come, as seen lately.

use super::index_of;
use crate::model::watch::StandingCounts;
use crate::policy::interval::LADDER_S;
use crate::policy::target_state::Standing;

/// Weight of the newest visit.
const RECENT: f64 = 0.01;

#[derive(Clone, Copy, Debug)]
struct Kind {
    addresses: u64,
    /// Mean probes of a visit and seconds between two; 0 visits were seen if the first is negative.
    probes: f64,
    interval_s: f64,
}

impl Default for Kind {
    fn default() -> Self {
        Self { addresses: 0, probes: -1.0, interval_s: f64::from(LADDER_S[0]) }
    }
}

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Demand {
    kinds: [Kind; 6],
}

impl Demand {
    pub(super) fn add(&mut self, standing: Standing) {
        self.kinds[index_of(standing)].addresses += 1;
    }

    /// First visits are spread over so many seconds.
    pub(super) fn spread_first(&mut self, spread_s: u32) {
        self.kinds[index_of(Standing::New)].interval_s = f64::from(spread_s);
    }

    pub(super) fn planned(&mut self, standing: Standing, probes: usize) {
        let kind = &mut self.kinds[index_of(standing)];
        let probes = probes as f64;
        kind.probes = if kind.probes < 0.0 { probes } else { kind.probes + RECENT * (probes - kind.probes) };
    }

    pub(super) fn decided(&mut self, before: Standing, after: Standing, interval_s: u32) {
        self.kinds[index_of(before)].addresses -= 1;
        let kind = &mut self.kinds[index_of(after)];
        kind.addresses += 1;
        // The standard set again, at once, is no interval.
        if after == Standing::New {
            return;
        }
        kind.interval_s += RECENT * (f64::from(interval_s) - kind.interval_s);
    }

    /// Mean probes of a visit to such an address.
    pub(super) fn probes_of(&self, standing: Standing) -> f64 {
        self.kinds[index_of(standing)].probes.max(1.0)
    }

    /// Probes a second that are needed on average by `admitted` of the addresses: those that were visited before those that
    /// were not, which are the first to be left out.
    pub(super) fn probes_per_s(&self, admitted: f64) -> f64 {
        let mut left = admitted;
        let new = index_of(Standing::New);
        let visited = self.kinds.iter().enumerate().filter(|(index, _)| *index != new).map(|(_, kind)| kind);
        let of = |kind: &Kind, addresses: f64| addresses * kind.probes.max(0.0) / kind.interval_s.max(1.0);
        let standing: f64 = visited.clone().map(|kind| kind.addresses as f64).sum();
        let part = if standing > left { left.max(0.0) / standing } else { 1.0 };
        let needed: f64 = visited.map(|kind| of(kind, kind.addresses as f64 * part)).sum();
        left = (left - standing).max(0.0);
        needed + of(&self.kinds[new], left.min(self.kinds[new].addresses as f64))
    }

    pub(super) fn standings(&self) -> StandingCounts {
        let [new, silent, gone, answering, device, honeypot] = self.kinds.map(|kind| kind.addresses);
        StandingCounts { new, silent, gone, answering, device, honeypot }
    }
}
