//! The clock of a watch: seconds since it began, at the pace of `time_scale`. Follows the monotonic clock while it runs, the
//! wall clock over a restart; never runs backwards, whatever the wall clock does.

use crate::io::store::WatchClock;
use crate::model::utc::UtcMicros;
use crate::policy::planner::WallTime;

/// The clock.
#[derive(Clone, Copy, Debug)]
pub struct PolicyClock {
    base_s: f64,
    base_ns: u64,
    scale: f64,
    began_at: UtcMicros,
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
        Self { base_s: by_wall_s.max(stored_s), base_ns: now_ns, scale, began_at }
    }

    /// Where it stands, s.
    pub fn now_s(&self, now_ns: u64) -> f64 {
        self.base_s + now_ns.saturating_sub(self.base_ns) as f64 / 1e9 * self.scale
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
