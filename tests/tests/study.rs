//! Studies against a far end that counts: every send is stored, none that was not made, no access point gets more than its
//! budget, and a kill loses little.

use std::{net::Ipv4Addr, path::Path, time::Duration};

use prober_tests::{
    far_end::{CellRange, FarEndConfig},
    lab::Lab,
    trial::{
        account::rows,
        prober::{Running, program},
    },
};

const FIRST: Ipv4Addr = Ipv4Addr::new(20, 4, 0, 0);
const TERMINALS: [&str; 4] = ["20.4.0.7", "20.4.0.9", "20.4.0.11", "20.4.0.200"];
/// Below what a burst has by itself, so that it is the budget that counts.
const BUDGET_PPS: u64 = 8;
const PATIENCE: Duration = Duration::from_mins(3);

fn lab() -> Lab {
    let cells = CellRange { first: FIRST, addresses: 256, ports: vec![80, 0] };
    let config = FarEndConfig { cells: Some(cells), arrivals: true, answer_one_in: 1, ..FarEndConfig::default() };
    Lab::reflector(&config).unwrap()
}

fn study(lab: &Lab, directory: &Path, bursts: &str) -> Running {
    let mut command = lab.command(&program().unwrap().to_string_lossy());
    command.arg("study").args(TERMINALS).args(["-p", "80,icmp", "--bursts", bursts, "--json", "-c", "300ms"]);
    command.args(["--budget", &BUDGET_PPS.to_string(), "--db"]).arg(directory.join("study.duckdb"));
    Running::start(command, directory).unwrap()
}

/// Address, port and number of sends, as stored.
fn stored(directory: &Path) -> Vec<(Ipv4Addr, u16, u64)> {
    let query = "SELECT ip(address), port, count(*) FROM study_probe GROUP BY ALL ORDER BY ANY_VALUE(address), port";
    let cell = |row: Vec<String>| (row[0].parse().unwrap(), row[1].parse().unwrap(), row[2].parse().unwrap());
    rows(&directory.join("study.duckdb"), query).unwrap().into_iter().map(cell).collect()
}

#[test]
fn every_send_is_stored_and_the_budget_kept() {
    let directory = tempfile::tempdir().unwrap();
    let lab = lab();
    let summary = study(&lab, directory.path(), "1").ended_within(PATIENCE).unwrap().summary().unwrap();
    let mut arrived = lab.cells().unwrap().probed();
    arrived.sort_unstable_by_key(|(address, port, _)| (*address, *port));
    assert_eq!(stored(directory.path()), arrived);
    let total: u64 = arrived.iter().map(|(.., count)| count).sum();
    assert!(total >= 4 * 25 && summary["sent"] == total && summary["probes"] == total, "{summary}");
    assert_eq!(lab.counts().unwrap().outside_cells, 0);
    // All terminals are of one /24. One more than the quotient fits into a window.
    let most = lab.arrivals().unwrap().most_in(4_000_000_000);
    assert!(most <= 4 * BUDGET_PPS + 2, "{most} probes within 4 s");
    assert!((1..=total).contains(&summary["replies"].as_u64().unwrap()), "{summary}");
}

#[test]
fn a_kill_loses_the_last_seconds_of_sends_at_most() {
    let directory = tempfile::tempdir().unwrap();
    let lab = lab();
    let mut running = study(&lab, directory.path(), "10");
    running.until("60 probes", PATIENCE, || Ok(lab.counts()?.probes() >= 60)).unwrap();
    running.kill().unwrap();
    let arrived = lab.counts().unwrap().probes();
    let stored: u64 = stored(directory.path()).iter().map(|(.., count)| count).sum();
    assert!(stored <= arrived, "{stored} stored, {arrived} arrived");
    // Of five seconds at the budget; it is one and a half where nothing else holds the machine up.
    assert!(arrived - stored <= 5 * BUDGET_PPS, "{stored} stored, {arrived} arrived");
}
