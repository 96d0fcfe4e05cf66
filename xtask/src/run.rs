//! `cargo xtask run`: the whole of it on one machine. Sets up, builds, makes the lab, scans it, stores, reports; opens
//! no network outside.

mod found;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    lab::{self, Lab},
    setup, workspace,
};

/// Addresses of the emulated world: one in 16 is populated.
const EMULATED: &str = "20.64.0.0/19";
const LAB: &str = "run";
const DEVICES: &str = "SELECT maker, name, model, kind, level, firmware_version, count(DISTINCT address) AS addresses FROM device \
                       GROUP BY ALL ORDER BY addresses DESC";

#[derive(Args)]
pub struct Options {
    /// Leave the lab up afterwards; `cargo xtask lab down --name run` removes it
    #[arg(long)]
    keep: bool,
}

pub fn run(options: &Options) -> Result<()> {
    setup::setup(&setup::Options::default())?;
    lab::build()?;
    let results = results()?;
    // Interrupting ends the scan, which ends well by itself; what follows it must still happen.
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted)).context("listening to signals")?;
    }

    step("lab: up");
    workspace::run(lab::program()?.args(["up", "--name", LAB]))?;
    let outcome = scan_and_report(&results);
    let removed = if options.keep { Ok(()) } else { remove_lab() };
    outcome?;
    removed?;

    step("results");
    for file in ["prober.duckdb", "report.html", "report.txt", "watch/watch.duckdb", "watch/report.html"] {
        println!("{}", results.join(file).display());
    }
    println!("ask it:  {} sql --db {}", workspace::built("prober")?.display(), results.join("prober.duckdb").display());
    Ok(())
}

fn scan_and_report(results: &Path) -> Result<()> {
    let lab = Lab::ask(LAB)?;
    step("scan");
    workspace::run(&mut scan(&lab, results)?)?;

    step("the access networks that hosts seem to sit behind");
    let database = results.join("prober.duckdb");
    let mut networks = Command::new(workspace::built("prober")?);
    networks.args(["network", "estimate", "--scan", "last", "--db"]).arg(&database);
    let estimates = workspace::output(&mut networks)?; // a line each: the table of types is shorter
    fs::write(results.join("networks.txt"), estimates).context("writing networks.txt")?;
    let mut types = Command::new(workspace::built("prober")?);
    types.arg("sql").arg("--db").arg(&database).arg("FROM network_type");
    print!("{}", workspace::output(&mut types)?);

    step("report");
    report(&database, results)?;

    step("the devices that were met");
    let mut devices = Command::new(workspace::built("prober")?);
    devices.arg("sql").arg("--db").arg(&database).arg(DEVICES);
    print!("{}", workspace::output(&mut devices)?);

    step("the lab's real servers");
    found::show(&lab, &database)?;

    step("four weeks of the daemon, in two minutes");
    let watch = results.join("watch");
    workspace::run(lab::program()?.arg("weeks").arg("--output").arg(&watch))?;

    step("report of the watch");
    report(&watch.join("watch.duckdb"), &watch)
}

/// Prints the report of a database's latest scan, and leaves it in a folder, with its page.
fn report(database: &Path, folder: &Path) -> Result<()> {
    let mut report = Command::new(workspace::built("prober")?);
    report.arg("report").arg("--db").arg(database).arg("--html").arg(folder.join("report.html"));
    let text = workspace::output(&mut report)?;
    print!("{text}");
    fs::write(folder.join("report.txt"), text).context("writing report.txt")
}

/// From within the prober's namespace. Faster than the default and than its cap per /24, because nobody else's network
/// is in the way.
fn scan(lab: &Lab, results: &Path) -> Result<Command> {
    let mut scan = lab::program()?;
    scan.args(["exec", "--name", LAB]).arg(workspace::built("prober")?).arg("scan");
    scan.args(["--interface", &lab.interface, "--target-ports", "@iot,icmp", "--seed", "1"]);
    scan.args(["--rate", "20k", "--rate-per-24", "1k", "--cooldown-time", "10s", "--operator", "cargo xtask run"]);
    // The emulated hosts accept connections and say nothing: no need to wait long for them.
    scan.args(["--grab", "--grab-rate", "max", "--grab-rate-per-24", "0", "--grab-timeout", "1s"]);
    scan.args(["--grab-concurrency", "2048"]);
    scan.arg("--db").arg(results.join("prober.duckdb"));
    let mut prefixes: Vec<&str> = lab.servers.iter().map(|server| server.prefix.as_str()).collect();
    prefixes.dedup();
    scan.args(prefixes).arg(EMULATED);
    Ok(scan)
}

fn remove_lab() -> Result<()> {
    step("lab: down");
    workspace::run(lab::program()?.args(["down", "--name", LAB]))
}

/// An empty folder for what this run makes.
fn results() -> Result<PathBuf> {
    let results = workspace::target_dir()?.join("run");
    if results.exists() {
        fs::remove_dir_all(&results).with_context(|| format!("removing the last run's {}", results.display()))?;
    }
    fs::create_dir_all(&results).with_context(|| format!("making {}", results.display()))?;
    Ok(results)
}

fn step(name: &str) {
    println!("== {name}");
}
