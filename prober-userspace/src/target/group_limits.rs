//! The limit of each group of addresses (cluster): a leaky bucket each (GCRA, ITU-T I.371). A probe that must wait takes its
//! place ahead of time.

/// Bursts of this much of a group's rate are let through, s.
const BURST_S: f64 = 0.1;
/// And of no more probes than this.
const BURST_MOST: f64 = 32.0;

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// 0: no limit.
    interval_ns: u64,
    tolerance_ns: u64,
    busy_until_ns: u64,
}

/// The limits by group number.
#[derive(Debug, Default)]
pub(super) struct GroupLimits {
    groups: Vec<Group>,
}

impl GroupLimits {
    /// From now on at most `pps`; no limit if that is not a positive number.
    pub(super) fn set(&mut self, group: u32, pps: f64) {
        let index = group as usize;
        if index >= self.groups.len() {
            self.groups.resize(index + 1, Group::default());
        }
        let is_limit = pps > 0.0 && pps.is_finite();
        let interval_ns = if is_limit { (1e9 / pps).max(1.0) } else { 0.0 };
        let burst = (pps * BURST_S).clamp(1.0, BURST_MOST).floor();
        let group = &mut self.groups[index];
        group.interval_ns = interval_ns as u64;
        group.tolerance_ns = if is_limit { (interval_ns * (burst - 1.0)) as u64 } else { 0 };
    }

    /// The time from which a probe may go, `at_ns` or later.
    #[inline]
    pub(super) fn earliest(&self, group: u32, at_ns: u64) -> u64 {
        self.limited(group).map_or(at_ns, |group| group.busy_until_ns.saturating_sub(group.tolerance_ns).max(at_ns))
    }

    /// Takes a place for one probe at a time that [`earliest`](Self::earliest) gave.
    #[inline]
    pub(super) fn take(&mut self, group: u32, at_ns: u64) {
        if self.limited(group).is_some() {
            let group = &mut self.groups[group as usize];
            group.busy_until_ns = group.busy_until_ns.max(at_ns).saturating_add(group.interval_ns);
        }
    }

    fn limited(&self, group: u32) -> Option<&Group> {
        self.groups.get(group as usize).filter(|group| group.interval_ns > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_gets_its_rate_and_a_burst() {
        let mut limits = GroupLimits::default();
        limits.set(3, 100.0);
        let passed = |limits: &mut GroupLimits, group| {
            let (mut at_ns, mut passed) = (0, 0);
            while at_ns < 10_000_000_000 && passed < 5_000 {
                at_ns = limits.earliest(group, at_ns);
                limits.take(group, at_ns);
                passed += 1;
            }
            passed
        };
        let limited = passed(&mut limits, 3);
        assert!((1_000..=1_012).contains(&limited), "{limited}");
        assert_eq!(passed(&mut limits, 4), 5_000);
        limits.set(3, 0.0);
        assert_eq!(passed(&mut limits, 3), 5_000);
    }
}
