//! The ladder of intervals between visits to an address ([000], traffic reduction; METHODS section 10): longer while
//! nothing changes, the shortest again when something does.

/// Seconds of an hour.
const HOUR_S: u32 = 3_600;

/// The ladder, in seconds: 12 h, then 1, 2, 3, 5, 7 and 14 days.
pub const LADDER_S: [u32; 7] =
    [12 * HOUR_S, 24 * HOUR_S, 48 * HOUR_S, 72 * HOUR_S, 120 * HOUR_S, 168 * HOUR_S, 336 * HOUR_S];

/// A rung of the ladder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(u8);

impl Step {
    /// The shortest interval.
    pub const FIRST: Self = Self(0);

    /// The rung of this number; the last one above that.
    pub fn new(number: u8) -> Self {
        Self(number.min(LADDER_S.len() as u8 - 1))
    }

    /// Its number, from 0.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The next longer one; the last one stays.
    #[must_use]
    pub fn longer(self) -> Self {
        Self::new(self.0 + 1)
    }

    /// Until the next visit, in seconds.
    pub fn interval_s(self) -> u32 {
        LADDER_S[usize::from(self.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_is_climbed_to_its_end() {
        let mut step = Step::FIRST;
        let mut days = vec![];
        for _ in 0..8 {
            days.push(f64::from(step.interval_s()) / 86_400.0);
            step = step.longer();
        }
        assert_eq!(days, [0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 14.0, 14.0]);
    }
}
