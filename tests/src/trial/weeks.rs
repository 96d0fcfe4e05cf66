//! Weeks of a watch over the wire in compressed time: the real `prober watch` over a simulated country that the emulated
//! world answers for, counted by the receiver at the far end, beside the simulator's own run of the same scheme over the
//! same country.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use prober_userspace::model::watch::SchemeKind;
use prober_userspace::policy::starter::Known;
use prober_userspace::simulate::watch::{FIRST_ADDRESS, watch};

use super::{
    Size,
    account::{self, Account},
    finding::{Bound, Finding},
    prober::Running,
};
use crate::weeks::{Weeks, WeeksConfig};

/// How far traffic may lie from the simulator's, and detection in points.
const TRAFFIC: f64 = 0.10;
const POINTS: f64 = 2.0;

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
    let weeks = Weeks::new(WeeksConfig { kind, addresses, days, seconds, showing: None }, 5);
    let truth = weeks.truth();
    let expected = {
        let mut scheme = Known::of_list(&weeks.ports).scheme(&weeks.scheme);
        watch(&weeks.country(), &mut scheme, &truth, 0.0)
    };

    let mut lab = weeks.lab()?;
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("watch.duckdb");
    let mut command = weeks.command(&lab, &database)?;
    command.args(["--json", "--quiet"]);
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
    finding.note("seconds of its clock per second", weeks.time_scale());
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
    finding.note("probes sent", sent as f64);
    finding.exactly("probes sent and not counted at the far end", sent.abs_diff(counted.syn), 0);
    finding.exactly("arrivals that the world missed", counted.arrivals_lost + world.send_failed, 0);
    finding.exactly("replies that the watch missed", status["replies_missed"].as_u64().unwrap_or(u64::MAX), 0);
    finding.note("visits", status["visits"].as_f64().unwrap_or_default());
    Account::read(&database)?.close(&mut finding);
    Ok(finding)
}
