//! `prober-lab weeks`: a daemon to look at, with a progress line in the terminal, and day by day what it sent and found.
//! Whether its figures hold is tried by the trial of the same name.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use prober_common::address::V4;
use prober_userspace::model::service_status::ServiceStatus;
use prober_userspace::model::watch::{SchemeKind, WatchStatus};
use prober_userspace::simulate::watch::{FIRST_ADDRESS, Opening, Standard};
use serde_json::Value;

use crate::trial::{
    account,
    prober::{Running, program},
};
use crate::weeks::{Weeks, WeeksConfig};

const DAY_S: f64 = 86_400.0;
/// Days that get a line.
const DAYS: [u32; 10] = [1, 2, 3, 5, 7, 10, 14, 18, 21, 28];
/// Of the hosts that answer, those whose banners show a device that is known: so many that something is to be seen.
const SHOWING: f64 = 0.3;
const LOOK: Duration = Duration::from_millis(250);
/// For everything that takes a moment.
const PATIENCE: Duration = Duration::from_mins(1);
/// A bar of a standard scheme's day, in characters.
const BAR: f64 = 50.0;

const DEVICES: &str = "SELECT device, count(*) AS addresses FROM target_state WHERE device IS NOT NULL \
                       GROUP BY ALL ORDER BY addresses DESC, device LIMIT 10";
const TYPES: &str = "SELECT network_type, addresses, round(confidence_mean, 2) AS confidence, \
                     round(access_median_ms, 1) AS access_ms FROM network_type ORDER BY addresses DESC";
const HOURS: &str = "SELECT cluster_id, networks, arg_min(local_time, load) AS quietest, round(min(load), 2) AS load, \
                     arg_max(local_time, load) AS busiest, round(max(load), 2) AS its_load \
                     FROM congestion GROUP BY ALL ORDER BY cluster_id";

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

/// Lets the daemon watch them, and prints what came of it.
pub fn watch(options: &WeeksOptions) -> Result<()> {
    ensure!(options.addresses.is_power_of_two(), "--addresses {}: write a power of two", options.addresses);
    ensure!(options.days > 0 && options.seconds > 0, "--days and --seconds must be at least 1");
    let config = WeeksConfig {
        kind: options.scheme,
        addresses: options.addresses,
        days: options.days,
        seconds: options.seconds,
        showing: Some(SHOWING),
    };
    fs::create_dir_all(&options.output).with_context(|| format!("cannot make {}", options.output.display()))?;
    let output = options.output.canonicalize().context("looking for the output folder")?;
    let (database, objects) = (output.join("watch.duckdb"), output.join("watch.jsonl"));
    for old in [&database, &objects] {
        ensure!(!old.exists(), "{} is there already: name another folder", old.display());
    }
    let weeks = Weeks::new(config, options.seed);
    let mut lab = weeks.lab()?;
    println!(
        "{} addresses, {} ports, {} days in {} seconds by the {} scheme",
        options.addresses,
        weeks.ports.len(),
        options.days,
        options.seconds,
        options.scheme.name()
    );
    let daemon = Running::start(weeks.daemon(&lab, &output)?, &output)?;
    let statuses = pass(daemon, &output, options.days)?;
    let lines: Result<String, serde_json::Error> =
        statuses.iter().map(|status| Ok(serde_json::to_string(status)? + "\n")).collect();
    fs::write(&objects, lines?).with_context(|| format!("cannot write {}", objects.display()))?;
    lab.stop_world()?;
    drop(lab);

    let truth = weeks.truth();
    let first_seen_s = first_seen_s(&database, weeks.time_scale())?;
    print!("{}", days(&statuses, &truth, &first_seen_s, options.days));
    if let Some((address, port, opened_s, noticed_s)) = noticed(&truth, &first_seen_s) {
        let (address, late_h) = (V4(FIRST_ADDRESS + address), (noticed_s - opened_s) / 3600.0);
        println!(
            "\na change: {address} opened port {port} on day {:.1}, noticed {late_h:.0} h later",
            opened_s / DAY_S
        );
        show(&["plan", "why", &address.to_string()], &database)?;
    }
    for (title, sql) in [("who is there", DEVICES), ("behind which access networks", TYPES), ("quiet hours", HOURS)] {
        println!("\n{title}");
        show(&["sql", sql], &database)?;
    }
    Ok(())
}

