//! What a signature would catch among the banners that are known: how many addresses, how many of them with banners that
//! the filter left out, and which negatives.

use std::collections::BTreeSet;

use crate::device::aggregate::Aggregated;
use crate::device::lint::Negative;
use crate::device::pattern::compile;
use crate::device::score::ScoreSettings;
use crate::model::device::Device;

/// The banners, by address.
#[derive(Debug, Default)]
pub struct Catcher {
    banners: Aggregated,
    /// Whether the filter left a distinct banner out.
    left_out: Vec<bool>,
}

/// What would be caught.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catch {
    /// Addresses whose banners reach th together.
    pub addresses: u32,
    /// Of these, by banners alone that the filter left out.
    pub ordinary: u32,
    /// Negatives that reach th.
    pub negatives: u32,
    /// The first of them.
    pub negative: Option<String>,
}

impl Catcher {
    /// `left_out` tells of each distinct banner whether the filter leaves it out.
    pub fn new(banners: Aggregated, left_out: impl FnMut(&[u8]) -> bool) -> Self {
        let left_out = banners.groups().iter().map(|group| &*group.sample).map(left_out).collect();
        Self { banners, left_out }
    }

    /// Addresses that have any banner.
    pub fn addresses(&self) -> usize {
        self.banners.chunks().count()
    }

    /// Runs every keyword over every distinct banner.
    pub(super) fn catch(&self, device: &Device, negatives: &[Negative]) -> Catch {
        let keywords = Keywords::of(device);
        let hits: Vec<u64> = self.banners.groups().iter().map(|group| keywords.in_banner(&group.sample)).collect();
        let mut catch = Catch::default();
        for pairs in self.banners.chunks() {
            let all = pairs.iter().fold(0, |all, (_, group)| all | hits[*group as usize]);
            if !keywords.reach(all) {
                continue;
            }
            catch.addresses += 1;
            let mut by_kept = pairs.iter().filter(|(_, group)| hits[*group as usize] != 0);
            catch.ordinary += u32::from(by_kept.all(|(_, group)| self.left_out[*group as usize]));
        }
        for negative in negatives.iter().filter(|negative| keywords.reach(keywords.in_banner(&negative.banner))) {
            catch.negatives += 1;
            catch.negative.get_or_insert_with(|| String::from_utf8_lossy(&negative.banner).into_owned());
        }
        catch
    }
}

/// Where the keywords of the device stand in a banner, ascending; those of one keyword do not overlap.
pub(super) fn places(device: &Device, banner: &str) -> Vec<std::ops::Range<usize>> {
    let keywords = Keywords::of(device);
    let mut places: Vec<_> =
        keywords.0.iter().flat_map(|(regex, _)| regex.find_iter(banner)).map(|found| found.range()).collect();
    places.sort_by_key(|place| (place.start, place.end));
    places
}

/// Whether a banner alone reaches th for the device.
pub(super) fn reaches(device: &Device, banner: &str) -> bool {
    let keywords = Keywords::of(device);
    keywords.reach(keywords.in_banner(banner.as_bytes()))
}

/// The keywords of a device; of the first 64 of them which matched is one bit each.
struct Keywords(Vec<(regex_automata::meta::Regex, f64)>);

impl Keywords {
    fn of(device: &Device) -> Self {
        let compiled = device.keywords.iter().take(64).filter_map(|keyword| {
            // A device that was read has no other patterns.
            compile(&keyword.pattern, false).ok().map(|regex| (regex, keyword.weight))
        });
        Self(compiled.collect())
    }

    fn in_banner(&self, banner: &[u8]) -> u64 {
        let hit =
            |(bit, (regex, _)): (usize, &(regex_automata::meta::Regex, f64))| u64::from(regex.is_match(banner)) << bit;
        self.0.iter().enumerate().map(hit).sum()
    }

    fn reach(&self, hits: u64) -> bool {
        let set: BTreeSet<usize> = (0..self.0.len()).filter(|bit| hits >> bit & 1 == 1).collect();
        let score: f64 = set.iter().map(|bit| self.0[*bit].1).sum();
        score >= ScoreSettings::default().threshold - 1e-9
    }
}
