//! Signatures out of other programs' fingerprint files, which the user has: each fingerprint becomes a device with one
//! keyword. What names no device, or needs what this engine does not do, is left out and counted.

pub mod nmap;
pub mod recog;
pub(super) mod vocabulary;
mod wording;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::pattern;
use crate::model::device::{Device, Keyword, Kind, Level, Place};

/// What an import gave.
#[derive(Debug, Default)]
pub struct Imported {
    /// The devices.
    pub devices: Vec<Device>,
    /// Fingerprints left out, by reason.
    pub left_out: BTreeMap<&'static str, usize>,
}

/// What to take.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportSettings {
    /// Also what names software only, as devices of kind `other`.
    pub software: bool,
}

const NO_DEVICE: &str = "names no device (maker or kind)";
const NOT_READ: &str = "is not written as expected";
const NOT_DONE: &str = "needs look-around, back-references or the like";
const EMPTY: &str = "would match everything";
const TOO_LARGE: &str = "compiles to too much";

/// A fingerprint, read.
#[derive(Debug, Default)]
struct Fingerprint {
    maker: Option<String>,
    name: String,
    kind: Option<Kind>,
    model: Option<String>,
    pattern: String,
    version: Option<String>,
    examples: Vec<String>,
    source: String,
    place: Place,
}

impl Imported {
    fn leave_out(&mut self, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    fn take(&mut self, fingerprint: Fingerprint, settings: ImportSettings) {
        let Fingerprint { maker, mut name, mut kind, mut model, pattern, version, examples, source, place } =
            fingerprint;
        if model.is_some() && maker.is_none() {
            model = None;
        }
        // A maker alone is the maker of software as often as of a device.
        if !kind.is_some_and(Kind::tells) && model.is_none() {
            if !settings.software {
                return self.leave_out(NO_DEVICE);
            }
            kind = Some(Kind::Other);
        }
        if let Err(fault) = pattern::check(&pattern) {
            return self.leave_out(match fault {
                pattern::PatternFault::Empty => EMPTY,
                pattern::PatternFault::TooLarge | pattern::PatternFault::TooLong(_) => TOO_LARGE,
                pattern::PatternFault::Syntax(_) | pattern::PatternFault::Captures(_) => NOT_DONE,
            });
        }
        // Several fingerprints may tell the same device.
        name = format!("{} [{}]", name.trim(), place);
        let level = Level::of(maker.is_some(), kind, model.is_some());
        let weight = if level == Level::Model { 1.0 } else { 0.8 };
        self.devices.push(Device {
            maker,
            name,
            kind,
            model,
            ports: Vec::new(),
            version: version.filter(|version| pattern::check_version(version).is_ok()),
            source,
            keywords: vec![Keyword { pattern, weight, line: place.line }],
            examples,
            place,
        });
    }
}
