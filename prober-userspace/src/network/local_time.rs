//! Local times of networks: one offset from UTC for all, or prefixes with their own, read from lines like
//! `198.51.100.0/24,+09:00`. Reading a file, and naming it in an error, is the caller's.

use prober_common::address::V4;

use crate::target::range::{AddressRange, RangeError};

/// No time zone is further from UTC, h.
const FURTHEST_H: i32 = 14;

/// Offsets from UTC, s.
#[derive(Clone, Debug, Default)]
pub struct Offsets {
    /// Smallest first: the narrower prefix counts.
    ranges: Vec<(AddressRange, i32)>,
    others_s: i32,
}

/// A line that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; write lines like 198.51.100.0/24,+09:00")]
pub struct BadOffset {
    /// Its number, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

impl Offsets {
    /// The same for all.
    pub const fn all(others_s: i32) -> Self {
        Self { ranges: Vec::new(), others_s }
    }

    /// Of lines like `198.51.100.0/24,+09:00`; `#` begins a comment. `others_s` for all that none speaks of.
    pub fn parse(text: &str, others_s: i32) -> Result<Self, BadOffset> {
        let mut ranges = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let said = line.split('#').next().unwrap_or_default().trim();
            if said.is_empty() {
                continue;
            }
            let wrong = |reason: String| BadOffset { line: number, reason };
            let (prefix, offset) = said.split_once(',').ok_or_else(|| wrong("there is no comma".to_owned()))?;
            let range: AddressRange = prefix.trim().parse().map_err(|error: RangeError| wrong(error.to_string()))?;
            ranges.push((range, utc_offset(offset.trim()).map_err(wrong)?));
        }
        ranges.sort_by_key(|(range, _)| range.last().0 - range.first().0);
        Ok(Self { ranges, others_s })
    }

    /// Of the network with this first address, s.
    pub fn of(&self, network: u32) -> i32 {
        let found = self.ranges.iter().find(|(range, _)| range.contains(V4(network)));
        found.map_or(self.others_s, |(_, offset_s)| *offset_s)
    }
}

/// Parses `+09:00`, `-3:30` or `9` as seconds ahead of UTC.
pub fn utc_offset(text: &str) -> Result<i32, String> {
    let wrong = || format!("`{text}` is not an offset from UTC: write it like +09:00 or -3");
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let number = |text: &str, most: i32| {
        let plain = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i32>().ok().filter(|number| plain && *number <= most)
    };
    let (hours, minutes) = (number(hours, FURTHEST_H).ok_or_else(wrong)?, number(minutes, 59).ok_or_else(wrong)?);
    let offset_s = sign * (hours * 3600 + minutes * 60);
    if offset_s.abs() > FURTHEST_H * 3600 { Err(wrong()) } else { Ok(offset_s) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_as_people_write_them() {
        let seconds = ["+09:00", "9", "-3:30", "0", "+14"].map(utc_offset);
        assert_eq!(seconds, [Ok(32_400), Ok(32_400), Ok(-12_600), Ok(0), Ok(50_400)]);
        for text in ["", "+", "15", "14:30", "9:60", "JST", "+-3", "09:00:00"] {
            assert!(utc_offset(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_narrowest_prefix_counts_and_wrong_lines_are_named() {
        let text = "# zones\n10.0.0.0/8, +01:00\n\n10.2.0.0/16,+09:00 # further east\n";
        let offsets = Offsets::parse(text, -3600).unwrap();
        let of = |a: u32, b: u32| offsets.of(a << 24 | b << 16);
        assert_eq!((of(10, 1), of(10, 2), of(11, 0)), (3600, 32_400, -3600));
        for (text, line, part) in
            [("10.0.0.0/8\n", 1, "comma"), ("\n10.0.0.0/33,0\n", 2, "+09:00"), ("10.0.0.0/8,JST", 1, "+09:00")]
        {
            let error = Offsets::parse(text, 0).unwrap_err();
            assert!(error.line == line && error.to_string().contains(part), "{error}");
        }
        assert_eq!(Offsets::all(7).of(5), 7);
    }
}
