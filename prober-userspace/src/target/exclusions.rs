//! The addresses that are never probed, and who asked for each: the IANA ranges, exclusion files, the command line.

use std::sync::Arc;

use prober_common::address::V4;

use super::address_set::AddressSet;
use super::range::AddressRange;
use super::special::{SPECIAL_RANGES, special_range_of};

/// The merged exclusions with their origins. Clones share the set.
#[derive(Clone, Debug)]
pub struct Exclusions {
    addresses: Arc<AddressSet>,
    sources: Arc<[ExclusionSource]>,
    special: bool,
}

/// One list of exclusions.
#[derive(Clone, Debug)]
pub struct ExclusionSource {
    /// Where it came from: a file's name, or what to call the list.
    pub origin: String,
    /// Its addresses.
    pub addresses: AddressSet,
}

impl Exclusions {
    /// Merges the lists, with the IANA special ranges on top unless `allow_special`.
    pub fn new(sources: impl IntoIterator<Item = (String, Vec<AddressRange>)>, allow_special: bool) -> Self {
        let sources: Vec<_> = sources
            .into_iter()
            .map(|(origin, ranges)| ExclusionSource { origin, addresses: AddressSet::from_ranges(ranges) })
            .collect();
        let special = (!allow_special).then_some(SPECIAL_RANGES.map(|special| special.range));
        let addresses = AddressSet::from_ranges(
            sources.iter().flat_map(|source| source.addresses.ranges()).chain(special.into_iter().flatten()),
        );
        Self { addresses: Arc::new(addresses), sources: sources.into(), special: !allow_special }
    }

    /// Every excluded address.
    pub fn addresses(&self) -> &AddressSet {
        &self.addresses
    }

    /// The lists that were given, without the special ranges.
    pub fn sources(&self) -> &[ExclusionSource] {
        &self.sources
    }

    /// Whether `address` must not be probed; a few ns.
    #[inline]
    pub fn contains(&self, address: V4) -> bool {
        self.addresses.contains(address)
    }

    /// Whether nothing but the IANA special ranges excludes `address`.
    pub fn only_as_special(&self, address: V4) -> bool {
        self.contains(address) && !self.sources.iter().any(|source| source.addresses.contains(address))
    }

    /// Who excludes `address`, for people; `None` if it may be probed.
    pub fn reason(&self, address: V4) -> Option<String> {
        let listed = self.sources.iter().find(|source| source.addresses.contains(address));
        if let Some(source) = listed {
            return Some(source.origin.clone());
        }
        let special = special_range_of(address).filter(|_| self.special)?;
        Some(format!("IANA special range {} ({}, {})", special.range, special.name, special.source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_exclusion_knows_its_origin() {
        let file = ("opt-out.txt".to_owned(), vec!["192.0.2.0/25".parse().expect("prefix")]);
        let exclusions = Exclusions::new([file.clone()], false);
        assert_eq!(exclusions.reason(V4(0xc000_0201)).as_deref(), Some("opt-out.txt"));
        assert_eq!(
            exclusions.reason(V4(0xc000_0281)).as_deref(),
            Some("IANA special range 192.0.2.0/24 (documentation (TEST-NET-1), RFC 5737)")
        );
        assert_eq!(exclusions.reason(V4(0x0808_0808)), None);
        let lab = Exclusions::new([file], true);
        assert!(lab.contains(V4(0xc000_0201)) && !lab.contains(V4(0xc000_0281)));
        assert_eq!(lab.reason(V4(0xc000_0281)), None);
    }
}
