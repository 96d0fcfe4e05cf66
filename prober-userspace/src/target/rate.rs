//! How fast to send, as people write it: packets per second (`10000`, `10k`, `1.5M`) or, for `--bandwidth`, bits per
//! second on the wire (`10M`, `1G`).

use core::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::range::lossy;

/// Bytes that Ethernet adds to a frame: check sequence, then preamble, start delimiter and gap.
const CHECK_SEQUENCE_BYTES: u32 = 4;
const SMALLEST_FRAME_BYTES: u32 = 64;
const GAP_BYTES: u32 = 20;

/// Highest rate taken: far above what any card sends, so that a typing error is noticed.
const MAX_PPS: f64 = 1e9;

/// Lowest rate taken: one packet in a thousand seconds.
const MIN_PPS: f64 = 1e-3;

/// Packets per second, 0.001 to 10^9.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// The default: slow enough for a first scan to harm nobody.
    pub const DEFAULT: Self = Self(10_000.0);

    /// A rate of `pps` packets per second; `None` outside 0.001 to 10^9.
    pub fn from_pps(pps: f64) -> Option<Self> {
        (MIN_PPS..=MAX_PPS).contains(&pps).then_some(Self(pps))
    }

    /// Packets per second.
    pub const fn pps(self) -> f64 {
        self.0
    }

    /// The time between two packets, in ns.
    pub const fn interval_ns(self) -> f64 {
        1e9 / self.0
    }

    /// An equal share for each of `parts` senders.
    #[must_use]
    pub fn share(self, parts: u32) -> Self {
        Self(self.0 / f64::from(parts.max(1)))
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// Parses packets per second with an optional k, M or G (thousands).
    fn from_str(text: &str) -> Result<Self, RateError> {
        let pps = parse_scaled(text).ok_or_else(|| RateError::NotARate(lossy(text.as_bytes())))?;
        Self::from_pps(pps).ok_or_else(|| RateError::OutOfBounds(lossy(text.as_bytes())))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            pps if pps >= 1e6 => write!(f, "{} Mpps", rounded(pps / 1e6)),
            pps if pps >= 1e3 => write!(f, "{} kpps", rounded(pps / 1e3)),
            pps => write!(f, "{} pps", rounded(pps)),
        }
    }
}

/// Bits per second on the wire, gaps between frames included.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Bandwidth(f64);

impl Bandwidth {
    /// The packet rate that fills this bandwidth with frames of `frame_bytes` (from the Ethernet header to the last
    /// byte of the packet); `None` if it falls outside a rate's bounds.
    pub fn rate(self, frame_bytes: u32) -> Option<Rate> {
        let wire_bytes = (frame_bytes + CHECK_SEQUENCE_BYTES).max(SMALLEST_FRAME_BYTES) + GAP_BYTES;
        Rate::from_pps(self.0 / 8.0 / f64::from(wire_bytes))
    }

    /// Bits per second.
    pub const fn bits_per_s(self) -> f64 {
        self.0
    }
}

impl FromStr for Bandwidth {
    type Err = RateError;

    /// Parses bits per second with an optional k, M or G (thousands).
    fn from_str(text: &str) -> Result<Self, RateError> {
        parse_scaled(text)
            .filter(|&bits| bits > 0.0 && bits.is_finite())
            .map(Self)
            .ok_or_else(|| RateError::NotABandwidth(lossy(text.as_bytes())))
    }
}

/// Why a rate is refused, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RateError {
    /// Not a number with an optional unit.
    #[error("`{0}` is not a rate: write packets per second like 10000, 10k or 1.5M")]
    NotARate(String),
    /// Zero, or absurd.
    #[error("rate `{0}` is out of bounds: write 0.001 to 1G packets per second (to stop sending, pause the scan)")]
    OutOfBounds(String),
    /// Not a number above zero with an optional unit.
    #[error("`{0}` is not a bandwidth: write bits per second above 0 like 500k, 10M or 1G")]
    NotABandwidth(String),
}

/// A plain decimal number, perhaps with k, M or G; no signs, exponents or names.
fn parse_scaled(text: &str) -> Option<f64> {
    let text = text.trim();
    let (digits, scale) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1e3),
        b'm' | b'M' => (&text[..text.len() - 1], 1e6),
        b'g' | b'G' => (&text[..text.len() - 1], 1e9),
        _ => (text, 1.0),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    digits.parse::<f64>().ok().map(|number| number * scale)
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_bandwidths_parse() {
        let pps = |text: &str| text.parse::<Rate>().expect(text).pps();
        assert!((pps("10000") - 1e4).abs() < 1e-9 && (pps("10k") - 1e4).abs() < 1e-9);
        assert!((pps(" 1.5M ") - 1.5e6).abs() < 1e-6 && (pps("0.5") - 0.5).abs() < 1e-12);
        // 84 bytes on the wire for the smallest frame: the well-known 1.488 Mpps of gigabit Ethernet.
        let gigabit: Bandwidth = "1G".parse().expect("bandwidth");
        assert!((gigabit.rate(54).expect("in bounds").pps() - 1_488_095.238).abs() < 1e-3);
        // Linux's SYN options: 74 bytes and 1.276 Mpps.
        assert!((gigabit.rate(74).expect("in bounds").pps() - 1_275_510.204).abs() < 1e-3);
        assert_eq!("1.4M".parse::<Rate>().expect("rate").to_string(), "1.4 Mpps");
        assert_eq!(Rate::DEFAULT.to_string(), "10 kpps");
    }

    #[test]
    fn malformed_rates_say_what_to_do() {
        for (text, part) in [
            ("", "like 10000"),
            ("fast", "like 10000"),
            ("-5", "like 10000"),
            ("1e3", "like 10000"),
            ("inf", "like 10000"),
            ("10kk", "like 10000"),
            (".", "like 10000"),
            ("k", "like 10000"),
            ("0", "out of bounds"),
            ("2G", "out of bounds"),
        ] {
            let error = text.parse::<Rate>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!("0".parse::<Bandwidth>().is_err() && "10Mbit".parse::<Bandwidth>().is_err());
        assert_eq!("1k".parse::<Bandwidth>().expect("bandwidth").rate(1_000_000), None);
    }
}
