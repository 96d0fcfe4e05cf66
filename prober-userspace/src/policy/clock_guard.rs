//! Keeps profiles of the day safe from a wall clock that is set wrong or right during a scan: an answer counts only
//! while wall clock and monotonic clock agree since the scan began.

use crate::model::utc::{ClockOffset, UtcMicros};

/// Both clocks may part by this much, and by this much per second since the start (a crystal's error is below it).
const TOLERANCE_US: i64 = 2_000_000;
const DRIFT_US_PER_S: i64 = 500;

/// Whether times of one scan can be trusted.
#[derive(Clone, Copy, Debug)]
pub struct ClockGuard {
    offset: ClockOffset,
    started_ns: u64,
    skipped: u64,
}

impl ClockGuard {
    /// Both clocks as they were when the scan began.
    pub const fn new(utc: UtcMicros, monotonic_ns: u64) -> Self {
        Self { offset: ClockOffset::between(utc, monotonic_ns), started_ns: monotonic_ns, skipped: 0 }
    }

    /// The moment `utc` if it agrees with the monotonic time; else nothing, which is counted.
    #[inline]
    pub fn check(&mut self, utc: UtcMicros, monotonic_ns: u64) -> Option<UtcMicros> {
        let expected = self.offset.utc(monotonic_ns);
        let passed_s = (monotonic_ns.abs_diff(self.started_ns) / 1_000_000_000) as i64;
        let allowed_us = TOLERANCE_US + DRIFT_US_PER_S.saturating_mul(passed_s);
        if utc.0.saturating_sub(expected.0).saturating_abs() > allowed_us {
            self.skipped += 1;
            return None;
        }
        Some(utc)
    }

    /// Answers that did not count because the clocks disagreed.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_000_000_000_000;

    #[test]
    fn a_step_of_the_wall_clock_is_noticed_until_it_is_undone() {
        let mut guard = ClockGuard::new(UtcMicros(NOON), 1_000_000_000);
        assert!(guard.check(UtcMicros(NOON + 60_000_000), 61_000_000_000).is_some());
        // An hour back, then right again.
        assert!(guard.check(UtcMicros(NOON - 3_540_000_000), 61_000_000_000).is_none());
        assert!(guard.check(UtcMicros(i64::MIN), 61_000_000_000).is_none());
        assert!(guard.check(UtcMicros(NOON + 120_500_000), 121_000_000_000).is_some());
        assert_eq!(guard.skipped(), 2);
    }
}
