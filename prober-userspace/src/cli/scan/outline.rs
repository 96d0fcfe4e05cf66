//! `--dry-run`: the plan on screen or as JSON (field names are stable). Nothing is sent.

use std::fmt::Write;
use std::io;

use prober_common::event::ProbeKind;
use prober_common::slot::ProbeSlot;
use serde::Serialize;

use super::layers_table;
use crate::cli::output::{put, put_json};
use crate::cli::progress::{clock, short};
use crate::cli::settings::Layers;
use crate::model::request::{ScanRequest, bits_on_wire};
use crate::target::ports::ProbePort;

/// Longest usual probe without options worth telling apart here: a SYN with MSS fits the shortest frame.
const FRAME_BYTES: usize = 60;
/// How many probes are shown.
const SHOWN: usize = 10;

/// What a scan would do.
#[derive(Debug, Serialize)]
pub(super) struct Outline {
    /// Addresses in the plan, after exclusions.
    addresses: u64,
    /// Networks of 256 that hold at least one of them.
    slash24s: u64,
    /// Port expression, or `pairs`.
    ports: String,
    /// Addresses (pairs, with a list of pairs) that the exclusions took away.
    excluded: u64,
    /// Lists of exclusions, the special ranges last.
    exclusions: Vec<ExclusionList>,
    /// Address-port pairs in the whole plan.
    targets: u64,
    /// Which share of it.
    shard: String,
    /// Address-port pairs of this shard that would be probed.
    shard_targets: u64,
    /// Probes per target.
    probes_per_target: u32,
    /// Probes altogether.
    probes: u64,
    /// Overall limit in packets/s; null: as fast as possible.
    rate_pps: Option<f64>,
    /// The same on the wire, in bits/s, for shortest frames.
    bandwidth_bps: Option<f64>,
    /// Time of sending plus cool-down at these limits, in s; null if unlimited.
    duration_s: Option<f64>,
    /// Seed of the order.
    seed: u64,
    /// Hash of targets and order.
    fingerprint: String,
    /// The first probes, in order.
    first: Vec<String>,
    /// Settings that are not at their defaults, and where they were given.
    settings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ExclusionList {
    origin: String,
    addresses: u64,
}

/// Prints the outline.
pub(super) fn print(request: &ScanRequest, layers: &Layers, json: bool) -> io::Result<()> {
    let outline = outline(request, layers_table::changed(layers));
    if json { put_json(&outline) } else { put(&text(&outline)) }
}

pub(super) fn outline(request: &ScanRequest, settings: Vec<String>) -> Outline {
    let (plan, pace) = (&request.plan, &request.pace);
    let shard_targets = request.shard.len_of(plan.len()).min(pace.max_targets.unwrap_or(u64::MAX));
    let probes = shard_targets.saturating_mul(pace.probes.into());
    let rate_pps = pace.rate.pps(FRAME_BYTES);
    let mut first = [ProbeSlot::default(); SHOWN];
    let shown = plan.fill(request.shard.position(0), request.shard.count().into(), &mut first);
    let mut exclusions: Vec<_> = request
        .exclusions
        .sources()
        .iter()
        .map(|list| ExclusionList { origin: list.origin.clone(), addresses: list.addresses.len() })
        .collect();
    let listed: u64 = exclusions.iter().map(|list| list.addresses).sum();
    let all = request.exclusions.addresses().len();
    if all > listed {
        exclusions
            .push(ExclusionList { origin: "IANA special ranges not listed already".into(), addresses: all - listed });
    }
    Outline {
        addresses: plan.address_count(),
        slash24s: plan.slash24_count(),
        ports: if request.record.ports.is_empty() { "pairs".into() } else { request.record.ports.clone() },
        excluded: plan.excluded_count(),
        exclusions,
        targets: plan.len(),
        shard: request.shard.to_string(),
        shard_targets,
        probes_per_target: pace.probes,
        probes,
        rate_pps,
        bandwidth_bps: rate_pps.map(|pps| pps * bits_on_wire(FRAME_BYTES)),
        duration_s: duration_s(request, probes, rate_pps),
        seed: plan.seed(),
        fingerprint: format!("{:016x}", plan.fingerprint()),
        first: first[..shown.min(shard_targets.try_into().unwrap_or(SHOWN))].iter().copied().map(probe_text).collect(),
        settings,
    }
}

/// The slower of the overall limit and that per /24 (networks taken as equally full), then the waits.
fn duration_s(request: &ScanRequest, probes: u64, rate_pps: Option<f64>) -> Option<f64> {
    let pace = &request.pace;
    let per_slash24 = pace.rate_per_slash24_pps * request.plan.slash24_count() as f64;
    let pps = match (rate_pps, per_slash24 > 0.0) {
        (Some(pps), true) => pps.min(per_slash24),
        (Some(pps), false) => pps,
        (None, true) => per_slash24,
        (None, false) => return None,
    };
    let sending_s = probes as f64 / pps;
    let longest_s = pace.max_runtime.map_or(f64::INFINITY, |time| time.as_secs_f64());
    let spaced_s = pace.probe_spacing.as_secs_f64() * f64::from(pace.probes - 1);
    Some(sending_s.max(spaced_s).min(longest_s) + pace.cooldown.as_secs_f64())
}

fn probe_text(slot: ProbeSlot) -> String {
    let kind = ProbeKind::from_code(slot.probe).unwrap_or(ProbeKind::TcpSyn);
    format!("{} {}", slot.address, ProbePort { kind, port: slot.port })
}

fn text(outline: &Outline) -> String {
    let mut out = String::new();
    let mut row = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name:<12} {value}");
    };
    let excluded_from = if outline.ports == "pairs" { "pairs" } else { "addresses" };
    row("addresses", format!("{} in {} /24s", outline.addresses, outline.slash24s));
    row(
        "left out",
        format!("{} {excluded_from} that were asked for and are excluded, by these lists:", outline.excluded),
    );
    for list in &outline.exclusions {
        row("", format!("{}: {} addresses", list.origin, list.addresses));
    }
    row("ports", outline.ports.clone());
    row(
        "targets",
        format!("{} in the plan, {} here (shard {})", outline.targets, outline.shard_targets, outline.shard),
    );
    row("probes", format!("{} ({} per target)", outline.probes, outline.probes_per_target));
    match (outline.rate_pps, outline.bandwidth_bps) {
        (Some(pps), Some(bps)) => row("rate", format!("{}pps, {}bit/s on the wire", unit(pps), unit(bps))),
        _ => row("rate", "as fast as the interface takes probes".into()),
    }
    row(
        "duration",
        outline.duration_s.map_or("cannot be told".into(), |time_s| format!("{} with cool-down", clock(time_s))),
    );
    row("seed", format!("{} (plan {})", outline.seed, outline.fingerprint));
    row("first", outline.first.join(", "));
    for setting in &outline.settings {
        row("setting", setting.clone());
    }
    out
}

