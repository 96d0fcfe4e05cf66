//! Ends that are not the planned one: SIGINT, SIGTERM, and a second prober on the interface.

use anyhow::Result;

use super::{PATIENCE, judge};
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
