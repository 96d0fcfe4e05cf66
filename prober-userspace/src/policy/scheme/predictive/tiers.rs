//! The ports of a class by how often they are probed. A tier's visits are spread over its interval by the address, so that
//! a long interval does not mean a great visit for all at once.

use super::learner::Hazard;
use crate::policy::port_bits::PortBits;
use crate::target::splitmix;

/// Days between two probes of a port, by tier: 19/20 of round ones. With these an address would be visited at the same time of
/// day for ever, and hosts that are on for a part of the day would be found half as often, or never.
const DAYS: [f64; 8] = [0.475, 0.95, 1.9, 2.85, 4.75, 6.65, 13.3, 26.6];
/// What would be probed less often than this is not probed, in days.
const NEVER_DAYS: f64 = 40.0;

/// The tiers of a class.
#[derive(Debug)]
pub(super) struct Tiers {
    sets: [PortBits; DAYS.len()],
}

impl Hazard<'_> {
    /// Probes an address and a day at this price.
    pub(super) fn probes_per_day(&self, price: f64) -> f64 {
        let tiers = self.order.iter().filter_map(|gain| tier_of(self.interval_days(*gain, price)));
        tiers.map(|tier| 1.0 / DAYS[tier]).sum()
    }
}

impl Tiers {
    pub(super) fn new(class: &Hazard<'_>, price: f64) -> Self {
        let mut sets: [PortBits; DAYS.len()] = Default::default();
        for gain in class.order {
            if let Some(tier) = tier_of(class.interval_days(*gain, price)) {
                sets[tier].insert(gain.port);
            }
        }
        Self { sets }
    }

    /// The sets whose turn has come since the last visit; at the first visit those whose turn would have come within the
    /// shortest interval, and the most frequent one.
    pub(super) fn due(&self, address: u32, since_s: Option<u32>, now_s: u32) -> Vec<&PortBits> {
        let since_s = since_s.map_or(i64::from(now_s) - seconds(DAYS[0]), i64::from);
        let turn = |at_s: i64, tier: usize| {
            let length = seconds(DAYS[tier]);
            let phase = (splitmix::mix(u64::from(address) << 8 | tier as u64) % length as u64) as i64;
            (at_s + phase).div_euclid(length)
        };
        let is_due = |tier: &usize| turn(since_s, *tier) != turn(i64::from(now_s), *tier);
        (0..DAYS.len())
            .filter(|tier| !self.sets[*tier].is_empty())
            .filter(is_due)
            .map(|tier| &self.sets[tier])
            .collect()
    }

    /// Its ports by interval, in words.
    pub(super) fn describe(&self) -> String {
        let used = self.sets.iter().zip(DAYS).filter(|(set, _)| !set.is_empty());
        let time = |days: f64| if days < 2.0 { format!("{:.1} h", days * 24.0) } else { format!("{days:.1} d") };
        let each: Vec<String> = used.map(|(set, days)| format!("{} every {}", set.len(), time(days))).collect();
        if each.is_empty() { "none is worth while".to_owned() } else { each.join(", ") }
    }

    /// How often there is anything to probe.
    pub(super) fn interval_s(&self) -> u32 {
        let first = self.sets.iter().position(|set| !set.is_empty()).unwrap_or(DAYS.len() - 1);
        seconds(DAYS[first]) as u32
    }
}

fn seconds(days: f64) -> i64 {
    (days * 86_400.0) as i64
}

/// The nearest tier, by ratio.
fn tier_of(days: f64) -> Option<usize> {
    if days > NEVER_DAYS {
        return None;
    }
    let distance = |tier: &usize| (DAYS[*tier] / days).ln().abs();
    (0..DAYS.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
}
