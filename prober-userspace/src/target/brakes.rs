//! How much the limit of each /24 is tightened while a scan runs: written where answers come in, read where probes are
//! planned. Readers look into one cache line; who writes keeps the exact list beside it. Where more networks of one line
//! are braked than it has places, the rest of that line goes at their strictest brake: that makes others slower, never
//! faster, and is counted.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;
use prober_common::address::V4;

/// 16,384 lines with seven places each: 512 KB.
const BITS: u32 = 14;
const PLACES: usize = 7;

/// Strongest brake: an eighth of the rate.
pub const STRONGEST: u8 = 3;

/// One brake per /24, and how often they were used.
#[derive(Debug)]
pub struct Brakes {
    lines: Box<[Line]>,
    /// Every brake in force by /24; only for who writes.
    exact: Mutex<HashMap<u32, u8>>,
    tightened: AtomicU64,
    loosened: AtomicU64,
    crowded: AtomicU64,
    unwatched: AtomicU64,
}

/// Places for networks with their brakes (`slash24 << 8 | level`; 0 is empty), and the brake of all others.
#[derive(Debug, Default)]
struct Line {
    places: [AtomicU32; PLACES],
    others: AtomicU32,
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrakeCounts {
    /// Brakes tightened.
    pub tightened: u64,
    /// Brakes loosened.
    pub loosened: u64,
    /// Brakes that found no place of their own and slowed their neighbours as well.
    pub crowded: u64,
    /// Networks that answered and whose delays nobody watches.
    pub unwatched: u64,
}

impl Default for Brakes {
    fn default() -> Self {
        Self {
            lines: (0..1 << BITS).map(|_| Line::default()).collect(),
            exact: Mutex::default(),
            tightened: AtomicU64::new(0),
            loosened: AtomicU64::new(0),
            crowded: AtomicU64::new(0),
            unwatched: AtomicU64::new(0),
        }
    }
}

impl Brakes {
    /// The rate of the address's /24 is to be divided by 2 to this power.
    #[inline]
    pub fn level(&self, address: V4) -> u8 {
        let network = address.slash24();
        let line = &self.lines[line_of(network)];
        let own = line.places.iter().map(|place| place.load(Ordering::Relaxed)).find(|place| place >> 8 == network);
        // The network 0.0.0.0/24 looks like an empty place; nobody scans it.
        own.unwrap_or_else(|| line.others.load(Ordering::Relaxed)) as u8
    }

    /// Sets it, at most to [`STRONGEST`]; 0 releases it. Tens of ns, and more only where a line is crowded.
    pub fn set(&self, address: V4, level: u8) {
        let (network, level) = (address.slash24(), level.min(STRONGEST));
        let mut exact = self.exact.lock().unwrap_or_else(PoisonError::into_inner);
        let before = if level == 0 { exact.remove(&network) } else { exact.insert(network, level) }.unwrap_or(0);
        match level.cmp(&before) {
            std::cmp::Ordering::Greater => self.tightened.fetch_add(1, Ordering::Relaxed),
            std::cmp::Ordering::Less => self.loosened.fetch_add(1, Ordering::Relaxed),
            std::cmp::Ordering::Equal => return,
        };
        let line = &self.lines[line_of(network)];
        let find = |number: u32| line.places.iter().find(|place| place.load(Ordering::Relaxed) >> 8 == number);
        let value = if level == 0 { 0 } else { network << 8 | u32::from(level) };
        match find(network).or_else(|| find(0).filter(|_| level > 0)) {
            Some(place) => place.store(value, Ordering::Relaxed),
            None if before == 0 => {
                self.crowded.fetch_add(1, Ordering::Relaxed);
                line.others.fetch_max(level.into(), Ordering::Relaxed);
                return;
            }
            None => {}
        }
        if line.others.load(Ordering::Relaxed) > 0 {
            line.settle(&exact, line_of(network));
        }
    }

    /// So many networks answer without their delays being watched.
    pub fn set_unwatched(&self, networks: u64) {
        self.unwatched.store(networks, Ordering::Relaxed);
    }

    /// How often what happened.
    pub fn counts(&self) -> BrakeCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BrakeCounts {
            tightened: of(&self.tightened),
            loosened: of(&self.loosened),
            crowded: of(&self.crowded),
            unwatched: of(&self.unwatched),
        }
    }
}

impl Line {
    /// Gives free places to those without one; the others' brake is the strictest of those that still have none.
    fn settle(&self, exact: &HashMap<u32, u8>, own: usize) {
        let has_place = |network: u32| self.places.iter().any(|place| place.load(Ordering::Relaxed) >> 8 == network);
        let mut strictest = 0;
        for (&network, &level) in exact.iter().filter(|(network, _)| line_of(**network) == own) {
            if has_place(network) {
                continue;
            }
            match self.places.iter().find(|place| place.load(Ordering::Relaxed) == 0) {
                Some(free) => free.store(network << 8 | u32::from(level), Ordering::Relaxed),
                None => strictest = strictest.max(level),
            }
        }
        self.others.store(strictest.into(), Ordering::Relaxed);
    }
}

/// Fibonacci hashing: neighbouring networks land far apart.
fn line_of(network: u32) -> usize {
    (network.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brake_holds_for_its_network_and_is_counted() {
        let brakes = Brakes::default();
        brakes.set(V4(0x0a00_0001), 2);
        brakes.set(V4(0x0a00_0002), 200);
        assert_eq!((brakes.level(V4(0x0a00_00ff)), brakes.level(V4(0x0a00_0101))), (STRONGEST, 0));
        brakes.set(V4(0x0a00_0001), 0);
        let counts = brakes.counts();
        assert_eq!((brakes.level(V4(0x0a00_0001)), counts.tightened, counts.loosened, counts.crowded), (0, 2, 1, 0));
    }

    /// Hosts of so many networks that share a line.
    fn neighbours(count: usize) -> Vec<V4> {
        let of_line = (1_u32..1 << 24).filter(|network| line_of(*network) == 5).take(count);
        of_line.map(|network| V4(network << 8 | 1)).collect()
    }

    #[test]
    fn a_recovery_loosens_nobody_elses_brake() {
        let brakes = Brakes::default();
        let hosts = neighbours(3);
        brakes.set(hosts[0], 3);
        brakes.set(hosts[1], 1);
        brakes.set(hosts[1], 0);
        let levels = |hosts: &[V4]| hosts.iter().map(|host| brakes.level(*host)).collect::<Vec<_>>();
        assert_eq!(levels(&hosts), [3, 0, 0]);
    }

    #[test]
    fn a_crowded_line_is_stricter_than_need_be_and_never_laxer() {
        let brakes = Brakes::default();
        let hosts = neighbours(PLACES + 3);
        let own = |index: usize| 1 + (index % 3) as u8;
        for (index, host) in hosts[..PLACES + 2].iter().enumerate() {
            brakes.set(*host, own(index));
            assert!(hosts[..=index].iter().enumerate().all(|(index, host)| brakes.level(*host) >= own(index)));
        }
        assert_eq!(brakes.counts().crowded, 2);
        // Somebody who is not braked shares the line.
        assert_eq!(brakes.level(hosts[PLACES + 2]), own(PLACES).max(own(PLACES + 1)));
        for released in 0..PLACES + 2 {
            brakes.set(hosts[released], 0);
            let rest = released + 1..PLACES + 2;
            assert!(rest.clone().all(|index| brakes.level(hosts[index]) >= own(index)), "{released}");
        }
        assert!(hosts.iter().all(|host| brakes.level(*host) == 0));
        assert!(brakes.exact.lock().unwrap().is_empty());
    }
}
