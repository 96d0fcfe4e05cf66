//! A keyed permutation of 0..n with random access: a Feistel network over the smallest power of two that covers n,
//! walked until it lands below n (Black and Rogaway, Ciphers with arbitrary finite domains, CT-RSA 2002). It spreads
//! a scan evenly over the networks and gives shards and resume for free; it is not meant to keep a secret.

use super::splitmix;

/// Largest permitted size: positions stay below 2^48.
pub const MAX_PERMUTATION: u64 = 1 << 48;

/// Smaller domains than 2^8 make poor Feistel halves; walking from 256 down to n costs nothing then.
const MIN_BITS: u32 = 8;

const ROUNDS: usize = 4;

/// A bijection of `0..len` chosen by a seed.
#[derive(Clone, Debug)]
pub struct Permutation {
    len: u64,
    low_bits: u32,
    low_mask: u64,
    high_mask: u64,
    keys: [Key; ROUNDS],
}

/// What makes one round function: added and multiplied in.
#[derive(Clone, Copy, Debug)]
struct Key {
    add: u64,
    multiply: u64,
}

impl Permutation {
    /// The permutation of `0..len` that `seed` chooses; `None` above [`MAX_PERMUTATION`].
    pub fn new(len: u64, seed: u64) -> Option<Self> {
        if len > MAX_PERMUTATION {
            return None;
        }
        let bits = (64 - len.saturating_sub(1).leading_zeros()).max(MIN_BITS);
        let low_bits = bits / 2;
        let mut index = 0;
        let mut draw = || {
            index += 1;
            splitmix::nth(seed, index)
        };
        Some(Self {
            len,
            low_bits,
            low_mask: (1 << low_bits) - 1,
            high_mask: (1 << (bits - low_bits)) - 1,
            keys: core::array::from_fn(|_| Key { add: draw(), multiply: draw() | 1 }),
        })
    }

    /// How many positions.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where `position` goes; both below `len()`. A few ns. A position at or beyond `len()` gives some value below
    /// it, or 0 for an empty permutation.
    #[inline]
    pub fn at(&self, position: u64) -> u64 {
        self.walk(position, self.encrypt(position))
    }

    /// Where the positions in `indexes` go, in place. All first steps come before all walks, so that the processor
    /// works on many at a time.
    #[inline]
    pub(super) fn apply(&self, indexes: &mut [u64]) {
        for index in &mut *indexes {
            *index = self.encrypt(*index);
        }
        for index in indexes {
            if *index >= self.len {
                *index = self.walk(0, *index);
            }
        }
    }

    #[inline]
    fn walk(&self, position: u64, mut index: u64) -> u64 {
        // Ends: the walk follows a cycle of a permutation and so returns below `len` at `position` at the latest.
        while index >= self.len {
            if self.len <= position {
                return 0;
            }
            index = self.encrypt(index);
        }
        index
    }

    /// One pass through the network: a bijection on the covering power of two.
    #[inline]
    fn encrypt(&self, value: u64) -> u64 {
        let mut low = value & self.low_mask;
        let mut high = (value >> self.low_bits) & self.high_mask;
        for pair in self.keys.chunks_exact(2) {
            low ^= pair[0].round(high) & self.low_mask;
            high ^= pair[1].round(low) & self.high_mask;
        }
        high << self.low_bits | low
    }
}

impl Key {
    /// The best-mixed 24 bits: enough for half of 2^48.
    #[inline]
    const fn round(self, half: u64) -> u64 {
        let mixed = (half.wrapping_add(self.add)).wrapping_mul(self.multiply);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed >> 40
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(crate::target::properties::config(200))]

        #[test]
        fn every_value_comes_once(len in prop_oneof![0_u64..20, 20_u64..5000, Just(4096), Just(4097)], seed: u64) {
            let permutation = Permutation::new(len, seed).expect("small");
            let mut seen = vec![false; len as usize];
            for position in 0..len {
                let value = permutation.at(position) as usize;
                prop_assert!(value < seen.len() && !seen[value], "{} again or too large", value);
                seen[value] = true;
            }
        }

        #[test]
        fn large_domains_stay_in_bounds_and_batches_agree(
            len in 1_u64..=MAX_PERMUTATION,
            seed: u64,
            picks in prop::collection::vec(any::<u64>(), 64),
        ) {
            let permutation = Permutation::new(len, seed).expect("permitted");
            let positions: Vec<_> = picks.iter().map(|pick| pick % len).collect();
            let mut batch = positions.clone();
            permutation.apply(&mut batch);
            for (position, value) in positions.into_iter().zip(batch) {
                prop_assert_eq!(permutation.at(position), value);
                prop_assert!(value < len);
            }
        }

        #[test]
        fn positions_outside_are_harmless(len in 0_u64..300, seed: u64, position: u64) {
            let value = Permutation::new(len, seed).expect("small").at(position);
            prop_assert!(value < len || len == 0 && value == 0);
        }
    }

    #[test]
    fn sizes_beyond_the_limit_are_refused() {
        assert!(Permutation::new(MAX_PERMUTATION, 1).is_some());
        assert!(Permutation::new(MAX_PERMUTATION + 1, 1).is_none());
    }

    /// Any stretch of the order must look random over the networks: neither clumped nor suspiciously even.
    #[test]
    fn each_stretch_spreads_over_the_space() {
        const NETWORKS: usize = 256;
        const DRAWS: u64 = 1 << 16;
        for (len, seed) in [(1_u64 << 32, 1), ((1 << 32) - 12_345, 2), (3_700_000_000, 3), (1 << 40, 4), (3 << 20, 5)] {
            let permutation = Permutation::new(len, seed).expect("permitted");
            for start in [0, len / 3, len - DRAWS] {
                let mut hits = [0_f64; NETWORKS];
                let mut steps = [0_f64; NETWORKS];
                let mut previous = 0;
                for position in start..start + DRAWS {
                    let value = permutation.at(position);
                    hits[(u128::from(value) * NETWORKS as u128 / u128::from(len)) as usize] += 1.0;
                    let step = (value + len - previous) % len;
                    steps[(u128::from(step) * NETWORKS as u128 / u128::from(len)) as usize] += 1.0;
                    previous = value;
                }
                for counts in [hits, steps] {
                    let expected = DRAWS as f64 / NETWORKS as f64;
                    let chi_square: f64 = counts.iter().map(|n| (n - expected).powi(2) / expected).sum();
                    // 255 degrees of freedom: mean 255, standard deviation 22.6; 6 of them either way.
                    assert!((120.0..=390.0).contains(&chi_square), "{len} from {start}: {chi_square}");
                }
            }
        }
    }
}
