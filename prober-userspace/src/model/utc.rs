//! A moment in UTC and how the kernel's monotonic clock maps to it. Nothing here reads a clock.

use std::fmt;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::macros::format_description;

/// A moment: microseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMicros(pub i64);

impl fmt::Display for UtcMicros {
    /// `2026-11-21T07:50:00.123456Z`; a moment outside the years 0-9999 prints as its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format =
            format_description!(version = 2, "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
        match OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000).map(|at| at.format(format)) {
            Ok(Ok(text)) => f.pad(&text),
            _ => write!(f, "{} us", self.0),
        }
    }
}

impl Serialize for UtcMicros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// UTC minus the monotonic clock, in microseconds. Constant but for steps of the wall clock: Linux slews both alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockOffset {
    /// Microseconds to add to a monotonic time to give UTC.
    pub micros: i64,
}

impl ClockOffset {
    /// From readings of both clocks taken together.
    pub const fn between(utc: UtcMicros, monotonic_ns: u64) -> Self {
        Self { micros: utc.0 - (monotonic_ns / 1000) as i64 }
    }

    /// The UTC moment of a monotonic time, rounded down to a microsecond.
    #[inline]
    pub const fn utc(self, monotonic_ns: u64) -> UtcMicros {
        UtcMicros((monotonic_ns / 1000) as i64 + self.micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_iso_8601() {
        assert_eq!(UtcMicros(1_700_000_000_000_001).to_string(), "2023-11-14T22:13:20.000001Z");
        assert_eq!(UtcMicros(i64::MAX).to_string(), "9223372036854775807 us");
    }

    #[test]
    fn offset_maps_back_to_the_reading() {
        let offset = ClockOffset::between(UtcMicros(1_700_000_000_000_000), 5_000_999);
        assert_eq!(offset.utc(5_000_000), UtcMicros(1_700_000_000_000_000));
        assert_eq!(offset.utc(6_000_999), UtcMicros(1_700_000_000_001_000));
    }
}
