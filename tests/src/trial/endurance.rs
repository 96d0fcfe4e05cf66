//! A watch that is killed again and again, and started again each time, in compressed time over addresses that never answer:
//! each has to be visited as often as the ladder of intervals says - none forgotten, and no more repeated than what one save
//! interval holds. Counted address by address at the far end.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use prober_common::address::V4;
use prober_common::lab::mix;
use prober_userspace::policy::interval::{LADDER_S, Step};

use super::{
    Size,
    account::Account,
    finding::{Bound, Finding},
    prober::{Running, program},
};
use crate::{
    far_end::{CellRange, FarEndConfig},
    lab::Lab,
};

const FIRST: V4 = V4(0x1410_0000);
/// The likeliest of the ports, which every visit probes.
const PORT: u16 = 80;
const PORTS: &str =
    "80,443,22,23,8080,8443,21,81,554,8000,7547,2323,88,5000,1883,8883,37777,34567,9000,8081,8888,2222,82,3389";
const SAVE_MS: u64 = 500;
const PATIENCE: Duration = Duration::from_mins(1);

/// Kills it as often as the size says.
pub fn run(size: Size) -> Result<Finding> {
    let (addresses, kills, seconds, pps) = size.pick((2_048_u32, 3_u64, 30_u64, 20_000), (65_536, 20, 300, 50_000));
    let days: u32 = size.pick(4, 20);
    let scale = f64::from(days) * 86_400.0 / seconds as f64;
    let cells = CellRange { first: FIRST.0.into(), addresses, ports: vec![PORT] };
    let lab = Lab::counter(&FarEndConfig { cells: Some(cells), ..FarEndConfig::default() })?;
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("watch.duckdb");
    let start = |left: Duration| -> Result<Running> {
        let mut command = lab.command(&program()?.to_string_lossy());
        let bits = 32 - addresses.ilog2();
        command
            .args(["watch", &format!("{FIRST}/{bits}"), "--json", "--quiet", "-p", PORTS, "--scheme", "efficient"])
            .args(["-r", &pps.to_string(), "--rate-per-24", "0", "--rate-per-address", "0", "-c", "200ms"])
            .args(["--checkpoint-interval", &format!("{SAVE_MS}ms"), "--time-scale", &scale.to_string()])
            .args(["--max-runtime", &format!("{}ms", left.as_millis()), "--db"])
            .arg(&database);
        Running::start(command, directory.path())
    };

    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let pause_ms = seconds * 1_000 / (kills + 1);
    let (mut killed, mut idle) = (0, Duration::ZERO);
    let mut stopped = Instant::now();
    for kill in 0..kills {
        let before = lab.counts()?.probes();
        let mut running = start(PATIENCE * 60)?;
        running.until("a probe", PATIENCE, || Ok(lab.counts()?.probes() > before))?;
        idle += stopped.elapsed();
        // Any moment, that of starting included; on average as long as the kills leave.
        thread::sleep(Duration::from_millis(pause_ms / 2 + mix(kill ^ 0xfeed) % pause_ms));
        running.kill()?;
        stopped = Instant::now();
        killed += 1;
    }
    // As the ends before; the last start is waited for below.
    idle += Duration::from_secs(4);
    let left = end.saturating_duration_since(Instant::now()).max(Duration::from_secs(3));
    let ended = start(left)?.ended_within(left + PATIENCE)?;
    ensure!(ended.status.success(), "prober watch failed: {}", ended.complained);
    let status: serde_json::Value = serde_json::from_str(&ended.said).context("prober watch printed no JSON")?;
    let clock_s = status["clock_s"].as_u64().unwrap_or_default();

    let cells = lab.cells()?;
    let count = |number: u32| cells.count((FIRST.0 + number).into(), PORT).unwrap_or_default();
    let counts: Vec<u64> = (0..addresses).map(count).collect();
    // A first visit comes within half a day, each further one a rung later, and later by what kills and saving cost.
    let repeated = Duration::from_millis(SAVE_MS + 500) * killed as u32;
    let late_s = (scale * (idle + repeated).as_secs_f64()) as u64;
    let least = visits_by(clock_s.saturating_sub(u64::from(LADDER_S[0])), late_s);
    let most = visits_by(clock_s, 0);
    let forgotten = counts.iter().filter(|count| **count < least).count();
    let surplus: u64 = counts.iter().map(|count| count.saturating_sub(most)).sum();
    let mut finding = Finding::new("endurance");
    finding.note("days", clock_s as f64 / 86_400.0);
    finding.exactly("kills", killed, kills);
    finding.note("seconds without a watch", idle.as_secs_f64());
    finding.note("visits at the far end", counts.iter().sum::<u64>() as f64);
    finding.note("fewest visits to an address", counts.iter().min().copied().unwrap_or_default() as f64);
    finding.note("most visits to an address", counts.iter().max().copied().unwrap_or_default() as f64);
    finding.exactly(format!("addresses visited less than {least} times"), forgotten as u64, 0);
    // What a kill repeats: visits under way, and those decided since the last save.
    let share = u64::from(addresses) * (SAVE_MS + 1_000) / 1_000;
    finding.add(format!("visits beyond {most}"), surplus as f64, Bound::AtMost((killed * share) as f64));
    Account::read(&database)?.close(&mut finding);
    Ok(finding)
}

/// Visits of a silent address until `clock_s` if the first is at 0 and each comes `late_s` late altogether.
fn visits_by(clock_s: u64, late_s: u64) -> u64 {
    let (mut visits, mut at_s, mut step) = (0, late_s, Step::FIRST);
    while at_s <= clock_s {
        visits += 1;
        at_s += u64::from(step.interval_s());
        step = step.longer();
    }
    visits
}
