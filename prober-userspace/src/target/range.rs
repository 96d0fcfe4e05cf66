//! One run of consecutive addresses as people write it: `192.0.2.1`, `192.0.2.0/24`, `192.0.2.1-192.0.2.9`.
//! Host names are deliberately not resolved: what is probed must be visible in the plan.

use core::fmt;
use std::str::FromStr;

use prober_common::address::V4;
use thiserror::Error;

/// Consecutive addresses, both ends included; `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: V4,
    last: V4,
}

impl AddressRange {
    /// All of IPv4.
    pub const ALL: Self = Self { first: V4(0), last: V4(u32::MAX) };

    /// The range from the lower to the higher of the two, both included.
    pub fn between(one: V4, other: V4) -> Self {
        Self { first: one.min(other), last: one.max(other) }
    }

    /// The CIDR prefix that holds `address`; `length` over 32 counts as 32.
    pub const fn prefix(address: V4, length: u8) -> Self {
        let host_bits = if length >= 32 { 0 } else { u32::MAX >> length };
        Self { first: V4(address.0 & !host_bits), last: V4(address.0 | host_bits) }
    }

    /// The lowest address.
    pub const fn first(self) -> V4 {
        self.first
    }

    /// The highest address.
    pub const fn last(self) -> V4 {
        self.last
    }

    /// How many addresses, 1 to 2^32.
    pub const fn address_count(self) -> u64 {
        (self.last.0 - self.first.0) as u64 + 1
    }

    /// Whether `address` lies in the range.
    pub fn contains(self, address: V4) -> bool {
        self.first <= address && address <= self.last
    }

    /// Parses one address, CIDR prefix or `a-b` range, without surrounding blanks. Host bits in a prefix are cleared,
    /// as `ZMap` does, which can only make it wider.
    pub fn parse(text: &[u8]) -> Result<Self, RangeError> {
        if text.is_empty() {
            return Err(RangeError::Empty);
        }
        if let Some(slash) = text.iter().position(|&b| b == b'/') {
            let address = parse_address(&text[..slash])?;
            let length = parse_decimal(&text[slash + 1..], 32).ok_or_else(|| RangeError::PrefixLength(lossy(text)))?;
            return Ok(Self::prefix(address, length as u8));
        }
        if let Some(dash) = text.iter().position(|&b| b == b'-') {
            let first = parse_address(text[..dash].trim_ascii_end())?;
            let last = parse_address(text[dash + 1..].trim_ascii_start())?;
            if first > last {
                return Err(RangeError::Reversed { first, last });
            }
            return Ok(Self { first, last });
        }
        let address = parse_address(text)?;
        Ok(Self { first: address, last: address })
    }
}

impl FromStr for AddressRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        Self::parse(text.trim().as_bytes())
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host_bits = self.last.0 - self.first.0;
        if host_bits == 0 {
            write!(f, "{}", self.first)
        } else if self.first.0 & host_bits == 0 && host_bits & host_bits.wrapping_add(1) == 0 {
            write!(f, "{}/{}", self.first, host_bits.leading_zeros())
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// Why a text is not an address range, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RangeError {
    /// Nothing was written.
    #[error("no address given: write one like 192.0.2.1, 192.0.2.0/24 or 192.0.2.1-192.0.2.9")]
    Empty,
    /// Not four numbers from 0 to 255.
    #[error(
        "`{0}` is not an IPv4 address: write four numbers 0-255 like 192.0.2.1, 192.0.2.0/24 or 192.0.2.1-192.0.2.9 \
         (host names are not resolved)"
    )]
    NotAnAddress(String),
    /// An IPv6 address.
    #[error("`{0}` looks like IPv6, which is not supported: give IPv4 addresses")]
    Ipv6(String),
    /// `010.0.0.1`: some programs read it as octal.
    #[error("`{0}` has a number with leading zeros, which some programs read as octal: write it without them")]
    LeadingZero(String),
    /// Not a number from 0 to 32 after the slash.
    #[error("`{0}` has a bad prefix length: write /0 to /32")]
    PrefixLength(String),
    /// The first address is above the last.
    #[error("range {first}-{last} runs backwards: write {last}-{first}")]
    Reversed {
        /// The address before the dash.
        first: V4,
        /// The address after the dash.
        last: V4,
    },
}

