//! From text to the value of a setting. Errors are one clause that names the text and says what to write; the caller
//! puts in front where it was written.

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use prober_common::address::V4;
use prober_common::probe::tcp_syn::Profile;

use super::MaxTargets;
use crate::model::request::{EngineChoice, RateLimit};

type Parsed<T> = Result<T, String>;

/// Longest time that is accepted: ten years. Longer is a typing error.
const LONGEST_S: f64 = 10.0 * 366.0 * 86_400.0;

/// A value that parses itself.
pub fn from_str<T: FromStr<Err: Display>>(text: &str) -> Parsed<T> {
    text.trim().parse().map_err(|cause: T::Err| cause.to_string())
}

/// `500`, `10k`, `1.5Mpps`, `max`.
pub fn rate(text: &str) -> Parsed<RateLimit> {
    if text.trim().eq_ignore_ascii_case("max") {
        return Ok(RateLimit::Unlimited);
    }
    let pps = scaled(text, "pps").filter(|pps| *pps > 0.0);
    let bad = || format!("\"{text}\" is not a rate; write packets per second above 0 like 500, 10k, 1.5M, or max");
    pps.map(RateLimit::Packets).ok_or_else(bad)
}

/// `10M`, `1Gbps`.
pub fn bandwidth(text: &str) -> Parsed<RateLimit> {
    let bps = scaled(text, "bps").filter(|bps| *bps > 0.0);
    let bad = || format!("\"{text}\" is not a bandwidth; write bits per second above 0 like 500k, 10M or 1G");
    bps.map(RateLimit::Bits).ok_or_else(bad)
}

/// The same as a number.
pub fn bits(text: &str) -> Parsed<f64> {
    match bandwidth(text)? {
        RateLimit::Bits(bps) => Ok(bps),
        RateLimit::Packets(_) | RateLimit::Unlimited => Err("write bits per second, like 10M or 1G".to_owned()),
    }
}

/// An amount of memory.
pub fn bytes(text: &str) -> Parsed<u64> {
    let amount = scaled(text, "b").filter(|amount| *amount < 2_f64.powi(53));
    amount
        .map(|amount| amount as u64)
        .ok_or_else(|| format!("\"{text}\" is not a number of bytes; write like 800M or 1G"))
}

/// Like a rate, and 0 is allowed.
pub fn per_slash24(text: &str) -> Parsed<f64> {
    let bad = || format!("\"{text}\" is not a rate; write packets per second like 256, or 0 for no limit");
    scaled(text, "pps").ok_or_else(bad)
}

/// Connections per second; 0: no limit.
pub fn connections(text: &str) -> Parsed<f64> {
    if text.trim() == "0" {
        return Ok(0.0);
    }
    match rate(text)? {
        RateLimit::Packets(rate) => Ok(rate),
        RateLimit::Unlimited => Ok(0.0),
        RateLimit::Bits(_) => Err("write connections per second, like 200 or 5k".to_owned()),
    }
}

/// Patience with a connection.
pub fn patience(text: &str) -> Parsed<Duration> {
    let patience = duration(text)?;
    let possible = Duration::from_millis(100)..=Duration::from_mins(5);
    if possible.contains(&patience) { Ok(patience) } else { Err("write 100ms to 300s".to_owned()) }
}

/// Hosts asked at the same time.
pub fn concurrency(text: &str) -> Parsed<u16> {
    let number = text.trim().parse().ok().filter(|number| (1..=4096).contains(number));
    number.ok_or_else(|| "write 1 to 4096".to_owned())
}

/// `500ms`, `1.5s`, `2m`, `1h`, `1d`, `1h30m`; a plain number is seconds.
pub fn duration(text: &str) -> Parsed<Duration> {
    let bad = || format!("\"{text}\" is not a time; write like 500ms, 1.5s, 2m, 1h30m (a plain number is seconds)");
    let mut rest = text.trim();
    let mut total_s = 0.0;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| bad())?;
        let after = &rest[digits..];
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit_s = match &after[..letters] {
            "ms" => 0.001,
            "" | "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return Err(bad()),
        };
        total_s += number * unit_s;
        rest = &after[letters..];
    }
    if total_s > LONGEST_S {
        Err(format!("\"{text}\" is longer than ten years"))
    } else {
        Ok(Duration::from_secs_f64(total_s))
    }
}

