//! `prober-lab weeks`: a watch to look at, with its progress line in the terminal, and day by day what it sent and found.
//! Whether its figures hold is tried by the trial of the same name.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use prober_common::address::V4;
use prober_userspace::model::watch::{SchemeKind, WatchStatus};
use prober_userspace::simulate::watch::{FIRST_ADDRESS, Standard};

use crate::trial::{account, prober::program};
use crate::weeks::{Weeks, WeeksConfig};

const DAY_S: f64 = 86_400.0;
/// Days that get a line.
const DAYS: [u32; 10] = [1, 2, 3, 5, 7, 10, 14, 18, 21, 28];
/// A bar of a standard scheme's day, in characters.
const BAR: f64 = 50.0;

/// Which weeks.
#[derive(Args, Clone, Debug)]
pub struct WeeksOptions {
    /// Addresses of the country; a power of two
    #[arg(long, default_value_t = 4096)]
    addresses: usize,
    /// Days that pass
    #[arg(long, default_value_t = 28)]
    days: u32,
    /// In so many seconds
    #[arg(long, default_value_t = 112)]
    seconds: u32,
    /// Whom to visit when, and on which ports
    #[arg(long, value_enum, default_value_t = SchemeKind::Efficient)]
    scheme: SchemeKind,
    /// Seed of the country
    #[arg(long, default_value_t = 5)]
    seed: u64,
    /// Folder for the database and the status objects; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Watches them, and prints what came of it.
pub fn watch(options: &WeeksOptions) -> Result<()> {
    ensure!(options.addresses.is_power_of_two(), "--addresses {}: write a power of two", options.addresses);
    ensure!(options.days > 0 && options.seconds > 0, "--days and --seconds must be at least 1");
    let config = WeeksConfig {
        kind: options.scheme,
        addresses: options.addresses,
        days: options.days,
        seconds: options.seconds,
    };
    fs::create_dir_all(&options.output).with_context(|| format!("cannot make {}", options.output.display()))?;
    let (database, objects) = (options.output.join("watch.duckdb"), options.output.join("watch.jsonl"));
    for old in [&database, &objects] {
        ensure!(!old.exists(), "{} is there already: name another folder", old.display());
    }
    let weeks = Weeks::new(config, options.seed);
    let lab = weeks.lab()?;
    println!(
        "{} addresses, {} ports, {} days in {} seconds by the {} scheme",
        options.addresses,
        weeks.ports.len(),
        options.days,
        options.seconds,
        options.scheme.name()
    );
    let mut command = weeks.command(&lab, &database)?;
    let ended = command.arg("--status-json").arg(&objects).status().context("cannot run `prober watch`")?;
    ensure!(ended.success(), "prober watch failed");
    drop(lab);

    let truth = weeks.truth();
    let first_seen_s = first_seen_s(&database, weeks.time_scale())?;
    print!("{}", days(&statuses(&objects)?, &truth, &first_seen_s, options.days));
    if let Some((address, port, opened_s, noticed_s)) = noticed(&truth, &first_seen_s) {
        let (address, late_h) = (V4(FIRST_ADDRESS + address), (noticed_s - opened_s) / 3600.0);
        println!("\na change: {address} opened port {port} on day {:.1}, noticed {late_h:.0} h later", opened_s / DAY_S);
        let why = Command::new(program()?).args(["plan", "why", &address.to_string(), "--db"]).arg(&database).output()?;
        ensure!(why.status.success(), "prober plan why failed: {}", String::from_utf8_lossy(&why.stderr).trim());
        print!("{}", String::from_utf8_lossy(&why.stdout));
    }
    Ok(())
}

/// Each address and port with the second of the country's clock at which it first answered as open.
fn first_seen_s(database: &Path, time_scale: f64) -> Result<HashMap<(u32, u16), f64>> {
    let sql = "SELECT address, port, epoch(min(received_at)) - (SELECT epoch(min(received_at)) FROM reply) FROM reply
               WHERE kind = 0 GROUP BY ALL";
    let mut seen = HashMap::new();
    for row in account::rows(database, sql)? {
        let [address, port, at_s] = row.as_slice() else { continue };
        let pair = (address.parse::<u32>()?.wrapping_sub(FIRST_ADDRESS), port.parse()?);
        seen.insert(pair, at_s.parse::<f64>()? * time_scale);
    }
    Ok(seen)
}

fn statuses(objects: &Path) -> Result<Vec<WatchStatus>> {
    let text = fs::read_to_string(objects).with_context(|| format!("cannot read {}", objects.display()))?;
    text.lines().map(|line| serde_json::from_str(line).context("a status of the watch")).collect()
}

fn days(statuses: &[WatchStatus], truth: &Standard, first_seen_s: &HashMap<(u32, u16), f64>, last: u32) -> String {
    let a_day = truth.probes as f64 / f64::from(last);
    let sent_by = |day: u32| {
        let end_s = day * DAY_S as u32;
        let before = statuses.iter().take_while(|status| status.clock_s <= end_s).last();
        before.map_or(0, |status| status.probing.sent)
    };
    // Writing to a String cannot fail.
    let mut text = String::from("\n  day   probes/day   of standard   ports found\n");
    let mut before = 0;
    for day in DAYS.into_iter().filter(|day| *day <= last) {
        let sent = (sent_by(day) - sent_by(before)) as f64 / f64::from(day - before);
        let end_s = f64::from(day) * DAY_S;
        let due = truth.pairs.iter().filter(|(_, at_s)| f64::from(**at_s) <= end_s);
        let (all, found) = due.fold((0, 0), |(all, found), (pair, _)| {
            (all + 1, found + u32::from(first_seen_s.get(pair).is_some_and(|at_s| *at_s <= end_s)))
        });
        let bar = "#".repeat((BAR * sent / a_day).round().clamp(0.0, BAR) as usize);
        let share = 100.0 * f64::from(found) / f64::from(all.max(1));
        let _ = writeln!(text, "{day:>5}   {sent:>10.0}   {:>10.1}%   {share:>10.1}%   {bar}", 100.0 * sent / a_day);
        before = day;
    }
    text
}

/// The last opening that was noticed while the port was open, of those in the second half: address, port, opened, noticed.
fn noticed(truth: &Standard, first_seen_s: &HashMap<(u32, u16), f64>) -> Option<(u32, u16, f64, f64)> {
    let latest = truth.openings.iter().filter_map(|&(address, port, from_s, to_s)| {
        let seen_s = *first_seen_s.get(&(address, port))?;
        (seen_s > f64::from(from_s) && seen_s <= f64::from(to_s)).then_some((address, port, f64::from(from_s), seen_s))
    });
    latest.max_by(|a, b| a.2.total_cmp(&b.2))
}
