//! The clock of a watch: seconds since it began, at the pace of `time_scale`. Follows the monotonic clock while it runs, the
//! wall clock over a restart; never runs backwards, whatever the wall clock does. A wall clock that is set while it runs moves
//! the beginning, so that its seconds keep the dates and hours of the day that they have.

use crate::io::store::WatchClock;
use crate::model::utc::UtcMicros;
use crate::policy::planner::WallTime;

/// How far the wall clock may part from this one, and how much that may change while it is looked at, us.
const PARTED_US: u64 = 60_000_000;
/// So long it has to stay parted until it is believed, ns: a clock that was set wrong may be set right again soon.
const STAYS_NS: u64 = 600_000_000_000;

/// The clock.
#[derive(Clone, Copy, Debug)]
pub struct PolicyClock {
    base_s: f64,
    base_ns: u64,
    scale: f64,
    began_at: UtcMicros,
    /// Since when the wall clock says something else, monotonic ns, and when it says that this one began.
    parted: Option<(u64, UtcMicros)>,
}

impl PolicyClock {
    /// Goes on with a stored clock, or begins at 0.
    pub fn start(stored: Option<&WatchClock>, scale: f64, now: UtcMicros, now_ns: u64) -> Self {
        let began_at = match stored {
            None => now,
            Some(stored) if stored.time_scale.to_bits() == scale.to_bits() => stored.began_at,
            // Another pace: as if it had always gone at that one.
            Some(stored) => UtcMicros(now.0 - (f64::from(stored.clock_s) / scale * 1e6) as i64),
        };
        let by_wall_s = (now.0 - began_at.0) as f64 / 1e6 * scale;
        let stored_s = stored.map_or(0.0, |stored| f64::from(stored.clock_s));
        // The wall clock was ahead once: the beginning moves, or dates would be wrong from now on.
        let began_at = if stored_s > by_wall_s { UtcMicros(now.0 - (stored_s / scale * 1e6) as i64) } else { began_at };
        Self { base_s: by_wall_s.max(stored_s), base_ns: now_ns, scale, began_at, parted: None }
    }

    /// Where it stands, s.
    pub fn now_s(&self, now_ns: u64) -> f64 {
        self.base_s + now_ns.saturating_sub(self.base_ns) as f64 / 1e9 * self.scale
    }

    /// Compares it with the wall clock, now and then. One that was set and stays so moves the beginning: whether that has
    /// happened. A watch in compressed time has a calendar of its own, which nobody sets.
    pub fn follow(&mut self, now: UtcMicros, now_ns: u64) -> bool {
        if !self.wall().is_real() {
            return false;
        }
        let began_at = UtcMicros(now.0.saturating_sub((self.now_s(now_ns) * 1e6) as i64));
        let is_near = |other: UtcMicros| began_at.0.abs_diff(other.0) <= PARTED_US;
        if is_near(self.began_at) {
            self.parted = None;
            return false;
        }
        match self.parted {
            Some((since_ns, other)) if is_near(other) => {
                let is_believed = now_ns.saturating_sub(since_ns) >= STAYS_NS;
                if is_believed {
                    self.began_at = began_at;
                    self.parted = None;
                }
                is_believed
            }
            _ => {
                self.parted = Some((now_ns, began_at));
                false
            }
        }
    }

    /// When it stood at 0.
    pub fn began_at(&self) -> UtcMicros {
        self.began_at
    }

    /// How its seconds lie in the wall clock's time.
    pub fn wall(&self) -> WallTime {
        WallTime { began_at: self.began_at, scale: self.scale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_was_set_moves_the_beginning_once_it_stays_so() {
        const MINUTE_NS: u64 = 60_000_000_000;
        const HOUR_US: i64 = 3_600_000_000;
        let noon = UtcMicros(1_795_000_000_000_000);
        let mut clock = PolicyClock::start(None, 1.0, noon, 0);
        // The wall clock ahead by so many hours after so many minutes.
        let mut look = |minutes: u64, hours: i64| {
            let wall = UtcMicros(noon.0 + minutes as i64 * 60_000_000 + hours * HOUR_US);
            let moved = clock.follow(wall, minutes * MINUTE_NS);
            let drift_us = (clock.wall().at(minutes as u32 * 60).0 - wall.0).abs();
            assert!((clock.now_s(minutes * MINUTE_NS) - minutes as f64 * 60.0).abs() < 1e-6, "its seconds never jump");
            (moved, drift_us < 1_000_000)
        };
        assert_eq!(look(1, 0), (false, true));
        assert_eq!(
            (look(2, 3), look(8, 3), look(9, 0)),
            ((false, false), (false, false), (false, true)),
            "set right again"
        );
        assert_eq!((look(10, 3), look(19, 3), look(20, 3)), ((false, false), (false, false), (true, true)));
        // And back: of two settings the second has to stay.
        assert_eq!(
            (look(21, -2), look(25, 0), look(31, 0), look(35, 0)),
            ((false, false), (false, false), (false, false), (true, true))
        );
        let mut fast = PolicyClock::start(None, 10.0, noon, 0);
        assert!((0..60).all(|minute| !fast.follow(UtcMicros(noon.0 + 9 * HOUR_US), minute * MINUTE_NS)));
        assert_eq!(fast.began_at(), noon);
    }

    #[test]
    fn it_goes_on_over_a_restart_and_never_backwards() {
        let second = 1_000_000;
        let first = PolicyClock::start(None, 10.0, UtcMicros(100 * second), 0);
        assert!((first.now_s(5_000_000_000) - 50.0).abs() < 1e-9);
        let stored = |clock_s| WatchClock {
            began_at: first.began_at(),
            clock_s,
            time_scale: 10.0,
            scheme: String::new(),
            settings: String::new(),
            learnt: String::new(),
        };
        let later = PolicyClock::start(Some(&stored(50)), 10.0, UtcMicros(107 * second), 0);
        assert!((later.now_s(0) - 70.0).abs() < 1e-9);
        let set_back = PolicyClock::start(Some(&stored(50)), 10.0, UtcMicros(3 * second), 9);
        assert!((set_back.now_s(9) - 50.0).abs() < 1e-9);
        assert_eq!(set_back.began_at(), UtcMicros(-2 * second), "at 3 s it stands at 50, ten times as fast");
        let slower = PolicyClock::start(Some(&stored(50)), 1.0, UtcMicros(107 * second), 0);
        assert!((slower.now_s(0) - 50.0).abs() < 1e-6);
    }
}