/// Parses a dotted quad. Strict: exactly four decimal numbers, no leading zeros.
pub(super) fn parse_address(text: &[u8]) -> Result<V4, RangeError> {
    let mut value = 0_u32;
    let mut octet = 0_u32;
    let mut digits = 0;
    let mut dots = 0;
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                if digits > 0 && octet == 0 {
                    return Err(RangeError::LeadingZero(lossy(text)));
                }
                octet = octet * 10 + u32::from(byte - b'0');
                digits += 1;
                if octet > 255 {
                    return Err(not_an_address(text));
                }
            }
            b'.' if digits > 0 && dots < 3 => {
                value = value << 8 | octet;
                octet = 0;
                digits = 0;
                dots += 1;
            }
            _ => return Err(not_an_address(text)),
        }
    }
    if dots == 3 && digits > 0 { Ok(V4(value << 8 | octet)) } else { Err(not_an_address(text)) }
}

/// Parses plain digits up to `max`.
pub(super) fn parse_decimal(text: &[u8], max: u32) -> Option<u32> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    let mut value = 0;
    for &byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u32::from(byte - b'0');
    }
    (value <= max).then_some(value)
}

/// A piece of input for an error message: at most 60 characters, nothing that could disturb a terminal.
pub(super) fn lossy(text: &[u8]) -> String {
    let mut shown: String =
        String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { '?' } else { c }).take(60).collect();
    if text.len() > 60 {
        shown.push('…');
    }
    shown
}

fn not_an_address(text: &[u8]) -> RangeError {
    if text.split(|&b| b == b':').count() > 2 {
        RangeError::Ipv6(lossy(text))
    } else {
        RangeError::NotAnAddress(lossy(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefixes_clear_host_bits_and_print_back() {
        for (text, shown, count) in [
            ("192.0.2.7", "192.0.2.7", 1),
            ("192.0.2.7/24", "192.0.2.0/24", 256),
            ("0.0.0.0/0", "0.0.0.0/0", 1 << 32),
            ("10.1.2.3/32", "10.1.2.3", 1),
            ("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9", 9),
            ("10.0.0.0 - 10.0.0.255", "10.0.0.0/24", 256),
            ("0.0.0.0-255.255.255.255", "0.0.0.0/0", 1 << 32),
        ] {
            let range: AddressRange = text.parse().expect(text);
            assert_eq!((range.to_string().as_str(), range.address_count()), (shown, count));
        }
    }

    #[test]
    fn malformed_ranges_say_what_to_do() {
        for (text, part) in [
            ("", "no address"),
            ("10.0.0", "not an IPv4"),
            ("10.0.0.256", "not an IPv4"),
            ("10.0.0.1.2", "not an IPv4"),
            ("10..0.1", "not an IPv4"),
            ("10.0.0.", "not an IPv4"),
            ("example.org", "host names"),
            ("2001:db8::1", "IPv6"),
            ("010.0.0.1", "octal"),
            ("00.0.0.1", "octal"),
            ("10.0.0.0/33", "/0 to /32"),
            ("10.0.0.0/", "/0 to /32"),
            ("10.0.0.0/-1", "/0 to /32"),
            ("10.0.0.9-10.0.0.1", "write 10.0.0.1-10.0.0.9"),
            ("10.0.0.1-20", "not an IPv4"),
            ("10.0.0.1\x1b[2J", "10.0.0.1?[2J"),
        ] {
            let error = text.parse::<AddressRange>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest! {
        #![proptest_config(crate::target::properties::config(256))]

        #[test]
        fn any_text_is_parsed_or_refused(text in prop::collection::vec(any::<u8>(), 0..24)) {
            if let Ok(range) = AddressRange::parse(&text) {
                prop_assert!(range.first() <= range.last());
            }
        }

        #[test]
        fn every_address_agrees_with_std(bits in any::<u32>()) {
            let text = std::net::Ipv4Addr::from(bits).to_string();
            prop_assert_eq!(parse_address(text.as_bytes()), Ok(V4(bits)));
        }
    }
}
