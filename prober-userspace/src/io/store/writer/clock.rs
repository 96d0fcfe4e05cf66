//! Monotonic to UTC such that stored times never run backwards, whatever the wall clock does.

use crate::model::utc::{ClockOffset, UtcMicros};

/// A smaller difference is no step: Linux slews both clocks alike.
const STEP_US: i64 = 1_000;

/// A forward step of the wall clock is followed at once; after a backward step stored time runs at half speed until it is
/// met. Both keep the order of the replies.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_field_names, reason = "the unit is the last word")]
pub(super) struct SteadyClock {
    goal_us: i64,
    excess_us: i64,
    since_us: i64,
}

impl SteadyClock {
    pub(super) const fn new(offset: ClockOffset) -> Self {
        Self { goal_us: offset.micros, excess_us: 0, since_us: 0 }
    }

    /// The stored time of a monotonic one.
    #[inline]
    pub(super) fn utc(&self, monotonic_ns: u64) -> UtcMicros {
        let monotonic_us = (monotonic_ns / 1000) as i64;
        UtcMicros(monotonic_us + self.goal_us + self.excess(monotonic_us))
    }

    /// Follows the wall clock as measured, from a monotonic time on, if it was stepped since. Less than a step is the
    /// noise of two readings: following it would blur the send times that a resume has to find again exactly.
    pub(super) fn follow(&mut self, offset: ClockOffset, from_ns: u64) -> bool {
        if (offset.micros - self.goal_us).abs() < STEP_US {
            return false;
        }
        let from_us = (from_ns / 1000) as i64;
        let used_us = self.goal_us + self.excess(from_us);
        *self = Self { goal_us: offset.micros, excess_us: (used_us - offset.micros).max(0), since_us: from_us };
        true
    }

    #[inline]
    fn excess(&self, at_us: i64) -> i64 {
        if self.excess_us == 0 {
            return 0;
        }
        (self.excess_us - (at_us - self.since_us).max(0) / 2).max(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_runs_backwards(steps in prop::collection::vec((0..5_000_000_000u64, -20_000_000..20_000_000i64), 1..40)) {
            let mut clock = SteadyClock::new(ClockOffset { micros: 1_000_000_000_000 });
            let (mut now_ns, mut last) = (1_000_000_000, UtcMicros(0));
            for (pass_ns, offset_us) in steps {
                for _ in 0..4 {
                    now_ns += pass_ns / 4;
                    let utc = clock.utc(now_ns);
                    prop_assert!(utc >= last);
                    last = utc;
                }
                clock.follow(ClockOffset { micros: 1_000_000_000_000 + offset_us }, now_ns);
            }
        }
    }

    #[test]
    fn meets_the_wall_clock_again() {
        let mut clock = SteadyClock::new(ClockOffset { micros: 10_000_000 });
        clock.follow(ClockOffset { micros: 0 }, 0);
        assert_eq!(clock.utc(0), UtcMicros(10_000_000));
        assert_eq!(clock.utc(20_000_000_000), UtcMicros(20_000_000));
        assert!(clock.follow(ClockOffset { micros: 7_000 }, 20_000_000_000));
        assert_eq!(clock.utc(20_000_000_000), UtcMicros(20_007_000));
        assert!(!clock.follow(ClockOffset { micros: 7_999 }, 20_000_000_000));
        assert_eq!(clock.utc(20_000_000_000), UtcMicros(20_007_000));
    }
}
