//! Making the database of devices from labelled banners (METHODS section 9): what in a banner may be a keyword, which
//! of it tells a model, a maker or a kind apart from all other banners, and the device records that follow. What a
//! person decides is not here; this proposes, and takes by itself only what contradicts no banner that is known.

mod candidate;
mod corpus;
mod evidence;
mod mask;
mod occurrence;
mod propose;

#[cfg(test)]
mod tests;

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
