//! Hop counts out of TTLs (METHODS section 2), and several hosts behind one address told by them (seed 004, table 2). Knows
//! nothing of round-trip times.

use std::collections::BTreeMap;

/// TTLs that hosts begin with, T0.
const INITIAL_TTLS: [u8; 4] = [32, 64, 128, 255];
/// Most replies of an address with a TTL of their own that are taken for a route that moved, not for another host.
const STRAY_SHARE: f64 = 0.1;

/// Where a reply began, and how far away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HopCount {
    /// T0: the smallest usual one that is not below the TTL.
    pub initial_ttl: u8,
    /// T0 - TTL.
    pub hops: u8,
}

impl HopCount {
    /// Of a TTL as it arrived.
    pub fn of(ttl: u8) -> Self {
        let initial_ttl = INITIAL_TTLS.into_iter().find(|initial| *initial >= ttl).unwrap_or(u8::MAX);
        Self { initial_ttl, hops: initial_ttl - ttl }
    }
}

/// The most frequent hop count of replies; of equally frequent ones the smallest.
pub fn usual_hops(ttls: impl IntoIterator<Item = u8>) -> Option<HopCount> {
    let mut counts: BTreeMap<HopCount, usize> = BTreeMap::new();
    for ttl in ttls {
        *counts.entry(HopCount::of(ttl)).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(hops, count)| (*count, std::cmp::Reverse(*hops))).map(|(hops, _)| hops)
}

/// Whether replies of one address, each with its port and TTL, come from several hosts: two ports that each keep to a T0 or
/// hop count of their own (port forwarding). A port that itself changes between them says nothing.
pub fn is_several_hosts(replies: impl IntoIterator<Item = (u16, u8)>) -> bool {
    let mut by_port: BTreeMap<u16, BTreeMap<HopCount, usize>> = BTreeMap::new();
    for (port, ttl) in replies {
        *by_port.entry(port).or_default().entry(HopCount::of(ttl)).or_default() += 1;
    }
    let steady = by_port.values().filter_map(|counts| {
        let all: usize = counts.values().sum();
        let (hops, count) = counts.iter().max_by_key(|(_, count)| **count)?;
        ((all - count) as f64 <= STRAY_SHARE * all as f64).then_some(*hops)
    });
    let mut steady: Vec<HopCount> = steady.collect();
    steady.dedup();
    steady.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_counted_from_the_usual_beginnings() {
        let hops = |ttl| (HopCount::of(ttl).initial_ttl, HopCount::of(ttl).hops);
        assert_eq!(hops(57), (64, 7));
        assert_eq!(hops(64), (64, 0));
        assert_eq!(hops(65), (128, 63));
        assert_eq!(hops(241), (255, 14));
        assert_eq!(hops(0), (32, 32));
        assert_eq!(usual_hops([57, 57, 56]), Some(HopCount { initial_ttl: 64, hops: 7 }));
        assert_eq!(usual_hops([]), None);
    }

    #[test]
    fn ports_with_ttls_of_their_own_are_several_hosts() {
        assert!(is_several_hosts([(80, 57), (80, 57), (22, 56), (22, 56)]));
        assert!(is_several_hosts([(80, 57), (22, 241)]));
        assert!(!is_several_hosts([(80, 57), (22, 57), (80, 57)]));
        assert!(!is_several_hosts([(80, 57), (80, 56), (22, 57), (22, 56)]), "a route that moved");
        assert!(!is_several_hosts([]));
    }
}
