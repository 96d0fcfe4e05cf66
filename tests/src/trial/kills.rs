//! A scan that is killed at random moments and resumed each time: nothing is missing at the end, what is repeated was
//! sent after the last checkpoint, and no program stays attached.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use prober_common::lab::mix;

use super::{
    Size,
    account::Account,
    coverage::{Field, PATIENCE, PORTS},
    finding::{Bound, Finding},
    prober::Scan,
};
use crate::{lab::Lab, namespace::Namespace, wire};

/// Kills it `kills` times, then lets it come to its end.
pub fn run(size: Size) -> Result<Finding> {
    let kills = size.pick(3, 10);
    let (rate_pps, interval_ms, longest_ms) = size.pick((3_000, 300, 900), (30_000, 1_000, 3_500));
    let field = Field::new(size)?;
    let directory = tempfile::tempdir()?;
    let (prefix, rate, interval) = (field.prefix(), rate_pps.to_string(), format!("{interval_ms}ms"));
    let scan = Scan::new(
        directory.path(),
        &[&prefix, "-p", PORTS.0, "-r", &rate, "--rate-per-24", "0", "-c", "100ms", "--checkpoint-interval", &interval],
    );
    let (mut killed, mut worst, mut attached) = (0, 0, 0);
    for kill in 0..kills {
        let mut running =
            if kill == 0 { scan.start(&field.lab)? } else { scan.and(&["--resume"]).start(&field.lab)? };
        if kill == 0 {
            // Before the first probe there is nothing to resume.
            running.until("the first probe", PATIENCE, || Ok(field.lab.counts()?.probes() > 0))?;
        }
        // Any moment, that of starting included.
        thread::sleep(Duration::from_millis(mix(kill ^ 0xdead) % longest_ms));
        if running.has_ended()? {
            running.ended_within(PATIENCE)?.summary().context("a resumed scan failed")?;
            break;
        }
        let before = repeats(&field)?;
        running.kill()?;
        killed += 1;
        attached += u64::from(!detaches(&field.lab)?);
        worst = worst.max(repeats(&field)? - before);
    }
    let account = Account::read(&scan.database())?;
    if account.status != "finished" {
        scan.and(&["--resume"]).complete(&field.lab, PATIENCE)?;
    }
    let mut finding = Finding::new("kills");
    let [never, _, _] = field.probed()?;
    finding.add("kills", killed as f64, Bound::AtLeast(size.pick(1.0, 10.0)));
    finding.exactly("never probed", never, 0);
    let share = rate_pps as f64 * interval_ms as f64 / 1e3;
    finding.note("one interval's worth", share);
    finding.add("probes repeated", repeats(&field)? as f64, Bound::AtMost(killed as f64 * share));
    finding.exactly("programs left attached", attached, 0);
    field.nothing_else(&mut finding)?;
    let account = Account::read(&scan.database())?;
    finding.exactly("scan is finished", u64::from(account.status == "finished"), 1);
    account.close(&mut finding);
    Ok(finding)
}

/// Probes that went to a cell that had got one before.
fn repeats(field: &Field) -> Result<u64> {
    let probes = field.lab.counts()?.probes();
    let [_, once, more] = field.probed()?;
    Ok(probes.saturating_sub(once + more))
}

/// Whether no XDP program is left on the prober's interface. The kernel needs a moment after the process is gone.
pub fn detaches(lab: &Lab) -> Result<bool> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let started = Instant::now();
    while is_attached(lab.prober())? {
        if started.elapsed() > PATIENCE {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(true)
}

/// Whether an XDP program sits on the prober's interface.
pub fn is_attached(prober: &Namespace) -> Result<bool> {
    let shown = prober.command("ip").args(["-details", "link", "show", wire::NEAR]).output()?;
    Ok(String::from_utf8_lossy(&shown.stdout).contains("xdp"))
}