/// Runs the daemon until its clock has passed so many days; its status four times a second.
fn pass(mut daemon: Running, folder: &Path, days: u32) -> Result<Vec<WatchStatus>> {
    let mut statuses: Vec<WatchStatus> = Vec::new();
    let mut heard = Instant::now();
    let mut refused: Option<Instant> = None;
    let is_shown = std::io::stdout().is_terminal();
    let mut nights = [f64::from(days) / 2.0, f64::from(days)].into_iter().peekable();
    loop {
        ensure!(!daemon.has_ended()?, "prober daemon ended by itself; see {}", folder.join("stderr").display());
        // It does not listen at once.
        if let Ok(status) = ask(folder, "status") {
            heard = Instant::now();
            let status: ServiceStatus = serde_json::from_value(status).context("the daemon's status")?;
            if is_shown {
                print!("\r\x1b[K{}", progress(&status.watch, days));
                std::io::stdout().flush()?;
            }
            statuses.push(status.watch);
        } else {
            ensure!(heard.elapsed() < PATIENCE, "the daemon does not answer");
        }
        let passed = statuses.last().map_or(0.0, |status| f64::from(status.clock_s) / DAY_S);
        // A night's work comes once in a real day, which is not over here. It is refused while the one before is under way.
        if nights.peek().is_some_and(|night| passed >= *night) {
            match ask(folder, "nightly") {
                Ok(_) => refused = nights.next().and(None),
                Err(cause) if refused.get_or_insert_with(Instant::now).elapsed() >= PATIENCE => return Err(cause),
                Err(_) => {}
            }
        }
        if nights.peek().is_none() {
            break;
        }
        thread::sleep(LOOK);
    }
    daemon.until("the night's work done", PATIENCE, || {
        let status: ServiceStatus = serde_json::from_value(ask(folder, "status")?)?;
        Ok(!status.upkeep.nightly_under_way && status.upkeep.learnt_at_s.is_some())
    })?;
    if is_shown {
        println!();
    }
    daemon.signal(15)?;
    let ended = daemon.ended_within(PATIENCE)?;
    ensure!(ended.status.success(), "prober daemon failed: {}", ended.complained.trim());
    Ok(statuses)
}

/// A line about how it goes.
fn progress(status: &WatchStatus, days: u32) -> String {
    let known = &status.standings;
    format!(
        "day {:>4.1} of {days}: {:.0} probes/s, {} answer, {} of them named, {} changes noticed",
        f64::from(status.clock_s) / DAY_S,
        status.probing.rate_pps,
        known.answering + known.device + known.honeypot,
        known.device,
        status.changes
    )
}

/// `prober control` with one command; its JSON.
fn ask(folder: &Path, command: &str) -> Result<Value> {
    let mut control = Command::new(program()?);
    control.args(["control", "--json", "--socket"]).arg(folder.join("daemon.sock")).arg(command);
    let output = control.output().context("cannot run `prober control`")?;
    ensure!(output.status.success(), "`prober control {command}`: {}", String::from_utf8_lossy(&output.stderr).trim());
    serde_json::from_slice(&output.stdout).context("`prober control` printed no JSON")
}

/// Prints what a command of the prober says of the database.
fn show(arguments: &[&str], database: &Path) -> Result<()> {
    let output = Command::new(program()?).args(arguments).arg("--db").arg(database).output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "prober {} failed: {}", arguments.join(" "), complaint.trim());
    print!("{}", String::from_utf8_lossy(&output.stdout));
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

/// The last opening that was noticed while the port was open: address, port, opened, noticed.
fn noticed(truth: &Standard, first_seen_s: &HashMap<(u32, u16), f64>) -> Option<(u32, u16, f64, f64)> {
    let latest = truth.openings.iter().filter_map(|&Opening { address, port, from_s, to_s, .. }| {
        let seen_s = *first_seen_s.get(&(address, port))?;
        (seen_s > f64::from(from_s) && seen_s <= f64::from(to_s)).then_some((address, port, f64::from(from_s), seen_s))
    });
    latest.max_by(|a, b| a.2.total_cmp(&b.2))
}
