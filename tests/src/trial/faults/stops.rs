//! Ends that are not the planned one: SIGINT, SIGTERM, and a second prober on the interface.

use anyhow::Result;

use super::{PATIENCE, judge, refused};
use crate::trial::{
    Size,
    account::Account,
    coverage::{Field, PORTS},
    finding::{Bound, Finding},
    kills,
    prober::Scan,
};

/// The cases, each on a field of its own.
pub fn run() -> Result<Finding> {
    let mut finding = Finding::new("stops");
    for (name, signal) in [("SIGINT", libc::SIGINT), ("SIGTERM", libc::SIGTERM)] {
        let mut stopped = Finding::new(name);
        stop(signal, &mut stopped)?;
        finding.absorb(name, stopped);
    }
    let mut opted_out = Finding::new("opt-out");
    opt_out(&mut opted_out)?;
    finding.absorb("opt-out", opted_out);
    Ok(finding)
}

/// A scan that is asked to end half-way, and resumed.
fn stop(signal: i32, finding: &mut Finding) -> Result<()> {
    /// Probes planned together: what was planned and not sent is sent again, and a batch may be half of each.
    const BATCH: f64 = 64.0;
    let field = Field::new(Size::Small)?;
    let directory = tempfile::tempdir()?;
    let prefix = field.prefix();
    let scan = Scan::new(
        directory.path(),
        &[&prefix, "-p", PORTS.0, "-r", "4k", "--rate-per-24", "0", "-c", "100ms", "--checkpoint-interval", "1m"],
    );
    let mut running = scan.start(&field.lab)?;
    running.until("half-way", PATIENCE, || Ok(field.lab.counts()?.probes() > field.cells() / 2))?;

    // Meanwhile another one finds the interface taken.
    let other = tempfile::tempdir()?;
    let refused = Scan::new(other.path(), &[&prefix, "-p", "80"]).start(&field.lab)?.ended_within(PATIENCE)?;
    let pid = running.pid().to_string();
    judge(finding, "another prober", &refused, 1, &["another prober", "p0", &pid, "prober control stop"]);

    running.signal(signal)?;
    let summary = running.ended_within(PATIENCE)?.summary()?;
    finding.exactly("ended by the signal", u64::from(summary["ending"] == "signal"), 1);
    finding.exactly("program detached", u64::from(kills::detaches(&field.lab)?), 1);
    let account = Account::read(&scan.database())?;
    finding.exactly("scan is interrupted", u64::from(account.status == "interrupted"), 1);
    account.close(finding);
    scan.and(&["--resume"]).complete(&field.lab, PATIENCE)?;
    let [never, once, more] = field.probed()?;
    finding.exactly("never probed", never, 0);
    finding.add("probed again", (field.lab.counts()?.probes() - once - more) as f64, Bound::AtMost(BATCH));
    let mut resumed = Finding::new("resumed");
    Account::read(&scan.database())?.close(&mut resumed);
    finding.absorb("resumed", resumed);
    Ok(())
}

/// Someone complains in the middle of a scan: it is stopped, his network is excluded, and it goes on without him.
fn opt_out(finding: &mut Finding) -> Result<()> {
    let field = Field::new(Size::Small)?;
    let directory = tempfile::tempdir()?;
    let prefix = field.prefix();
    let scan = Scan::new(directory.path(), &[&prefix, "-p", PORTS.0, "-r", "4k", "--rate-per-24", "0", "-c", "100ms"]);
    let mut running = scan.start(&field.lab)?;
    running.until("a quarter", PATIENCE, || Ok(field.lab.counts()?.probes() > field.cells() / 4))?;
    running.signal(libc::SIGINT)?;
    running.ended_within(PATIENCE)?.summary()?;

    let complainant = format!("{}/25", super::super::coverage::FIRST);
    let database = scan.database().to_string_lossy().into_owned();
    let excluded =
        refused(directory.path(), &["exclude", "add", &complainant, "--reason", "asked", "--db", &database])?;
    finding.exactly("exclusion stored", u64::from(excluded.status.success()), 1);
    let his = || -> Result<u64> {
        let first = u32::from(super::super::coverage::FIRST);
        let addresses = (first..first + 128).map(std::net::Ipv4Addr::from);
        let cells = field.lab.cells()?;
        Ok(addresses.flat_map(|address| PORTS.1.map(|port| cells.count(address, port).unwrap_or(0))).sum())
    };
    let before = his()?;
    scan.and(&["--resume"]).complete(&field.lab, PATIENCE)?;
    finding.exactly("probes to him after he asked", his()? - before, 0);
    let account = Account::read(&scan.database())?;
    let [never, _, _] = field.probed()?;
    // What was planned and not sent when the scan was stopped is planned twice.
    let held_back = account.counter("excluded_before_wire") as f64;
    finding.add("held back at the wire", held_back - never as f64, Bound::AtMost(64.0));
    finding.add("held back at least", held_back, Bound::AtLeast(never as f64));
    finding.exactly("never probed", never, 128 * 3 - before);
    finding.exactly("scan is finished", u64::from(account.status == "finished"), 1);
    Ok(())
}
