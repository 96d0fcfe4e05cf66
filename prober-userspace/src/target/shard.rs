//! A share of a plan: shard i of n takes every n-th position, from 0 as in `ZMap`, so that all shards run over all
//! networks at the same time and none needs to know of the others.

use core::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::range::{lossy, parse_decimal};

/// Shard `index` of `count`; `index < count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// The only shard: everything.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Shard `index` (from 0) of `count`.
    pub const fn new(index: u32, count: u32) -> Result<Self, ShardError> {
        if count == 0 {
            Err(ShardError::NoShards)
        } else if index >= count {
            Err(ShardError::IndexTooLarge { index, count })
        } else {
            Ok(Self { index, count })
        }
    }

    /// Which one, from 0.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Of how many.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// How many of `total` positions are this shard's.
    pub const fn len_of(self, total: u64) -> u64 {
        total.saturating_sub(self.index as u64).div_ceil(self.count as u64)
    }

    /// The position in the plan of this shard's `turn`-th target.
    #[inline]
    pub const fn position(self, turn: u64) -> u64 {
        self.index as u64 + turn * self.count as u64
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let malformed = || ShardError::Malformed(lossy(text.as_bytes()));
        let (index, count) = text.trim().split_once('/').ok_or_else(malformed)?;
        let number = |text: &str| parse_decimal(text.trim().as_bytes(), 999_999_999).ok_or_else(malformed);
        Self::new(number(index)?, number(count)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl TryFrom<(u32, u32)> for Shard {
    type Error = ShardError;

    fn try_from((index, count): (u32, u32)) -> Result<Self, ShardError> {
        Self::new(index, count)
    }
}

impl From<Shard> for (u32, u32) {
    fn from(shard: Shard) -> Self {
        (shard.index, shard.count)
    }
}

/// Why a shard is refused, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShardError {
    /// Not two numbers with a slash.
    #[error("`{0}` is not a shard: write its number from 0, a slash and how many there are, like 0/3")]
    Malformed(String),
    /// Shards of nothing.
    #[error("there cannot be 0 shards: write 0/1 for everything")]
    NoShards,
    /// Counted from 1, or a typing error.
    #[error("there is no shard {index} of {count}: shards count from 0, so write 0/{count} to {last}/{count}", last = count - 1)]
    IndexTooLarge {
        /// The number given.
        index: u32,
        /// How many shards there are.
        count: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_parse_or_say_why_not() {
        assert_eq!("2/3".parse(), Shard::new(2, 3));
        for (text, part) in [
            ("3/3", "write 0/3 to 2/3"),
            ("0/0", "0 shards"),
            ("1", "like 0/3"),
            ("a/b", "like 0/3"),
            ("-1/3", "like 0/3"),
            ("1/3/5", "like 0/3"),
        ] {
            let error = text.parse::<Shard>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn shards_part_every_total_without_gap_or_overlap() {
        for count in 1..9 {
            for total in 0..40 {
                let mut positions: Vec<_> = (0..count)
                    .map(|index| Shard::new(index, count).expect("in range"))
                    .flat_map(|shard| (0..shard.len_of(total)).map(move |turn| shard.position(turn)))
                    .collect();
                positions.sort_unstable();
                assert_eq!(positions, (0..total).collect::<Vec<_>>());
            }
        }
    }
}
