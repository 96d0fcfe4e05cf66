//! What a good signature keeps to, beyond what a file must have to be read: each keyword matches one of the device's
//! examples, each example reaches th, no banner that is not of the device does, and no pattern is over-broad.

mod finding;
mod ordinary;

#[cfg(test)]
mod tests;

pub use finding::{Finding, Rule};

use super::database::{Database, KeywordId};
use super::matcher::{Matcher, Scratch};
use super::score::{BannerHits, ScoreSettings, Scorer};
use crate::model::device::{Device, DeviceId, Level};

/// A keyword that alone gives a device by examples of so many other makers is over-broad.
const OTHER_MAKERS_MAX: usize = 3;
/// Weight of a keyword that alone decides although no model is known; more says more than is known.
const WEIGHT_WITHOUT_MODEL_MAX: f64 = 0.8;

/// A banner that is of no device in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negative {
    /// Where it comes from: file and line.
    pub place: String,
    /// What the service said.
    pub banner: Vec<u8>,
}

/// Every finding, by place.
pub fn lint(database: &Database, negatives: &[Negative]) -> Vec<Finding> {
    let matcher = Matcher::new(database);
    let mut linter = Linter {
        database,
        scorer: Scorer::new(database, ScoreSettings::default()),
        matcher: &matcher,
        scratch: Scratch::default(),
        findings: Vec::new(),
    };
    linter.weights();
    linter.literals();
    linter.examples();
    linter.negatives(negatives);
    linter.findings.sort_by(|one, next| (&one.place, one.rule).cmp(&(&next.place, next.rule)));
    linter.findings
}

struct Linter<'a> {
    database: &'a Database,
    scorer: Scorer<'a>,
    matcher: &'a Matcher,
    scratch: Scratch,
    findings: Vec<Finding>,
}

impl Linter<'_> {
    fn weights(&mut self) {
        for device in self.database.devices() {
            let sum: f64 = device.keywords.iter().map(|keyword| keyword.weight).sum();
            if device.level() < Level::Model && sum > WEIGHT_WITHOUT_MODEL_MAX + 1e-9 {
                let reason = format!(
                    "the weights add up to {sum:.2} though no model is known: at most {WEIGHT_WITHOUT_MODEL_MAX} says so"
                );
                self.findings.push(Finding::of(device, None, Rule::Level, reason));
            }
            if device.level() == Level::Embedded && device.kind.is_none() {
                let reason = "neither maker nor kind nor model is known: name one".to_owned();
                self.findings.push(Finding::of(device, None, Rule::Level, reason));
            }
        }
    }

    fn literals(&mut self) {
        for id in self.matcher.without_literal() {
            let reason = "no literal of four bytes that every match holds: it would be tried on most banners";
            self.about_keyword(id, Rule::Literal, reason);
        }
    }

    /// Also finds what is over-broad: what ordinary servers say, and what other makers' examples hold.
    fn examples(&mut self) {
        for banner in ordinary::BANNERS {
            let hits = self.matcher.hits(banner.as_bytes(), &mut self.scratch).to_vec();
            for id in hits {
                let reason = format!("matches what an ordinary server says: {}", shown(banner.as_bytes()));
                self.about_keyword(id, Rule::Broad, &reason);
            }
        }
        let mut makers_of: Vec<Vec<&str>> = vec![Vec::new(); self.database.devices().len()];
        for (number, device) in self.database.devices().iter().enumerate() {
            let id = DeviceId(number as u32);
            let mut matched = vec![false; device.keywords.len()];
            for example in &device.examples {
                let hits = self.matcher.hits(example.as_bytes(), &mut self.scratch);
                let banner = BannerHits { text: example.as_bytes(), keywords: hits };
                for keyword in hits.iter().flat_map(|hit| self.database.uses(*hit)).filter(|used| used.device == id) {
                    matched[usize::from(keyword.place)] = true;
                }
                let estimates = self.scorer.estimates(&[banner], &[]);
                for other in estimates.iter().map(|estimate| estimate.device.0 as usize) {
                    let maker = device.maker.as_deref().unwrap_or("?");
                    if device.maker != self.database.devices()[other].maker && !makers_of[other].contains(&maker) {
                        makers_of[other].push(maker);
                    }
                }
                if !estimates.iter().any(|estimate| estimate.device == id) {
                    let reason = format!("an example does not reach th: {}", shown(example.as_bytes()));
                    self.findings.push(Finding::of(device, None, Rule::Example, reason));
                }
            }
            for (place, matched) in matched.into_iter().enumerate() {
                if !matched {
                    let reason = "the keyword matches none of the device's examples".to_owned();
                    self.findings.push(Finding::of(device, Some(place), Rule::Keyword, reason));
                }
            }
        }
        for (device, makers) in self.database.devices().iter().zip(makers_of) {
            if device.level() >= Level::Maker && makers.len() > OTHER_MAKERS_MAX {
                let reason =
                    format!("is also seen in the examples of {} other makers: {}", makers.len(), makers.join(", "));
                self.findings.push(Finding::of(device, None, Rule::Broad, reason));
            }
        }
    }

    fn negatives(&mut self, negatives: &[Negative]) {
        for negative in negatives {
            let keywords = self.matcher.hits(&negative.banner, &mut self.scratch);
            let banner = BannerHits { text: &negative.banner, keywords };
            for estimate in self.scorer.estimates(&[banner], &[]) {
                let reason = format!("is seen in {}: {}", negative.place, shown(&negative.banner));
                let device = self.database.device(estimate.device);
                // Level 0 claims no device: ordinary servers run embedded web servers as well.
                if device.level() == Level::Embedded {
                    continue;
                }
                let keyword = estimate.keywords.first().map(|place| usize::from(*place));
                self.findings.push(Finding::of(device, keyword, Rule::Negative, reason));
            }
        }
    }

    fn about_keyword(&mut self, id: KeywordId, rule: Rule, reason: &str) {
        for keyword in self.database.uses(id) {
            let device: &Device = self.database.device(keyword.device);
            self.findings.push(Finding::of(device, Some(usize::from(keyword.place)), rule, reason.to_owned()));
        }
    }
}

/// The beginning of a banner, on one line.
fn shown(banner: &[u8]) -> String {
    let text = String::from_utf8_lossy(&banner[..banner.len().min(100)]).escape_debug().to_string();
    if banner.len() > 100 { format!("\"{text}…\"") } else { format!("\"{text}\"") }
}
