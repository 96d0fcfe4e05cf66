//! How much the limit of each /24 is tightened while a scan runs: written where answers come in, read where probes are
//! planned. A bounded table; networks that share an entry share its brake, which only makes it stricter.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use prober_common::address::V4;

const BITS: u32 = 16;

/// Strongest brake: an eighth of the rate.
pub const STRONGEST: u8 = 3;

/// One brake per /24, and how often they were used.
#[derive(Debug)]
pub struct Brakes {
    levels: Box<[AtomicU8]>,
    tightened: AtomicU64,
    loosened: AtomicU64,
}

impl Default for Brakes {
    fn default() -> Self {
        Self {
            levels: (0..1 << BITS).map(|_| AtomicU8::new(0)).collect(),
            tightened: AtomicU64::new(0),
            loosened: AtomicU64::new(0),
        }
    }
}

impl Brakes {
    /// The rate of the address's /24 is to be divided by 2 to this power.
    #[inline]
    pub fn level(&self, address: V4) -> u8 {
        self.levels[entry(address)].load(Ordering::Relaxed)
    }

    /// Sets it, at most to [`STRONGEST`].
    pub fn set(&self, address: V4, level: u8) {
        let level = level.min(STRONGEST);
        let before = self.levels[entry(address)].swap(level, Ordering::Relaxed);
        match level.cmp(&before) {
            std::cmp::Ordering::Greater => self.tightened.fetch_add(1, Ordering::Relaxed),
            std::cmp::Ordering::Less => self.loosened.fetch_add(1, Ordering::Relaxed),
            std::cmp::Ordering::Equal => 0,
        };
    }

    /// How often a brake was tightened and loosened.
    pub fn counts(&self) -> (u64, u64) {
        (self.tightened.load(Ordering::Relaxed), self.loosened.load(Ordering::Relaxed))
    }
}

/// Fibonacci hashing: neighbouring networks land far apart.
fn entry(address: V4) -> usize {
    (address.slash24().wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
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
        assert_eq!((brakes.level(V4(0x0a00_0001)), brakes.counts()), (0, (2, 1)));
    }
}
