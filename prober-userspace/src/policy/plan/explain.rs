//! What a plan says of each slot: the figures and one sentence.

use serde::Serialize;

use super::{Plan, PlannedSlot, Use};
use crate::model::utc::UtcMicros;
use crate::policy::grid::DayGrid;

/// One slot of a plan for people.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// When it begins, UTC.
    pub begins: UtcMicros,
    /// The same in the cluster's local time, `HH:MM`.
    pub local: String,
    /// Whether the day is a Saturday or a Sunday.
    pub weekend: bool,
    /// Load, 0 to 1, with its 5 % and 95 % points.
    pub load: f64,
    /// See `load`.
    pub load_low: f64,
    /// See `load`.
    pub load_high: f64,
    /// Answers behind it.
    pub answers: f64,
    /// The highest rate that the others are not to notice, pps.
    pub limit_pps: f64,
    /// Probes planned.
    pub probes: f64,
    /// What the slot is used for.
    pub used: Use,
    /// Why.
    pub reason: String,
}

impl Plan {
    /// Every slot with its reason.
    pub fn explain(&self, grid: DayGrid) -> Vec<Explanation> {
        let quiet = self.slots.iter().filter(|slot| slot.used() == Use::Quiet).count();
        self.slots.iter().map(|slot| explained(slot, grid, quiet, self.slot_s)).collect()
    }
}

fn explained(slot: &PlannedSlot, grid: DayGrid, quiet: usize, slot_s: f64) -> Explanation {
    let load = &slot.load;
    let known = if load.answers > 0.0 {
        format!("load {:.2} ({:.2} to {:.2}) from {:.0} answers", load.load, load.low, load.high, load.answers)
    } else {
        "nothing known yet".to_owned()
    };
    let forced: f64 = slot.forced.iter().sum();
    let reason = match slot.used() {
        Use::Quiet => format!("{known}: among the {quiet} quietest before the deadline"),
        Use::Explored => format!("{known}: a few probes to learn more"),
        Use::Forced => format!(
            "{known}: {forced:.0} probes over the limit, at {:.3} instead of {:.3} pps, because their deadline leaves no \
             quieter slot",
            slot.probes() / slot_s,
            slot.limit.pps
        ),
        Use::Left => format!("{known}: left alone, quieter slots suffice"),
    };
    Explanation {
        begins: grid.begins(slot.place),
        local: grid.clock(slot.place.slot),
        weekend: slot.place.weekend,
        load: load.load,
        load_low: load.low,
        load_high: load.high,
        answers: load.answers,
        limit_pps: slot.limit.pps,
        probes: slot.probes(),
        used: slot.used(),
        reason: format!("{reason}; limit: {}", slot.limit.bound.reason()),
    }
}
