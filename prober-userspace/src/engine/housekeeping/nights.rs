//! Which nights are due, by a clock that may be set. The caller reads the clocks.

use std::time::Duration;

use crate::model::utc::{ClockOffset, UtcMicros};

/// A wall clock that parts from the monotonic one by more was set; the trail of time cannot be trusted then.
const MOST_STEP_US: i64 = 3_600_000_000;
const DAY_US: i64 = 86_400_000_000;
/// A daemon that was away for longer than this is rarer than a clock that is wrong.
const FAR_AHEAD_US: i64 = 30 * DAY_US;

/// Which nights were worked, by a clock that may be set.
pub(super) struct Nights {
    start: ClockOffset,
    last_day: Option<i64>,
    was_set: bool,
    /// The clock stood far ahead of what was stored last when this began, and nobody says that it is right.
    is_far_ahead: bool,
}

impl Nights {
    /// `last`: when something was last stored, if ever; `worked`: when the last night was worked that went well.
    pub(super) fn from(now: UtcMicros, monotonic_ns: u64, last: Option<UtcMicros>, worked: Option<UtcMicros>) -> Self {
        let start = ClockOffset::between(now, monotonic_ns);
        let is_far_ahead = last.is_some_and(|last| now.0 - last.0 > FAR_AHEAD_US);
        if is_far_ahead {
            log::warn!(
                "the clock is more than 30 days ahead of what was stored last: nothing is exported or removed until it is \
                 synchronised, or `prober control nightly` says that it is right"
            );
        }
        let is_fresh = |worked: &UtcMicros| (0..DAY_US).contains(&(now.0 - worked.0));
        Self { start, last_day: worked.filter(is_fresh).map(day_of), was_set: false, is_far_ahead }
    }

    /// Whether a night was worked less than a day before the start, or since.
    pub(super) const fn is_fresh(&self) -> bool {
        self.last_day.is_some()
    }

    /// Whether there is work to do now.
    pub(super) fn look(&mut self, now: UtcMicros, monotonic_ns: u64, at: Duration) -> bool {
        let is_due = self.is_clock_right(now, monotonic_ns) && is_due(self.last_day, at, now);
        if is_due {
            self.last_day = Some(day_of(now));
        }
        is_due
    }

    /// Whether somebody has to say that the clock is right.
    pub(super) const fn is_doubted(&self) -> bool {
        self.was_set || self.is_far_ahead
    }

    /// Somebody who knows says that the clock is right as it is now.
    pub(super) fn trust(&mut self, now: UtcMicros, monotonic_ns: u64) {
        self.start = ClockOffset::between(now, monotonic_ns);
        (self.was_set, self.is_far_ahead) = (false, false);
    }

    /// Nothing is removed by a clock that was set since the start: it may be wrong by years.
    fn is_clock_right(&mut self, now: UtcMicros, monotonic_ns: u64) -> bool {
        let was_set = (now.0 - self.start.utc(monotonic_ns).0).abs() > MOST_STEP_US;
        if was_set && !self.was_set {
            log::warn!(
                "the clock was set by more than an hour: nothing is exported or removed until it is right again or \
                 synchronised, or `prober control nightly` says that it is right"
            );
        }
        self.was_set = was_set;
        !was_set && !self.is_far_ahead
    }
}

const fn day_of(at: UtcMicros) -> i64 {
    at.0.div_euclid(DAY_US)
}

/// At the start unless the last night's work is fresh, and then once each day after the given time.
fn is_due(last_day: Option<i64>, at: Duration, now: UtcMicros) -> bool {
    let since_midnight = Duration::from_micros(now.0.rem_euclid(DAY_US) as u64);
    last_day.is_none_or(|last_day| day_of(now) > last_day && since_midnight >= at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_comes_once_a_day_after_its_time() {
        let at = Duration::from_hours(2);
        let clock = |day: i64, hour: i64| UtcMicros(day * DAY_US + hour * 3_600_000_000);
        assert!(is_due(None, at, clock(5, 1)), "a start makes up for what was missed");
        assert!(!is_due(Some(5), at, clock(5, 23)));
        assert!(!is_due(Some(5), at, clock(6, 1)));
        assert!(is_due(Some(5), at, clock(6, 2)));
        assert!(!is_due(Some(6), at, clock(5, 23)), "a clock that goes back repeats nothing");
    }

    #[test]
    fn a_clock_that_was_set_works_no_night_until_it_is_right_again() {
        let at = Duration::ZERO;
        let start = UtcMicros(1_795_230_000_000_000);
        let mut nights = Nights::from(start, 0, Some(UtcMicros(start.0 - 29 * DAY_US)), None);
        let mut look = |days: i64, set_us: i64| {
            let monotonic_ns = (days * DAY_US) as u64 * 1_000;
            nights.look(UtcMicros(start.0 + days * DAY_US + set_us), monotonic_ns, at)
        };
        assert!(look(0, 0) && !look(0, 60_000_000), "once a day");
        assert!(look(1, 0));
        assert!(!look(2, 400 * DAY_US) && !look(3, -400 * DAY_US), "years off, either way");
        assert!(look(3, 1_800_000_000), "half an hour is no reason");
        assert!(!look(3, 0) && look(4, 0));
        // Two hours that the machine slept: the monotonic clock stood still.
        let (now, monotonic_ns) = (UtcMicros(start.0 + 5 * DAY_US), (5 * DAY_US - 7_200_000_000) as u64 * 1_000);
        assert!(!nights.look(now, monotonic_ns, at) && nights.is_doubted());
        nights.trust(now, monotonic_ns);
        assert!(!nights.is_doubted() && nights.look(now, monotonic_ns, at));
    }

    #[test]
    fn a_clock_far_ahead_of_what_was_stored_removes_nothing() {
        let (at, start) = (Duration::ZERO, UtcMicros(1_795_230_000_000_000));
        let mut nights = Nights::from(start, 0, Some(UtcMicros(start.0 - 400 * DAY_US)), None);
        assert!(!nights.look(start, 0, at));
        assert!(nights.is_doubted());
        nights.trust(start, 0);
        assert!(nights.look(start, 0, at));
        assert!(Nights::from(start, 0, None, None).look(start, 0, at), "nothing was stored yet");
    }

    #[test]
    fn a_start_does_not_repeat_the_last_night() {
        let (at, hour_us) = (Duration::from_hours(2), 3_600_000_000);
        // Ten o'clock.
        let start = UtcMicros(20_000 * DAY_US + 10 * hour_us);
        let looks = |worked_hours_ago: i64| {
            let worked = Some(UtcMicros(start.0 - worked_hours_ago * hour_us));
            let mut nights = Nights::from(start, 0, worked, worked);
            let hours = |hours: i64| (UtcMicros(start.0 + hours * hour_us), (hours * hour_us) as u64 * 1_000);
            [0, 15, 16, 17].map(|after| {
                let (now, monotonic_ns) = hours(after);
                nights.look(now, monotonic_ns, at)
            })
        };
        assert_eq!(looks(8), [false, false, true, false], "it was worked at two");
        assert_eq!(looks(1), [false, false, true, false], "it was made up for an hour ago");
        assert_eq!(looks(11), [true, false, true, false], "worked before the last night began");
        assert_eq!(looks(25), [true, false, true, false], "a night was missed");
        assert_eq!(looks(-3), [true, false, true, false], "a clock that was wrong counts for nothing");
    }
}
