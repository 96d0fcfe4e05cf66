//! Gives the probes to the slots.
//!
//! Deadlines make the sets of possible slots nested: then taking the demands by deadline, earliest first, and giving each
//! the cheapest slots that are left is optimal (a later demand can always swap with an earlier one).

use super::{Demand, Plan, PlanConfig};

impl Plan {
    /// Exploration first, since it is small and must not be crowded out; then the quiet slots up to their limits; what
    /// is left is forced into the time before its deadline.
    pub(super) fn fill(&mut self, config: &PlanConfig, demands: &[Demand]) {
        let mut left: Vec<f64> = demands
            .iter()
            .map(|demand| if demand.probes > 0.0 && demand.probes.is_finite() { demand.probes } else { 0.0 })
            .collect();
        let mut by_due: Vec<usize> = (0..demands.len()).collect();
        by_due.sort_by_key(|index| demands[*index].due);
        let mut room: Vec<f64> = self.slots.iter().map(|slot| slot.limit.pps * self.slot_s).collect();
        self.explore(config, demands, &by_due, &mut left, &mut room);
        self.choose(demands, &by_due, &mut left, &mut room);
        self.force(config, demands, &by_due, &mut left);
        self.late = left;
    }

    /// A part of the probes goes where most is to be learnt: in proportion to the width of a slot's estimate (optimism
    /// in the face of uncertainty), never beyond its limit.
    fn explore(
        &mut self,
        config: &PlanConfig,
        demands: &[Demand],
        by_due: &[usize],
        left: &mut [f64],
        room: &mut [f64],
    ) {
        for &demand in by_due {
            let slots = ..self.slots.len().min(demands[demand].due + 1);
            let widths: f64 = self.slots[slots].iter().map(|slot| slot.load.uncertainty()).sum();
            self.operations += 2 * self.slots[slots].len() as u64;
            if widths <= 0.0 {
                continue;
            }
            let budget = left[demand] * config.exploration.clamp(0.0, 1.0);
            for (slot, room) in self.slots[slots].iter_mut().zip(&mut *room) {
                let probes = (budget * slot.load.uncertainty() / widths).min(*room);
                slot.explored[demand] += probes;
                left[demand] -= probes;
                *room -= probes;
            }
        }
    }

    fn choose(&mut self, demands: &[Demand], by_due: &[usize], left: &mut [f64], room: &mut [f64]) {
        // By the careful end of the estimate, then by its middle; among equals the earlier.
        let mut quiet: Vec<usize> = (0..self.slots.len()).collect();
        let mut comparisons = 0;
        quiet.sort_by(|a, b| {
            comparisons += 1;
            let (a, b) = (&self.slots[*a].load, &self.slots[*b].load);
            a.high.total_cmp(&b.high).then(a.load.total_cmp(&b.load))
        });
        self.operations += comparisons;
        for &demand in by_due {
            for &index in &quiet {
                self.operations += 1;
                if left[demand] <= 0.0 {
                    break;
                }
                if index > demands[demand].due {
                    continue;
                }
                let probes = left[demand].min(room[index]);
                self.slots[index].chosen[demand] += probes;
                left[demand] -= probes;
                room[index] -= probes;
            }
        }
    }

    /// Over the limits, in proportion to what is likely to be free: a deadline is kept at the least harm. Only the
    /// highest rate of all stands above it.
    fn force(&mut self, config: &PlanConfig, demands: &[Demand], by_due: &[usize], left: &mut [f64]) {
        for &demand in by_due {
            if left[demand] <= 1e-9 {
                continue;
            }
            let slots = ..self.slots.len().min(demands[demand].due + 1);
            // Each round fills slots that reach the highest rate; those that have room share the rest.
            for _ in 0..8 {
                let room = |slot: &super::PlannedSlot| (config.most_pps * self.slot_s - slot.probes()).max(0.0);
                let rooms: Vec<f64> = self.slots[slots].iter().map(room).collect();
                let weight = |slot: &super::PlannedSlot| (1.05 - slot.load.high.midpoint(slot.load.load)).max(0.05);
                let open = |room: f64| room > 1e-9;
                let weights: f64 = self.slots[slots]
                    .iter()
                    .zip(&rooms)
                    .filter(|(_, room)| open(**room))
                    .map(|(slot, _)| weight(slot))
                    .sum();
                self.operations += rooms.len() as u64;
                if left[demand] <= 1e-9 || weights <= 0.0 {
                    break;
                }
                let all = left[demand];
                for (slot, room) in self.slots[slots].iter_mut().zip(rooms) {
                    if open(room) {
                        let probes = (all * weight(slot) / weights).min(room);
                        slot.forced[demand] += probes;
                        left[demand] -= probes;
                    }
                }
            }
            if left[demand] <= 1e-6 {
                left[demand] = 0.0;
            }
        }
    }
}
