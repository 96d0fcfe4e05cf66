//! Gives the probes to the slots.
//!
//! Deadlines make the sets of possible slots nested: then taking the demands by deadline, earliest first, and giving each
//! the cheapest slots that are left is optimal (a later demand can always swap with an earlier one).

use super::level::{Slot, level};
use super::{Demand, Plan, PlanConfig, PlannedSlot};

/// Less than this is nothing left.
const NOTHING: f64 = 1e-6;

impl Plan {
    /// Exploration first, since it is small and must not be crowded out; then, demand by demand, the quiet slots up to
    /// their limits. If those do not suffice, the limits are given up for all slots at once, the busiest least.
    pub(super) fn fill(&mut self, config: &PlanConfig, demands: &[Demand]) {
        let mut left: Vec<f64> = demands
            .iter()
            .map(|demand| if demand.probes > 0.0 && demand.probes.is_finite() { demand.probes } else { 0.0 })
            .collect();
        let mut by_due: Vec<usize> = (0..demands.len()).collect();
        by_due.sort_by_key(|index| demands[*index].due);
        for &demand in &by_due {
            left[demand] -= self.explore(config, demand, demands[demand].due, left[demand]);
        }
        let quiet = self.quietest_first();
        for &demand in &by_due {
            let slots = self.slots.len().min(demands[demand].due + 1);
            let room: f64 = self.slots[..slots].iter().map(|slot| self.room(slot)).sum();
            self.operations += slots as u64;
            if room >= left[demand] {
                left[demand] -= self.choose(demand, slots, &quiet, left[demand]);
            } else {
                left[demand] -= self.level(config, demand, slots, left[demand]);
                left[demand] -= self.force(config, demand, slots, left[demand]);
            }
            if left[demand] <= NOTHING {
                left[demand] = 0.0;
            }
        }
        self.late = left;
    }

    /// Probes that fit in a slot below its limit.
    fn room(&self, slot: &PlannedSlot) -> f64 {
        (slot.limit.pps * self.slot_s - slot.probes()).max(0.0)
    }

    /// A part of the probes goes where most is to be learnt: in proportion to the width of a slot's estimate (optimism
    /// in the face of uncertainty), never beyond its limit. Returns how many.
    fn explore(&mut self, config: &PlanConfig, demand: usize, due: usize, probes: f64) -> f64 {
        let slots = self.slots.len().min(due + 1);
        let widths: f64 = self.slots[..slots].iter().map(|slot| slot.load.uncertainty()).sum();
        self.operations += 2 * slots as u64;
        if widths <= 0.0 {
            return 0.0;
        }
        let budget = probes * config.exploration.clamp(0.0, 1.0);
        let mut explored = 0.0;
        for index in 0..slots {
            let slot = &self.slots[index];
            let here = (budget * slot.load.uncertainty() / widths).min(self.room(slot));
            self.slots[index].explored[demand] += here;
            explored += here;
        }
        explored
    }

    /// By the careful end of the estimate, then by its middle; among equals the earlier.
    fn quietest_first(&mut self) -> Vec<usize> {
        let mut quiet: Vec<usize> = (0..self.slots.len()).collect();
        let mut comparisons = 0;
        quiet.sort_by(|a, b| {
            comparisons += 1;
            let (a, b) = (&self.slots[*a].load, &self.slots[*b].load);
            a.high.total_cmp(&b.high).then(a.load.total_cmp(&b.load))
        });
        self.operations += comparisons;
        quiet
    }

    /// Up to the limits. Returns how many.
    fn choose(&mut self, demand: usize, slots: usize, quiet: &[usize], probes: f64) -> f64 {
        let mut left = probes;
        for &index in quiet {
            self.operations += 1;
            if left <= 0.0 {
                break;
            }
            if index >= slots {
                continue;
            }
            let here = left.min(self.room(&self.slots[index]));
            self.slots[index].chosen[demand] += here;
            left -= here;
        }
        probes - left
    }

    /// Over the limits where others are slowed down least, as long as their reserve is left. Returns how many.
    fn level(&mut self, config: &PlanConfig, demand: usize, slots: usize, probes: f64) -> f64 {
        let probes_per_share = self.slot_s / self.share_per_pps;
        let most_share = (config.most_pps * self.share_per_pps).min(1.0);
        let shares: Vec<Slot> = self.slots[..slots]
            .iter()
            .map(|slot| Slot {
                others: slot.load.high,
                ours: slot.probes() / probes_per_share,
                most: (1.0 - slot.load.high - config.rule.reserve).min(most_share),
            })
            .collect();
        let added = level(&shares, probes / probes_per_share, &mut self.operations);
        let mut placed = 0.0;
        for (index, added) in added.into_iter().enumerate() {
            let here = added * probes_per_share;
            let within = here.min(self.room(&self.slots[index]));
            self.slots[index].chosen[demand] += within;
            self.slots[index].forced[demand] += here - within;
            placed += here;
        }
        placed
    }

    /// What the reserve does not hold either goes anywhere, in proportion to what is likely to be free: a deadline is kept at
    /// the least harm. Only the highest rate of all stands above it. Returns how many.
    fn force(&mut self, config: &PlanConfig, demand: usize, slots: usize, probes: f64) -> f64 {
        let mut left = probes;
        // Each round fills slots that reach the highest rate; those that have room share the rest.
        for _ in 0..8 {
            if left <= NOTHING {
                break;
            }
            let free = |slot: &PlannedSlot| {
                let own = slot.probes() / self.slot_s * self.share_per_pps;
                (1.05 - slot.load.high.midpoint(slot.load.load) - own).max(0.05)
            };
            let rooms: Vec<(f64, f64)> = self.slots[..slots]
                .iter()
                .map(|slot| ((config.most_pps * self.slot_s - slot.probes()).max(0.0), free(slot)))
                .collect();
            let open = |room: f64| room > 1e-9;
            let weights: f64 = rooms.iter().filter(|(room, _)| open(*room)).map(|(_, weight)| weight).sum();
            self.operations += rooms.len() as u64;
            if weights <= 0.0 {
                break;
            }
            let all = left;
            for (slot, (room, weight)) in self.slots[..slots].iter_mut().zip(rooms) {
                if open(room) {
                    let here = (all * weight / weights).min(room);
                    slot.forced[demand] += here;
                    left -= here;
                }
            }
        }
        probes - left
    }
}
