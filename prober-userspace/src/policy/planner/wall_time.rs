//! How the seconds of a watch lie in time: on the wall, and by the watch's own calendar. A watch in compressed time has days
//! and hours of its own, as long as its seconds say; in any other both are the same. What the time is, the caller knows.

use crate::model::utc::UtcMicros;

/// How a watch's seconds lie in the wall clock's time.
#[derive(Clone, Copy, Debug)]
pub struct WallTime {
    /// When they stood at 0.
    pub began_at: UtcMicros,
    /// How many of them pass in a second.
    pub scale: f64,
}

impl WallTime {
    /// Where no watch was ever kept.
    pub const REAL: Self = Self { began_at: UtcMicros(0), scale: 1.0 };

    /// The moment of a second, on the wall.
    pub fn at(&self, second: u32) -> UtcMicros {
        UtcMicros(self.began_at.0 + (f64::from(second) / self.scale * 1e6) as i64)
    }

    /// The second of a moment on the wall; 0 before the first.
    pub fn second_of(&self, at: UtcMicros) -> u32 {
        ((at.0 - self.began_at.0) as f64 / 1e6 * self.scale) as u32
    }

    /// The date of a second by the watch's own calendar: whose hours of the day it is.
    pub fn date(&self, second: u32) -> UtcMicros {
        UtcMicros(self.began_at.0 + i64::from(second) * 1_000_000)
    }

    /// The date of a moment on the wall. Before the watch began no time was compressed.
    pub fn date_of(&self, moment: UtcMicros) -> UtcMicros {
        self.stretched(moment, self.scale)
    }

    /// The moment on the wall of a date.
    pub fn moment_of(&self, date: UtcMicros) -> UtcMicros {
        self.stretched(date, 1.0 / self.scale)
    }

    /// Whether dates are those on the wall.
    pub fn is_real(&self) -> bool {
        self.scale.to_bits() == 1.0_f64.to_bits()
    }

    fn stretched(&self, at: UtcMicros, times: f64) -> UtcMicros {
        let since_us = at.0.saturating_sub(self.began_at.0);
        if since_us <= 0 || self.is_real() {
            return at;
        }
        UtcMicros(self.began_at.0.saturating_add((since_us as f64 * times) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    #[test]
    fn a_compressed_watch_has_hours_of_its_own() {
        let began_at = UtcMicros(1_794_787_200_000_000);
        let after = |hours: i64| UtcMicros(began_at.0 + hours * HOUR_US);
        let fast = WallTime { began_at, scale: 24.0 };
        assert_eq!((fast.at(86_400), fast.date(86_400)), (after(1), after(24)));
        assert_eq!((fast.date_of(after(2)), fast.moment_of(after(48))), (after(48), after(2)));
        assert_eq!((fast.date_of(after(-5)), fast.moment_of(after(-5))), (after(-5), after(-5)));
        let real = WallTime { began_at, scale: 1.0 };
        assert_eq!((real.at(7_200), real.date(7_200)), (after(2), after(2)));
        for at in [after(3), after(-3), UtcMicros(i64::MAX), UtcMicros(i64::MIN)] {
            assert_eq!((real.date_of(at), real.moment_of(at), WallTime::REAL.date_of(at)), (at, at, at));
        }
    }
}
