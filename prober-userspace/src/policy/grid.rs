//! The day cut into slots, in the local time of a network, with working days and weekends apart.

use crate::model::utc::UtcMicros;

const DAY_S: i64 = 86_400;

/// How a day is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayGrid {
    slots: u16,
    utc_offset_s: i32,
}

/// A slot of a certain day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Local day since 1970-01-01.
    pub day: i32,
    /// Slot of the day.
    pub slot: u16,
    /// Whether the day is a Saturday or a Sunday.
    pub weekend: bool,
}

/// A grid that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// Slots must fill the day evenly.
    #[error("{0} slots do not divide a day into whole seconds: write a number from 1 to 288 such as 24, 48 or 96")]
    Slots(u16),
    /// No such time zone.
    #[error("{0} s is not an offset of a time zone from UTC: write -50400 to 50400 (14 h)")]
    Offset(i32),
}

impl DayGrid {
    /// `slots` to a day, 1 to 288, in a time zone that is `utc_offset_s` ahead of UTC.
    pub fn new(slots: u16, utc_offset_s: i32) -> Result<Self, GridError> {
        if !(1..=288).contains(&slots) || DAY_S % i64::from(slots) != 0 {
            return Err(GridError::Slots(slots));
        }
        if utc_offset_s.abs() > 14 * 3600 {
            return Err(GridError::Offset(utc_offset_s));
        }
        Ok(Self { slots, utc_offset_s })
    }

    /// Slots of a day.
    pub const fn slots(self) -> u16 {
        self.slots
    }

    /// Cells of a profile: the slots of a working day, then those of a weekend's.
    pub const fn cells(self) -> usize {
        2 * self.slots as usize
    }

    /// Offset of the local time from UTC, s.
    pub const fn utc_offset_s(self) -> i32 {
        self.utc_offset_s
    }

    /// Length of a slot, s.
    pub const fn slot_s(self) -> f64 {
        (DAY_S / self.slots as i64) as f64
    }

    /// Where a moment lies. A few ns.
    #[inline]
    pub fn place(self, at: UtcMicros) -> Place {
        let local_s = at.0.div_euclid(1_000_000) + i64::from(self.utc_offset_s);
        let day = local_s.div_euclid(DAY_S);
        let slot = local_s.rem_euclid(DAY_S) * i64::from(self.slots) / DAY_S;
        Place { day: day as i32, slot: slot as u16, weekend: is_weekend(day) }
    }

    /// The next one.
    #[must_use]
    pub fn after(self, place: Place) -> Place {
        if place.slot + 1 < self.slots {
            return Place { slot: place.slot + 1, ..place };
        }
        Place { day: place.day + 1, slot: 0, weekend: is_weekend(i64::from(place.day) + 1) }
    }

    /// The same slot so many days later.
    #[must_use]
    pub fn after_days(self, place: Place, days: i32) -> Place {
        let day = place.day.saturating_add(days);
        Place { day, weekend: is_weekend(i64::from(day)), ..place }
    }

    /// When a slot begins.
    pub fn begins(self, place: Place) -> UtcMicros {
        let local_s = i64::from(place.day) * DAY_S + i64::from(place.slot) * (DAY_S / i64::from(self.slots));
        UtcMicros((local_s - i64::from(self.utc_offset_s)) * 1_000_000)
    }

    /// Which cell of a profile it is.
    #[inline]
    pub const fn cell(self, place: Place) -> usize {
        place.slot as usize + if place.weekend { self.slots as usize } else { 0 }
    }

    /// Local time of a slot's beginning, `HH:MM`.
    pub fn clock(self, slot: u16) -> String {
        let minutes = i64::from(slot) * (DAY_S / i64::from(self.slots)) / 60;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// 1970-01-01 was a Thursday.
const fn is_weekend(day: i64) -> bool {
    (day + 3).rem_euclid(7) >= 5
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKYO_S: i32 = 9 * 3600;

    #[test]
    fn places_follow_local_time_and_weekends() {
        let grid = DayGrid::new(48, TOKYO_S).unwrap();
        // Friday 2026-11-20 15:10 UTC is Saturday 00:10 in Tokyo.
        let place = grid.place(UtcMicros(1_795_187_400_000_000));
        assert_eq!((place.slot, place.weekend), (0, true));
        assert_eq!(grid.begins(place), UtcMicros(1_795_186_800_000_000));
        let before = grid.place(UtcMicros(1_795_186_799_999_999));
        assert_eq!((before.slot, before.weekend, grid.after(before)), (47, false, place));
        assert_eq!(grid.cell(place), 48);
        assert_eq!(grid.clock(3), "01:30");
    }

    #[test]
    fn times_before_1970_and_absurd_ones_have_a_place() {
        let grid = DayGrid::new(24, -3600).unwrap();
        for at in [-1, i64::MIN, i64::MAX, 0] {
            let place = grid.place(UtcMicros(at));
            assert!(place.slot < 24 && grid.cell(place) < grid.cells());
        }
    }

    #[test]
    fn odd_grids_are_refused() {
        assert!(DayGrid::new(0, 0).is_err() && DayGrid::new(7, 0).is_err() && DayGrid::new(500, 0).is_err());
        assert!(DayGrid::new(48, 90_000).is_err());
    }
}
