//! Weeks of a watch over the wire in compressed time: the real `prober watch` over a simulated country that the emulated
//! world answers for, counted by the receiver at the far end, beside the simulator's own run of the same scheme over the
//! same country.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use prober_common::address::V4;
use prober_common::event::ProbeKind;
use prober_userspace::model::watch::{SchemeConfig, SchemeKind};
use prober_userspace::policy::derive::PortCounts;
use prober_userspace::policy::port_bits::PortBits;
use prober_userspace::policy::starter::Known;
use prober_userspace::policy::target_state::TargetState;
use prober_userspace::simulate::country::{CountryConfig, make, sample};
use prober_userspace::simulate::watch::{FIRST_ADDRESS, standard, watch};
use prober_userspace::target::ports::ProbePort;

use super::{
    Size,
    account::{self, Account},
    finding::{Bound, Finding},
    prober::{Running, program},
};
use crate::{
    far_end::FarEndConfig,
    lab::Lab,
    world::{WorldConfig, country::LivingCountry},
};

/// Hosts whose open ports decide which.
const HOSTS: usize = 50_000;
/// The published scheme sends 1/38 of the standard one's probes, the predictive one may send 1/80.
const REDUCTION: f64 = 80.0;
/// How far traffic may lie from the simulator's, and detection in points.
const TRAFFIC: f64 = 0.10;
const POINTS: f64 = 2.0;

/// Ports of the standard set. The published scheme probes all of them at each address within half a day of the country,
/// which passes in seconds; the predictive one does not, but has to have some to choose from.
const fn ports_of(kind: SchemeKind) -> usize {
    match kind {
        SchemeKind::Standard | SchemeKind::Efficient => 200,
        SchemeKind::Predictive => 2_000,
    }
}

/// Every scheme but the standard one.
pub fn run(size: Size) -> Result<Finding> {
    let mut finding = Finding::new("weeks");
    let kinds: &[SchemeKind] =
        size.pick(&[SchemeKind::Efficient][..], &[SchemeKind::Efficient, SchemeKind::Predictive][..]);
    for kind in kinds {
        finding.absorb(kind.name(), weeks(*kind, size)?);
    }
    Ok(finding)
}

fn weeks(kind: SchemeKind, size: Size) -> Result<Finding> {
    let (addresses, days, seconds) = size.pick((1_024, 7, 40_u32), (4_096, 28, 240));
    let country = CountryConfig { addresses, days, seed: 5, ..CountryConfig::default() };
    let time_scale = f64::from(days * 86_400) / f64::from(seconds);
    let ports = likeliest_ports(&country, ports_of(kind));
    let config = SchemeConfig {
        kind,
        starter_ports: ports.clone(),
        coverage: 0.95,
        probes_per_day: 2.0 * ports.len() as f64 / REDUCTION,
        exploration: 0.03,
        answering: country.answering,
    };

    let simulated = {
        let country = make(&country);
        let set: PortBits = ports.iter().copied().collect();
        let truth = standard(&country, &set);
        let states: Vec<TargetState> =
            (0..addresses as u32).map(|number| TargetState::new(FIRST_ADDRESS + number, 0)).collect();
        let mut scheme = Known::of_list(&ports).scheme(&config, &states);
        (watch(&country, &mut scheme, &truth, 0.0), truth)
    };
    let (expected, truth) = simulated;

    let living = LivingCountry::new(make(&country), FIRST_ADDRESS, time_scale);
    let far_end = FarEndConfig { answer_one_in: 1, ring_bytes: 1 << 27, ..FarEndConfig::default() };
    let world = WorldConfig { country: Some(living), ..WorldConfig::default() };
    let mut lab = Lab::world(&far_end, &world)?;
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("watch.duckdb");
    let mut command = lab.command(&program()?.to_string_lossy());
    let list: Vec<String> = ports.iter().map(u16::to_string).collect();
    let bits = 32 - addresses.ilog2();
    command
        .args(["watch", &format!("{}/{bits}", V4(FIRST_ADDRESS)), "--allow-special", "--json", "--quiet"])
        .args(["-p", &list.join(","), "--scheme", kind.name(), "-r", "400k", "--rate-per-24", "0"])
        .args(["--rate-per-address", "0", "-c", "500ms", "--checkpoint-interval", "1s"])
        .args(["--probes-per-day", &config.probes_per_day.to_string(), "--exploration", "0.03"])
        .args(["--answering", &config.answering.to_string(), "--time-scale", &time_scale.to_string()])
        .args(["--max-runtime", &format!("{seconds}s"), "--db"])
        .arg(&database);
    let ended =
        Running::start(command, directory.path())?.ended_within(Duration::from_secs(u64::from(seconds) + 120))?;
    ensure!(ended.status.success(), "prober watch failed: {}", ended.complained);
    let status: serde_json::Value = serde_json::from_str(&ended.said).context("prober watch printed no JSON")?;

    let counted = lab.counts()?;
    let world = lab.stop_world()?;
    let mut found: HashSet<(u32, u16)> = HashSet::new();
    for row in account::rows(&database, "SELECT DISTINCT address, port FROM reply WHERE kind = 0")? {
        let [address, port] = row.as_slice() else { continue };
        found.insert((address.parse::<u32>()? - FIRST_ADDRESS, port.parse()?));
    }
    let pairs = truth.pairs.len();
    let detected = truth.pairs.keys().filter(|pair| found.contains(pair)).count();

    let mut finding = Finding::new("weeks");
    finding.note("days", f64::from(days));
    finding.note("seconds of a day", time_scale);
    finding.note("probes of the standard scheme", truth.probes as f64);
    finding.note("probes, simulated", expected.probes as f64);
    finding.note("probes, at the far end", counted.syn as f64);
    let ratio = counted.syn as f64 / expected.probes as f64;
    finding.add("wire to simulator, traffic", ratio, Bound::AtLeast(1.0 - TRAFFIC));
    finding.add("traffic, at most", ratio, Bound::AtMost(1.0 + TRAFFIC));
    finding.note("traffic reduction, wire", truth.probes as f64 / counted.syn as f64);
    finding.note("traffic reduction, simulated", expected.traffic_reduction);
    let on_wire = 100.0 * detected as f64 / pairs.max(1) as f64;
    let simulated = 100.0 * expected.ports_detected;
    finding.note("(address, port) pairs to detect", pairs as f64);
    finding.note("detected on the wire, %", on_wire);
    finding.note("detected in the simulator, %", simulated);
    finding.add("detection apart, points", (on_wire - simulated).abs(), Bound::AtMost(POINTS));
    let sent = status["probing"]["sent"].as_u64().unwrap_or_default();
    finding.exactly("probes sent and not counted at the far end", sent.abs_diff(counted.syn), 0);
    finding.exactly("arrivals that the world missed", counted.arrivals_lost + world.send_failed, 0);
    finding.exactly("replies that the watch missed", status["replies_missed"].as_u64().unwrap_or(u64::MAX), 0);
    finding.note("visits", status["visits"].as_f64().unwrap_or_default());
    Account::read(&database)?.close(&mut finding);
    Ok(finding)
}

/// The most frequent ports of the country's kind of hosts, without those that are barred.
fn likeliest_ports(country: &CountryConfig, most: usize) -> Vec<u16> {
    let hosts = sample(country, HOSTS);
    let counts = PortCounts::of(hosts.iter().map(Vec::as_slice));
    let is_allowed = |port: &u16| !ProbePort { kind: ProbeKind::TcpSyn, port: *port }.is_printer();
    counts.above(0).into_iter().filter(is_allowed).take(most).collect()
}
