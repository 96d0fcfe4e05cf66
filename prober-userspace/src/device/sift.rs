//! From a mass of banners to what a person has to look at (METHODS section 9): filter, normalise, aggregate, group. Each
//! stage says how much it left. What a group means is not decided here.

mod filter;
mod group;
mod ordinary;
mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use prober_common::address::V4;
use serde::Serialize;

use super::aggregate::{Aggregated, Aggregator};
pub(super) use filter::tells;
pub use filter::{Filter, Reason};
pub use group::{BannerGroup, group, text_hash};

/// Whether the line is a header that tells nothing.
pub(super) fn is_header(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or("");
    name.len() < line.len() && ordinary::HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name.trim()))
}

/// What a stage left of what it got. Stable field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// Banners, or groups of them, that came in.
    pub took: usize,
    /// How many were left.
    pub left: usize,
}

/// Banners on their way through the stages.
#[derive(Debug)]
pub struct Sifter<'a> {
    filter: &'a Filter,
    banners: Aggregator,
    took: usize,
    filtered: BTreeMap<Reason, usize>,
}

impl<'a> Sifter<'a> {
    /// Nothing came in yet.
    pub fn new(filter: &'a Filter) -> Self {
        Self { filter, banners: Aggregator::default(), took: 0, filtered: BTreeMap::new() }
    }

    /// Takes in a banner, and tells why it is left out if it is.
    pub fn add(&mut self, address: V4, banner: &[u8]) -> Option<Reason> {
        self.took += 1;
        let reason = self.filter.reason(banner);
        match reason {
            Some(reason) => *self.filtered.entry(reason).or_default() += 1,
            None => self.banners.add(address, banner),
        }
        reason
    }

    /// Groups what is left.
    pub fn finish(self) -> Sifted {
        let left = self.took - self.filtered.values().sum::<usize>();
        let banners = self.banners.finish();
        let groups = group(&banners);
        let stages = vec![
            Stage { name: "filter", took: self.took, left },
            Stage { name: "normalise and aggregate", took: left, left: banners.groups().len() },
            Stage { name: "group", took: banners.groups().len(), left: groups.len() },
        ];
        Sifted { stages, filtered: self.filtered, banners, groups }
    }
}

/// What is left, and how it came about.
#[derive(Debug)]
pub struct Sifted {
    /// Filter; normalise and aggregate; group.
    pub stages: Vec<Stage>,
    /// Banners that the filter left out, by reason.
    pub filtered: BTreeMap<Reason, usize>,
    /// The distinct banners.
    pub banners: Aggregated,
    /// Groups of them, those of most addresses first.
    pub groups: Vec<BannerGroup>,
}

impl Sifted {
    /// Groups left, of all banners: 0 to 1.
    pub fn reduction(&self) -> f64 {
        let took = self.stages.first().map_or(0, |stage| stage.took);
        if took == 0 { 0.0 } else { self.groups.len() as f64 / took as f64 }
    }
}
