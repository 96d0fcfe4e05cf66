//! More answers than the kernel's ring holds while the prober cannot run at all: what does not fit is counted, and the
//! books still balance.

use std::time::Duration;

use anyhow::Result;

use super::{
    Size,
    account::Account,
    finding::{Bound, Finding},
    prober::Scan,
};
use crate::{
    far_end::FarEndConfig,
    lab::Lab,
    world::{Habits, WorldConfig, delay::Delay},
};

const PATIENCE: Duration = Duration::from_mins(5);

/// One scan, stopped by SIGSTOP after its last probe, before the first answer.
pub fn run(size: Size) -> Result<Finding> {
    // The ring holds 400,000 answers.
    let (bits, replays) = size.pick((17, 4), (16, 9));
    let delay = Delay::Constant { ns: 12_000_000_000 };
    let habits = Habits { delay: Some(delay), loss: Some(0.0), duplicates: Some(0.0) };
    let far_end = FarEndConfig { seed: 4, answer_one_in: 1, ..FarEndConfig::default() };
    let mut lab = Lab::world(&far_end, &WorldConfig { habits, replays, records: None, ..WorldConfig::default() })?;
    let directory = tempfile::tempdir()?;
    let (targets, probes) = (format!("20.12.0.0/{bits}"), 4u64 << (32 - bits));
    let scan = Scan::new(
        directory.path(),
        &[&targets, "-p", "80,443,22,icmp", "-r", "30k", "--rate-per-24", "0", "-c", "30s"],
    );
    let mut running = scan.start(&lab)?;
    running.until("done sending", PATIENCE, || Ok(lab.counts()?.probes() >= probes))?;
    let early = lab.world_counts().map_or(0, |counts| counts.answered);
    running.signal(libc::SIGSTOP)?;
    let is_quiet = || Ok(lab.world_counts().is_some_and(|counts| counts.arrivals >= probes && counts.pending == 0));
    running.until("the world is quiet", PATIENCE, is_quiet)?;
    running.signal(libc::SIGCONT)?;
    running.ended_within(PATIENCE)?.summary()?;

    let counts = lab.stop_world()?;
    let account = Account::read(&scan.database())?;
    let mut finding = Finding::new("overflow");
    finding.exactly("arrivals that the world lost", lab.counts()?.arrivals_lost + counts.send_failed, 0);
    finding.note("answered before the prober was stopped", early as f64);
    finding.note("answers of the world", (counts.answered + counts.repeated) as f64);
    finding.add("lost in the ring, counted", account.counter("ring_full") as f64, Bound::AtLeast(1.0));
    finding.exactly("accepted", account.role("accepted"), counts.answered + counts.repeated);
    account.close(&mut finding);
    Ok(finding)
}
