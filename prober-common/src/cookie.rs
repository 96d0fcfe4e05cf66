//! The keyed part of a probe's token: SipHash-1-3 (Aumasson, Bernstein 2012) over everything that identifies one probe.
//! It authenticates for a minute against guessing; it is not an encryption of anything.

use crate::address::V4;
use crate::stamp::Tick;

/// Bits of the hash that travel in the probe.
pub const COOKIE_BITS: u32 = 24;

/// The secret of one scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Key(pub [u64; 2]);

/// What a token vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The probed address.
    pub target: V4,
    /// Our address.
    pub source: V4,
    /// The probed port; 0 for ICMP.
    pub port: u16,
    /// IP protocol number of the probe.
    pub protocol: u8,
    /// When it was sent, in full (not only the bits that travel): a token dies when its bits come round again.
    pub tick: Tick,
}

/// The cookie of a probe, [`COOKIE_BITS`] wide.
#[inline(always)]
pub fn cookie(key: Key, of: Identity) -> u32 {
    let first = (of.target.0 as u64) | ((of.source.0 as u64) << 32);
    let second = (of.port as u64) | (of.tick.0 << 16);
    (sip_1_3(key, first, second, of.protocol) & ((1 << COOKIE_BITS) - 1)) as u32
}

/// SipHash-1-3 of the 17-byte message `first ‖ second ‖ last` (little endian).
#[inline(always)]
fn sip_1_3(key: Key, first: u64, second: u64, last: u8) -> u64 {
    let mut v = [
        key.0[0] ^ 0x736f_6d65_7073_6575,
        key.0[1] ^ 0x646f_7261_6e64_6f6d,
        key.0[0] ^ 0x6c79_6765_6e65_7261,
        key.0[1] ^ 0x7465_6462_7974_6573,
    ];
    absorb(&mut v, first);
    absorb(&mut v, second);
    absorb(&mut v, (17 << 56) | last as u64);
    v[2] ^= 0xff;
    round(&mut v);
    round(&mut v);
    round(&mut v);
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

#[inline(always)]
fn absorb(v: &mut [u64; 4], word: u64) {
    v[3] ^= word;
    round(v);
    v[0] ^= word;
}

#[inline(always)]
fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::properties;
    use core::hash::Hasher;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(properties(1_000))]

        #[test]
        fn agrees_with_the_reference(k0: u64, k1: u64, first: u64, second: u64, last: u8) {
            let mut reference = siphasher::sip::SipHasher13::new_with_keys(k0, k1);
            reference.write(&first.to_le_bytes());
            reference.write(&second.to_le_bytes());
            reference.write(&[last]);
            prop_assert_eq!(sip_1_3(Key([k0, k1]), first, second, last), reference.finish());
        }
    }
}
