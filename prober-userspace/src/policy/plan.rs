//! The plan of a cluster: how many probes go in which of the coming slots. Every probe within its deadline, in the slots
//! that are surely quiet first, and a small budget in the others, so that a change is noticed. Every slot says why.

mod explain;
mod fill;
mod level;
#[cfg(test)]
mod tests;

use super::grid::{DayGrid, Place};
use super::profile::Profile;
use crate::network::congestion::load::{LoadEstimate, estimate_day};
use crate::network::congestion::rate::{RateLimit, RateRule, highest_rate};
use crate::network::congestion::service::ServiceTime;
use crate::target::splitmix;

pub use self::explain::Explanation;

/// How plans are made.
#[derive(Clone, Copy, Debug)]
pub struct PlanConfig {
    /// Part of the probes that goes to slots for what is learnt there, 0 to 1.
    pub exploration: f64,
    /// What others are to be left.
    pub rule: RateRule,
    /// Never faster than this, whatever a deadline asks for, pps.
    pub most_pps: f64,
}

impl Default for PlanConfig {
    fn default() -> Self {
        Self { exploration: 0.05, rule: RateRule::default(), most_pps: f64::INFINITY }
    }
}

/// Probes that must have gone before the end of a coming slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// How many.
    pub probes: f64,
    /// The last slot for them, counted from the first of the plan.
    pub due: usize,
}

/// Why a slot gets what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Among the quietest before the deadlines.
    Quiet,
    /// A few probes, to learn.
    Explored,
    /// More than its rate limit: the deadline left no choice.
    Forced,
    /// Nothing.
    Left,
}

/// A coming slot.
#[derive(Clone, Debug)]
pub struct PlannedSlot {
    /// Which.
    pub place: Place,
    /// Its load, as far as known.
    pub load: LoadEstimate,
    /// The highest rate that the others are not to notice.
    pub limit: RateLimit,
    /// Probes by demand.
    pub chosen: Vec<f64>,
    /// Probes to learn from, by demand.
    pub explored: Vec<f64>,
    /// Probes over the limit, by demand.
    pub forced: Vec<f64>,
}

impl PlannedSlot {
    /// All its probes.
    pub fn probes(&self) -> f64 {
        [&self.chosen, &self.explored, &self.forced].into_iter().flatten().sum()
    }

    /// What it is used for, the weightiest first.
    pub fn used(&self) -> Use {
        let sum = |part: &Vec<f64>| part.iter().sum::<f64>() > 1e-9;
        match () {
            () if sum(&self.forced) => Use::Forced,
            () if sum(&self.chosen) => Use::Quiet,
            () if sum(&self.explored) => Use::Explored,
            () => Use::Left,
        }
    }
}

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The coming slots.
    pub slots: Vec<PlannedSlot>,
    /// Length of a slot, s.
    pub slot_s: f64,
    /// Part of the bottleneck that one probe a second takes, if it is as slow as it may be.
    share_per_pps: f64,
    /// Probes for which no slot before their deadline was left, even over the limits; by demand.
    pub late: Vec<f64>,
    /// Elementary steps that it took: points of the load's grid, comparisons, placements.
    pub operations: u64,
}

impl Plan {
    /// Plans from `first` on: as many slots as the latest demand needs. About 0.1 ms per slot with answers.
    pub fn make(
        config: &PlanConfig,
        grid: DayGrid,
        first: Place,
        service: &ServiceTime,
        profile: &Profile,
        demands: &[Demand],
    ) -> Self {
        let length = demands.iter().map(|demand| demand.due + 1).max().unwrap_or(0);
        let places: Vec<Place> =
            std::iter::successors(Some(first), |place| Some(grid.after(*place))).take(length).collect();
        // Only cells that the plan meets are estimated.
        let mut wanted = vec![false; grid.cells()];
        for place in &places {
            wanted[grid.cell(*place)] = true;
        }
        let mut delays = profile.all_delays();
        for (delays, wanted) in delays.iter_mut().zip(&wanted) {
            if !wanted {
                *delays = crate::network::congestion::load::SlotDelays::default();
            }
        }
        let known = delays.iter().filter(|delays| delays.answers > 0.0).count() as u64;
        let loads = estimate_day(service, &delays);
        let places_with_loads = places.into_iter().map(|place| (place, loads[grid.cell(place)]));
        let mut plan = Self::of_loads(config, grid.slot_s(), service, places_with_loads, demands);
        plan.operations += known * crate::network::congestion::load::GRID_POINTS;
        plan
    }

    /// Plans over slots of known load.
    pub fn of_loads(
        config: &PlanConfig,
        slot_s: f64,
        service: &ServiceTime,
        slots: impl IntoIterator<Item = (Place, LoadEstimate)>,
        demands: &[Demand],
    ) -> Self {
        let slots = slots
            .into_iter()
            .map(|(place, load)| {
                let mut limit = highest_rate(service, &load, &config.rule);
                limit.pps = limit.pps.min(config.most_pps);
                let none = || vec![0.0; demands.len()];
                PlannedSlot { place, load, limit, chosen: none(), explored: none(), forced: none() }
            })
            .collect();
        let share_per_pps = service.careful_probe_s();
        let mut plan = Self { slots, slot_s, share_per_pps, late: vec![0.0; demands.len()], operations: 0 };
        plan.fill(config, demands);
        plan
    }

    /// The slot of one target's probe: `hash` is any number that belongs to the target, so that each goes its own way
    /// and always the same. `None` if the demand has no probes.
    pub fn slot_of(&self, demand: usize, hash: u64) -> Option<usize> {
        let of = |slot: &PlannedSlot| {
            [&slot.chosen, &slot.explored, &slot.forced].into_iter().filter_map(|part| part.get(demand)).sum::<f64>()
        };
        let total: f64 = self.slots.iter().map(of).sum();
        if total <= 0.0 {
            return None;
        }
        let mut left = splitmix::unit(hash) * total;
        let last = self.slots.iter().rposition(|slot| of(slot) > 0.0)?;
        let found = self.slots.iter().position(|slot| {
            left -= of(slot);
            left < 0.0
        });
        Some(found.map_or(last, |slot| slot.min(last)))
    }

    /// The load that the probes meet on average, 0 to 1; `None` without probes.
    pub fn load_met(&self) -> Option<f64> {
        let probes: f64 = self.slots.iter().map(PlannedSlot::probes).sum();
        let met: f64 = self.slots.iter().map(|slot| slot.probes() * slot.load.load).sum();
        (probes > 0.0).then(|| met / probes)
    }
}
