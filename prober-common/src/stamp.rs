//! Send time and cookie in the probe's own bits, 47 of them: 15 in the source port (or what ICMP and UDP have instead)
//! and 32 in the sequence number. 23 bits count ticks of 8 us (67.1 s), 24 bits are the keyed cookie.
//!
//! UDP probes use even ticks only (16 us), which leaves the lowest of the 32 bits zero: SNMPv3 repeats 31 bits.

use crate::cookie::{Identity, Key, cookie};

/// Length of a tick in ns.
pub const TICK_NS: u64 = 8_000;
/// Bits of the tick that travel in the probe.
pub const TICK_BITS: u32 = 23;
/// Ticks after which the travelling bits come round again: no reply later than this can verify.
pub const WINDOW_TICKS: u64 = 1 << TICK_BITS;
/// Our source ports are those with this bit set, 32768 to 65535; the rest of the port is time.
pub const PORT_BASE: u16 = 0x8000;

/// Ticks of the kernel's monotonic clock since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// The tick in which `ns` (of `CLOCK_MONOTONIC`) lies.
    #[inline(always)]
    pub const fn at(ns: u64) -> Self {
        Self(ns / TICK_NS)
    }

    /// The even tick at or before this one.
    #[inline(always)]
    #[must_use]
    pub const fn even(self) -> Self {
        Self(self.0 & !1)
    }

    /// The latest tick not after `now` that has these travelling bits.
    #[inline(always)]
    const fn recover(bits: u64, now: Self) -> Self {
        let age = now.0.wrapping_sub(bits) & (WINDOW_TICKS - 1);
        Self(now.0.wrapping_sub(age))
    }
}

/// What travels in a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// 15 bits of the tick, below [`PORT_BASE`].
    pub port_bits: u16,
    /// Cookie (24 bits), 7 high bits and the lowest bit of the tick.
    pub nonce: u32,
}

impl Token {
    /// The token of the probe that `identity` describes.
    #[inline(always)]
    pub fn new(key: Key, identity: Identity) -> Self {
        let tick = identity.tick.0;
        let high = ((tick >> 16) & 0x7f) as u32;
        Self {
            port_bits: ((tick >> 1) & 0x7fff) as u16,
            nonce: (cookie(key, identity) << 8) | (high << 1) | (tick & 1) as u32,
        }
    }

    /// The source port of a TCP or UDP probe.
    #[inline(always)]
    pub const fn source_port(self) -> u16 {
        PORT_BASE | self.port_bits
    }

    /// When the probe that carried this token was sent, if it is younger than the window.
    #[inline(always)]
    pub const fn sent(self, now: Tick) -> Tick {
        let low = ((self.port_bits as u64 & 0x7fff) << 1) | (self.nonce as u64 & 1);
        let high = ((self.nonce >> 1) & 0x7f) as u64;
        Tick::recover((high << 16) | low, now)
    }
}

/// Round-trip time in ns: half a tick is taken off, because a stamp is on average half a tick older than it says.
#[inline(always)]
pub const fn rtt_ns(sent: Tick, received_ns: u64, tick_ns: u64) -> u64 {
    received_ns.saturating_sub(sent.0 * TICK_NS + tick_ns / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::V4;
    use crate::tests::properties;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(properties(1_000))]

        #[test]
        fn a_token_tells_its_tick_for_the_whole_window(tick in 0u64..1 << 46, age in 0..WINDOW_TICKS) {
            let identity = Identity { target: V4(1), source: V4(2), port: 80, protocol: 6, tick: Tick(tick) };
            let token = Token::new(Key([3, 4]), identity);
            prop_assert!(token.port_bits < PORT_BASE);
            prop_assert_eq!(token.sent(Tick(tick + age)), Tick(tick));
            prop_assert_ne!(token.sent(Tick(tick + age + WINDOW_TICKS)), Tick(tick));
        }

        #[test]
        fn rtt_is_within_half_a_tick(sent in 0u64..1 << 50, rtt in 0u64..60_000_000_000) {
            let measured = rtt_ns(Tick::at(sent), sent + rtt, TICK_NS);
            prop_assert!(measured.abs_diff(rtt) <= TICK_NS / 2);
        }
    }
}