/// A time above 0.
pub fn interval(text: &str) -> Parsed<Duration> {
    let time = duration(text)?;
    if time.is_zero() { Err(format!("\"{text}\" must be above 0")) } else { Ok(time) }
}

/// A count of at least 1; `k`, `M` and `G` are allowed.
pub fn count(text: &str) -> Parsed<u64> {
    let whole = scaled(text, "").filter(|number| *number >= 1.0 && number.fract() == 0.0 && *number < 9e15);
    whole.map(|number| number as u64).ok_or_else(|| format!("\"{text}\" is not a count; write a whole number from 1"))
}

/// A count, or a percentage above 0 and up to 100.
pub fn max_targets(text: &str) -> Parsed<MaxTargets> {
    let Some(percent) = text.trim().strip_suffix('%') else { return count(text).map(MaxTargets::Count) };
    let percent: Option<f64> = percent.trim().parse().ok().filter(|percent| *percent > 0.0 && *percent <= 100.0);
    percent.map(MaxTargets::Percent).ok_or_else(|| format!("\"{text}\" is not a share; write above 0% and up to 100%"))
}

/// Probes per target: 1 to 32.
pub fn probes(text: &str) -> Parsed<u32> {
    bounded(text, 1, 32, "a number of probes")
}

/// Transmit threads: 0 to 256.
pub fn threads(text: &str) -> Parsed<u32> {
    bounded(text, 0, 256, "a number of threads")
}

/// A seed: any 64-bit number, `0x` allowed.
pub fn seed(text: &str) -> Parsed<u64> {
    let text = text.trim();
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    number.ok_or_else(|| format!("\"{text}\" is not a seed; write a whole number from 0 to 2^64-1"))
}

/// A VLAN id.
pub fn vlan(text: &str) -> Parsed<u16> {
    bounded(text, 0, 4094, "a VLAN id").map(|id| id as u16)
}

/// An initial TTL.
pub fn ttl(text: &str) -> Parsed<u8> {
    bounded(text, 1, 255, "a TTL").map(|ttl| ttl as u8)
}

/// An IPv4 address that a host can have.
pub fn address(text: &str) -> Parsed<V4> {
    let address: Ipv4Addr =
        text.trim().parse().map_err(|_| format!("\"{text}\" is not an IPv4 address; write like 192.0.2.1"))?;
    if address.is_unspecified() || address.is_broadcast() || address.is_multicast() {
        return Err(format!("\"{text}\" is not an address that a host can send from"));
    }
    Ok(address.into())
}

/// The name of a transmit engine.
pub fn engine(text: &str) -> Parsed<EngineChoice> {
    one_of(text, &EngineChoice::ALL, EngineChoice::name, "a transmit engine")
}

/// The name of a profile.
pub fn profile(text: &str) -> Parsed<Profile> {
    one_of(text, &Profile::ALL, Profile::name, "a profile")
}

/// On or off.
pub fn switch(text: &str) -> Parsed<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("\"{text}\" is neither true nor false")),
    }
}

fn one_of<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str, what: &str) -> Parsed<T> {
    all.iter().copied().find(|one| name(*one).eq_ignore_ascii_case(text.trim())).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
        format!("\"{text}\" is not {what}; choose from {}", names.join(", "))
    })
}

fn bounded(text: &str, low: u32, high: u32, what: &str) -> Parsed<u32> {
    let number = text.trim().parse().ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| format!("\"{text}\" is not {what}; write a whole number from {low} to {high}"))
}

/// A finite number from 0 with an optional `k`, `M` or `G` (powers of 1000) and an optional unit.
fn scaled(text: &str, unit: &str) -> Option<f64> {
    let lower = text.trim().to_ascii_lowercase();
    let number = lower.strip_suffix(unit).unwrap_or(&lower).trim();
    let (digits, factor) = match number.char_indices().last()? {
        (end, 'k') => (&number[..end], 1e3),
        (end, 'm') => (&number[..end], 1e6),
        (end, 'g') => (&number[..end], 1e9),
        _ => (number, 1.0),
    };
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_'));
    let number: f64 = digits.replace('_', "").parse().ok()?;
    Some(number * factor).filter(|number| plain && number.is_finite())
}