/// `12.3 k`: the number with a space before the unit that follows.
fn unit(value: f64) -> String {
    let number = short(value);
    match number.trim_end_matches(|c: char| c.is_ascii_alphabetic()) {
        digits if digits.len() == number.len() => format!("{digits} "),
        digits => format!("{digits} {}", &number[digits.len()..]),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::settings::{SettingFlags, Settings};

    fn shown(flags: &[(&'static str, &str)]) -> String {
        let mut layers = Layers::defaults();
        layers.add_flags(SettingFlags(flags.iter().map(|(key, text)| (*key, vec![(*text).to_owned()])).collect()));
        let settings = Settings::resolve(&layers).unwrap();
        let mut request = super::super::prepare::request(&settings, None, false).unwrap();
        request.plan = Arc::clone(&request.plan);
        text(&outline(&request, layers_table::changed(&layers)))
    }

    #[test]
    fn a_small_scan() {
        let shown =
            shown(&[("targets", "8.8.0.0/22"), ("target-ports", "22,80,icmp"), ("seed", "7"), ("shard", "1/3")]);
        insta::assert_snapshot!(shown, @r#"
        addresses    1024 in 4 /24s
        left out     0 addresses that were asked for and are excluded, by these lists:
                     IANA special ranges not listed already: 592709632 addresses
        ports        22,80,icmp
        targets      3072 in the plan, 1024 here (shard 1/3)
        probes       1024 (1 per target)
        rate         10.0 kpps, 6.72 Mbit/s on the wire
        duration     0:09 with cool-down
        seed         7 (plan 2984125e59f81291)
        first        8.8.3.245 icmp, 8.8.0.3 T:80, 8.8.2.3 T:22, 8.8.2.76 T:80, 8.8.2.134 T:80, 8.8.3.63 icmp, 8.8.3.4 T:22, 8.8.0.87 T:22, 8.8.3.46 T:22, 8.8.2.51 T:22
        setting      targets = 8.8.0.0/22 (TARGET)
        setting      target-ports = 22,80,icmp (--target-ports)
        setting      seed = 7 (--seed)
        setting      shard = 1/3 (--shard)
        "#);
    }

    #[test]
    fn limits_shorten_it() {
        let shown = shown(&[
            ("targets", "1.0.0.0/12"),
            ("target-ports", "80"),
            ("seed", "7"),
            ("bandwidth", "10M"),
            ("probes", "2"),
            ("max-targets", "1%"),
            ("rate-per-24", "0"),
        ]);
        insta::assert_snapshot!(shown, @r#"
        addresses    1048576 in 4096 /24s
        left out     0 addresses that were asked for and are excluded, by these lists:
                     IANA special ranges not listed already: 592709632 addresses
        ports        80
        targets      1048576 in the plan, 10486 here (shard 0/1)
        probes       20972 (2 per target)
        rate         14.9 kpps, 10.0 Mbit/s on the wire
        duration     0:10 with cool-down
        seed         7 (plan 9f2c70787e200ada)
        first        1.7.87.104 T:80, 1.5.247.74 T:80, 1.13.238.33 T:80, 1.15.64.12 T:80, 1.6.93.50 T:80, 1.4.175.218 T:80, 1.13.162.16 T:80, 1.0.9.50 T:80, 1.4.251.109 T:80, 1.13.237.113 T:80
        setting      targets = 1.0.0.0/12 (TARGET)
        setting      target-ports = 80 (--target-ports)
        setting      bandwidth = 10M (--bandwidth)
        setting      rate-per-24 = 0 (--rate-per-24)
        setting      max-targets = 1% (--max-targets)
        setting      seed = 7 (--seed)
        setting      probes = 2 (--probes)
        "#);
    }
}
