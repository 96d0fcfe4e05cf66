//! Scores of METHODS section 8 for one address: S_b = sum of k_i w_i over all its banners, S_p the ports that are open and
//! the device's of all that are either, S = a S_b + (1 - a) S_p; every device with S >= th is an estimate.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::OnceLock;

use regex_automata::meta::Regex;

use super::database::{Database, KeywordId, KeywordUse};
use super::pattern::compile;
use crate::model::device::{DeviceId, Estimate};
use crate::target::ports::ProbePort;

/// Scores are sums of decimal fractions; th is compared with this much room.
const SCORE_TOLERANCE: f64 = 1e-9;
/// Longest version that is believed, in bytes.
const VERSION_BYTES_MAX: usize = 64;

/// th and a.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreSettings {
    /// th: what the score of an estimate must reach.
    pub threshold: f64,
    /// a: how much the banners count against the ports, 0 to 1.
    pub banner_share: f64,
}

impl Default for ScoreSettings {
    /// The best that was found (METHODS section 8).
    fn default() -> Self {
        Self { threshold: 0.8, banner_share: 1.0 }
    }
}

/// A banner of an address, and the keywords that it holds.
#[derive(Clone, Copy, Debug)]
pub struct BannerHits<'a> {
    /// What the service said; the version is read from it.
    pub text: &'a [u8],
    /// As [`Matcher::hits`](super::matcher::Matcher::hits) gives them.
    pub keywords: &'a [KeywordId],
}

/// Makes estimates. Shared by threads.
#[derive(Debug)]
pub struct Scorer<'a> {
    database: &'a Database,
    settings: ScoreSettings,
    /// The distinct version patterns, and which of them each device has.
    versions: Vec<(&'a str, OnceLock<Regex>)>,
    version_of: Vec<Option<u32>>,
}

impl<'a> Scorer<'a> {
    /// For a database of which every pattern was checked.
    pub fn new(database: &'a Database, settings: ScoreSettings) -> Self {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut versions = Vec::new();
        let version_of = database.devices().iter().map(|device| {
            device.version.as_deref().map(|text| {
                *known.entry(text).or_insert_with(|| {
                    versions.push((text, OnceLock::new()));
                    versions.len() as u32 - 1
                })
            })
        });
        let version_of = version_of.collect();
        Self { database, settings, versions, version_of }
    }

    /// The estimates of an address, by device, from all its banners and open ports (each port once).
    pub fn estimates(&self, banners: &[BannerHits<'_>], open_ports: &[ProbePort]) -> Vec<Estimate> {
        let mut found: Vec<KeywordUse> =
            banners.iter().flat_map(|banner| banner.keywords).flat_map(|id| self.database.uses(*id)).copied().collect();
        found.sort_unstable_by_key(|keyword| (keyword.device, keyword.place));
        // k_i is 1 however many banners hold the keyword.
        found.dedup_by_key(|keyword| (keyword.device, keyword.place));
        let mut of_devices = found.chunk_by(|one, next| one.device == next.device).peekable();
        if 1.0 - self.settings.banner_share >= self.settings.threshold - SCORE_TOLERANCE {
            // Ports alone can decide: no device can be left out.
            let all = (0..self.database.devices().len() as u32).map(DeviceId);
            return all
                .filter_map(|device| {
                    let found = of_devices.next_if(|found| found[0].device == device).unwrap_or(&[]);
                    self.estimate(device, found, banners, open_ports)
                })
                .collect();
        }
        of_devices.filter_map(|found| self.estimate(found[0].device, found, banners, open_ports)).collect()
    }

    fn estimate(
        &self,
        device: DeviceId,
        found: &[KeywordUse],
        banners: &[BannerHits<'_>],
        open_ports: &[ProbePort],
    ) -> Option<Estimate> {
        let share = self.settings.banner_share;
        let banner_score: f64 = found.iter().map(|keyword| keyword.weight).sum();
        let port_score = jaccard(open_ports, &self.database.device(device).ports);
        let score = share * banner_score + (1.0 - share) * port_score;
        (score >= self.settings.threshold - SCORE_TOLERANCE).then(|| Estimate {
            device,
            score,
            banner_score,
            port_score,
            keywords: found.iter().map(|keyword| keyword.place).collect(),
            version: self.version(device, banners),
        })
    }

    /// From the first of those banners that speak of the device and tell.
    fn version(&self, device: DeviceId, banners: &[BannerHits<'_>]) -> Option<String> {
        let (text, regex) = &self.versions[self.version_of[device.0 as usize]? as usize];
        let regex = regex.get_or_init(|| {
            compile(text, true).expect("what was checked compiles: the limit here is four times the one checked")
        });
        let speaks = |banner: &&BannerHits<'_>| {
            banner.keywords.iter().any(|id| self.database.uses(*id).iter().any(|keyword| keyword.device == device))
        };
        banners.iter().filter(speaks).find_map(|banner| {
            let mut captures = regex.create_captures();
            regex.captures(banner.text, &mut captures);
            let version = &banner.text[captures.get_group(1)?.range()];
            let version = String::from_utf8_lossy(version).trim().to_owned();
            (!version.is_empty() && version.len() <= VERSION_BYTES_MAX).then_some(version)
        })
    }
}

/// |A and B| / |A or B|; 0 where both are empty.
fn jaccard(open: &[ProbePort], of_device: &[ProbePort]) -> f64 {
    let both = open.iter().filter(|port| of_device.contains(port)).count();
    let either = open.len() + of_device.len() - both;
    if either == 0 { 0.0 } else { both as f64 / either as f64 }
}
