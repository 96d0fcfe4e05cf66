//! Making the database of devices from labelled banners (METHODS section 9): what in a banner may be a keyword, which
//! of it tells a model, a maker or a kind apart from all other banners, and the device records that follow. What a
//! person decides is not here; this proposes, and takes by itself only what contradicts no banner that is known.

mod candidate;
mod mask;
mod propose;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use candidate::{Candidates, candidates};
pub use propose::{UNKNOWN_MAKER, build};

use crate::model::device::Kind;

/// A banner with what is known of the device behind it.
#[derive(Clone, Debug, Default)]
pub struct Labelled {
    /// What the service said.
    pub banner: String,
    /// Who makes the device; empty if unknown.
    pub maker: String,
    /// What it is for.
    pub kind: Option<Kind>,
    /// Its model; empty if unknown.
    pub model: String,
    /// Port expression of the service, like `80` or `U:161`; empty if unknown.
    pub port: String,
}

/// Labelled banners with the candidates of each, and where else each candidate occurs.
struct Corpus<'a> {
    rows: &'a [Labelled],
    makers: Vec<String>,
    candidates: Vec<Candidates<'a>>,
    rows_with: HashMap<&'a str, Vec<u32>>,
    negative: HashSet<&'a str>,
}

impl<'a> Corpus<'a> {
    fn new(rows: &'a [Labelled], negatives: &'a [String]) -> Self {
        let candidates: Vec<_> = rows.iter().map(|row| candidates(&row.banner)).collect();
        let mut rows_with: HashMap<&str, Vec<u32>> = HashMap::new();
        for (number, of_row) in (0..).zip(&candidates) {
            for text in of_row {
                rows_with.entry(text).or_default().push(number);
            }
        }
        let negative = negatives.iter().flat_map(|banner| candidate::candidates(banner)).collect();
        Self { rows, makers: rows.iter().map(|row| maker_key(&row.maker)).collect(), candidates, rows_with, negative }
    }

    /// Rows by a key, in its order; rows without one are left out.
    fn grouped<K: Ord>(&self, key: impl Fn(usize, &Labelled) -> Option<K>) -> BTreeMap<K, Vec<u32>> {
        let mut groups: BTreeMap<K, Vec<u32>> = BTreeMap::new();
        for (number, row) in self.rows.iter().enumerate() {
            if let Some(key) = key(number, row) {
                groups.entry(key).or_default().push(number as u32);
            }
        }
        groups
    }

    /// How often each candidate occurs in these rows, by text; what ordinary servers say is left out.
    fn counted(&self, rows: &[u32]) -> BTreeMap<&'a str, u32> {
        let mut counts = BTreeMap::new();
        for &row in rows {
            for text in self.candidates[row as usize].iter().filter(|text| !self.negative.contains(*text)) {
                *counts.entry(*text).or_default() += 1;
            }
        }
        counts
    }
}

/// The maker's name without what differs between spellings: case, signs, and words like `Inc` or `Networks`.
pub fn maker_key(maker: &str) -> String {
    const COMMON: [&str; 30] = [
        "ab",
        "ag",
        "bv",
        "co",
        "communication",
        "communications",
        "company",
        "corp",
        "corporation",
        "electronics",
        "gmbh",
        "group",
        "inc",
        "industrial",
        "industries",
        "international",
        "kg",
        "limited",
        "llc",
        "ltd",
        "network",
        "networks",
        "sa",
        "sas",
        "spa",
        "system",
        "systems",
        "technologies",
        "technology",
        "the",
    ];
    let lower = maker.to_lowercase();
    let words = || lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let telling: Vec<&str> = words().filter(|word| !COMMON.contains(word)).collect();
    if telling.is_empty() { words().collect::<Vec<_>>().join(" ") } else { telling.join(" ") }
}
