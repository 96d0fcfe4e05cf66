//! Local times of networks: one offset from UTC for all, or a file of prefixes with their own.

use std::path::Path;

use anyhow::Context;
use prober_common::address::V4;

use super::medium::utc_offset;
use crate::cli::UsageError;
use crate::target::range::AddressRange;

/// Offsets from UTC, s.
#[derive(Clone, Debug)]
pub(super) struct Offsets {
    /// Smallest first: the narrower prefix counts.
    ranges: Vec<(AddressRange, i32)>,
    others_s: i32,
}

impl Offsets {
    /// `others_s` for all that no line of the file speaks of. A line is `198.51.100.0/24,+09:00`; `#` begins a comment.
    pub(super) fn read(file: Option<&Path>, others_s: i32) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self { ranges: Vec::new(), others_s }) };
        let shown = file.display();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the offsets in {shown}"))?;
        let mut ranges = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let wrong = |cause: &str| {
                let number = number + 1;
                UsageError(format!("{shown}, line {number}: {cause}; write lines like 198.51.100.0/24,+09:00"))
            };
            let (prefix, offset) = line.split_once(',').ok_or_else(|| wrong("there is no comma"))?;
            let range: AddressRange =
                prefix.trim().parse().map_err(|error: crate::target::range::RangeError| wrong(&error.to_string()))?;
            ranges.push((range, utc_offset(offset.trim()).map_err(|error| wrong(&error))?));
        }
        ranges.sort_by_key(|(range, _)| range.last().0 - range.first().0);
        Ok(Self { ranges, others_s })
    }

    /// Of the network with this first address, s.
    pub(super) fn of(&self, network: u32) -> i32 {
        let found = self.ranges.iter().find(|(range, _)| range.contains(V4(network)));
        found.map_or(self.others_s, |(_, offset_s)| *offset_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_prefix_counts_and_wrong_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("offsets.csv");
        std::fs::write(&file, "# zones\n10.0.0.0/8, +01:00\n\n10.2.0.0/16,+09:00 # further east\n").unwrap();
        let offsets = Offsets::read(Some(&file), -3600).unwrap();
        let of = |a: u32, b: u32| offsets.of(a << 24 | b << 16);
        assert_eq!((of(10, 1), of(10, 2), of(11, 0)), (3600, 32_400, -3600));
        for (text, part) in [("10.0.0.0/8\n", "comma"), ("\n10.0.0.0/33,0\n", "line 2"), ("10.0.0.0/8,JST", "+09:00")] {
            std::fs::write(&file, text).unwrap();
            let error = Offsets::read(Some(&file), 0).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("offsets.csv"), "{error}");
        }
        assert!(Offsets::read(Some(Path::new("/nowhere/at.all")), 0).is_err());
        assert_eq!(Offsets::read(None, 7).unwrap().of(5), 7);
    }
}
