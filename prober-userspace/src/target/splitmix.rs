//! The 64-bit mixer of `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014),
//! for keys, jitter and fingerprints. Stable for ever: a resumed scan must find the same order. Not for secrets.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection on 64 bits in which every input bit touches every output bit.
#[inline]
pub(crate) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The `index`-th number of the sequence that `seed` starts.
#[inline]
pub(crate) const fn nth(seed: u64, index: u64) -> u64 {
    mix(seed.wrapping_add(GOLDEN.wrapping_mul(index.wrapping_add(1))))
}

/// Random bits as a number from 0 (included) to 1 (not), in steps of 2^-53.
#[inline]
pub(crate) const fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// A 64-bit hash of a sequence of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(u64);

impl Digest {
    /// Starts with what is being hashed and the version of its form.
    pub(crate) const fn new(kind: u64) -> Self {
        Self(mix(kind))
    }

    /// Takes in one more number; order matters.
    pub(crate) const fn add(&mut self, value: u64) {
        self.0 = mix(self.0.rotate_left(5).wrapping_add(GOLDEN) ^ mix(value));
    }

    pub(crate) const fn value(self) -> u64 {
        self.0
    }
}
