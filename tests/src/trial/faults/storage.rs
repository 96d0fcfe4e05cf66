//! What is wrong with the database: another's file, somebody else's lock, a disk that is full.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{PATIENCE, judge};
use crate::{
    far_end::{CellRange, FarEndConfig},
    lab::Lab,
    trial::{
        coverage::{Field, PORTS},
        finding::{Bound, Finding},
        prober::{self, Running, Scan},
    },
};

/// The cases.
pub fn run() -> Result<Finding> {
    let mut finding = Finding::new("storage");
    not_a_database(&mut finding)?;
    locked(&mut finding)?;
    full(&mut finding)?;
    Ok(finding)
}

fn not_a_database(finding: &mut Finding) -> Result<()> {
    let lab = Lab::counter(&FarEndConfig::default())?;
    let directory = tempfile::tempdir()?;
    let scan = Scan::new(directory.path(), &["20.6.0.0/24", "-p", "80", "-c", "100ms"]);
    let text = "a letter to a friend\n".repeat(1000);
    fs::write(scan.database(), &text)?;
    let ended = scan.start(&lab)?.ended_within(PATIENCE)?;
    judge(finding, "not a database", &ended, 1, &["scan.duckdb", "not a DuckDB database", "--db"]);
    finding.exactly("not a database: left as it was", u64::from(fs::read(scan.database())? == text.as_bytes()), 1);
    finding.exactly("not a database: probes", lab.counts()?.probes(), 0);
    Ok(())
}

/// A scan runs in one lab; one in another lab wants the same file.
fn locked(finding: &mut Finding) -> Result<()> {
    let (first, second) = (Lab::counter(&FarEndConfig::default())?, Lab::counter(&FarEndConfig::default())?);
    let (directory, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let scan = Scan::new(directory.path(), &["20.6.0.0/16", "-p", "80", "-r", "500", "--rate-per-24", "0"]);
    let mut running = scan.start(&first)?;
    running.until("the first probe", PATIENCE, || Ok(first.counts()?.probes() > 0))?;
    let database = scan.database().to_string_lossy().into_owned();
    let intruder = Scan::new(other.path(), &["20.6.0.0/24", "-p", "80"]).stored_in(&database);
    let ended = intruder.start(&second)?.ended_within(PATIENCE)?;
    let pid = running.pid().to_string();
    judge(finding, "locked", &ended, 1, &[&database, "in use by", &pid, "wait until it ends"]);
    finding.exactly("locked: probes", second.counts()?.probes(), 0);
    running.kill()
}

/// The disk is a `tmpfs` in a mount namespace of its own, smaller than what is answered; then it grows.
fn full(finding: &mut Finding) -> Result<()> {
    let cells = CellRange { first: "20.4.0.0".parse()?, addresses: 1 << 16, ports: PORTS.1.to_vec() };
    let config = FarEndConfig { cells: Some(cells), answer_one_in: 1, ..FarEndConfig::default() };
    let field = Field { lab: Lab::reflector(&config)?, bits: 16 };
    let directory = tempfile::tempdir()?;
    let disk = directory.path().join("disk");
    fs::create_dir(&disk)?;
    let script = directory.path().join("script");
    fs::write(&script, script_text(&disk, &field.prefix())?)?;
    let mut command = field.lab.command("sh");
    command.arg(&script);
    let ended = Running::start(command, directory.path())?.ended_within(PATIENCE)?;
    let read =
        |name: &str| fs::read_to_string(directory.path().join(name)).with_context(|| format!("{name}: {ended:?}"));
    finding.exactly("disk full: exit code", read("first.code")?.trim().parse()?, 1);
    let complaint = read("first.err")?;
    let said: Vec<&str> = complaint.lines().filter(|line| line.contains("no space left")).collect();
    finding.exactly("disk full: lines that say so", said.len() as u64, 1);
    finding.exactly(
        "disk full: all lines but the engine's",
        // Of a slow machine, progress lines may stand between.
        complaint
            .lines()
            .filter(|l| {
                l.starts_with("prober: ") && !l.contains(" on p0 (") && !l.contains("warning: rate-per-24 is 0")
            })
            .count() as u64,
        1,
    );
    finding.exactly("disk full: says how to go on", u64::from(complaint.contains("--resume")), 1);
    finding.remark(format!("disk full: {}", complaint.trim_end()));
    let number = |text: String| text.trim().lines().last().unwrap_or_default().parse::<f64>().unwrap_or(-1.0);
    finding.add("disk full: rows kept", number(read("kept")?), Bound::AtLeast(1.0));
    finding.exactly("disk full: exit code of --resume", read("second.code")?.trim().parse()?, 0);
    finding.remark(format!("after it grew: {}", read("second.err")?.trim_end()));
    let [never, _, _] = field.probed()?;
    finding.exactly("disk full: never probed after --resume", never, 0);
    finding.exactly("disk full: books balance", number(read("balance")?) as u64, 1);
    Ok(())
}

/// What is done on the small disk, as a script: its mount is seen by this script alone.
fn script_text(disk: &Path, prefix: &str) -> Result<String> {
    let (disk, prober) = (disk.display(), prober::program()?);
    let prober = prober.display();
    let scan = format!(
        "{prober} scan {prefix} -p {} -e 5 -r 150k --rate-per-24 0 -c 1s --json --db {disk}/scan.duckdb",
        PORTS.0
    );
    let sql = format!("{prober} sql --format csv --db {disk}/scan.duckdb");
    Ok(format!(
        "mount -t tmpfs -o size=3500k none {disk} || exit 9\n\
         {scan} > first.out 2> first.err; echo $? > first.code\n\
         mount -o remount,size=200m {disk} || exit 9\n\
         {sql} 'SELECT count(*) FROM reply' > kept\n\
         {scan} --resume > second.out 2> second.err; echo $? > second.code\n\
         {sql} 'SELECT accounted::INT FROM scan_summary' > balance\n"
    ))
}
