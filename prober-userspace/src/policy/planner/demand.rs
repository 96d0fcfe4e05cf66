//! How many probes a watch needs: addresses by what is known of them, and for each kind how large its visits are and how
//! often they come, as seen lately.

use super::index_of;
use crate::model::watch::StandingCounts;
use crate::policy::interval::LADDER_S;
use crate::policy::target_state::Standing;

/// Weight of the newest visit, and of the newest first one.
const RECENT: f64 = 0.01;
const RECENT_FIRST: f64 = 0.001;

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

    /// First visits have so many probes on average.
    pub(super) fn expect_first(&mut self, probes: f64) {
        self.kinds[index_of(Standing::New)].probes = probes;
    }

    pub(super) fn planned(&mut self, standing: Standing, probes: usize) {
        let kind = &mut self.kinds[index_of(standing)];
        let probes = probes as f64;
        // Some first visits are a hundred times larger than most.
        let weight = if standing == Standing::New { RECENT_FIRST } else { RECENT };
        kind.probes = if kind.probes < 0.0 { probes } else { kind.probes + weight * (probes - kind.probes) };
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

    /// Probes a second that visits to known addresses need on average, if `admitted` addresses may be visited.
    pub(super) fn probes_per_s(&self, admitted: f64) -> f64 {
        let of = |kind: &Kind| kind.addresses as f64 * kind.probes.max(0.0) / kind.interval_s.max(1.0);
        let known = self.known();
        let part = if known > admitted { admitted.max(0.0) / known } else { 1.0 };
        let new = index_of(Standing::New);
        self.kinds.iter().enumerate().filter(|(index, _)| *index != new).map(|(_, kind)| of(kind)).sum::<f64>() * part
    }

    /// Probes that first visits still need if `admitted` addresses may be visited: those that are known are the last to be
    /// left out.
    pub(super) fn first_probes(&self, admitted: f64) -> f64 {
        let new = &self.kinds[index_of(Standing::New)];
        (admitted - self.known()).clamp(0.0, new.addresses as f64) * new.probes.max(0.0)
    }

    fn known(&self) -> f64 {
        let all: u64 = self.kinds.iter().map(|kind| kind.addresses).sum();
        (all - self.kinds[index_of(Standing::New)].addresses) as f64
    }

    pub(super) fn standings(&self) -> StandingCounts {
        let [new, silent, gone, answering, device, honeypot] = self.kinds.map(|kind| kind.addresses);
        StandingCounts { new, silent, gone, answering, device, honeypot }
    }
}
