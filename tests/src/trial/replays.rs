//! Genuine answers that come again: at once from the world itself, and a second time from an attacker on the path who
//! kept them. They are counted as duplicates and not stored twice.

use std::time::Duration;

use anyhow::Result;

use super::{Size, account::Account, finding::Finding, prober::Scan};
use crate::{
    far_end::FarEndConfig,
    lab::Lab,
    replayer::{self, Replayer},
    world::{Habits, WorldConfig, delay::Delay},
};

const PATIENCE: Duration = Duration::from_mins(5);

/// One scan of a world that says everything three times, then the attacker.
pub fn run(size: Size) -> Result<Finding> {
    const REPLAYS: u8 = 2;
    let bits = size.pick(23, 18);
    let habits = Habits { delay: Some(Delay::Constant { ns: 5_000_000 }), loss: Some(0.0), duplicates: Some(0.0) };
    let far_end = FarEndConfig { seed: 4, answer_one_in: 1, ..FarEndConfig::default() };
    let mut lab =
        Lab::world(&far_end, &WorldConfig { habits, replays: REPLAYS, records: None, ..WorldConfig::default() })?;
    let replayer = Replayer::listen(lab.world_side())?;
    let directory = tempfile::tempdir()?;
    let targets = format!("20.10.0.0/{bits}");
    let scan = Scan::new(directory.path(), &[&targets, "-p", "80,icmp", "-r", "5k", "--rate-per-24", "0", "-c", "20m"]);
    let mut running = scan.start(&lab)?;
    let probes = 2u64 << (32 - bits);
    running.until("done sending", PATIENCE, || Ok(lab.counts()?.probes() >= probes))?;
    let is_quiet = || Ok(lab.world_counts().is_some_and(|counts| counts.arrivals >= probes && counts.pending == 0));
    running.until("the world is quiet", PATIENCE, is_quiet)?;
    let kept = replayer.heard(lab.source(), 500, usize::MAX)?;
    let again = replayer::replay(lab.world_side(), &kept, 1)?;
    // What was sent again is still on its way through two queues.
    std::thread::sleep(Duration::from_secs(1));
    running.signal(libc::SIGINT)?;
    running.ended_within(PATIENCE)?.summary()?;

    let counts = lab.stop_world()?;
    let account = Account::read(&scan.database())?;
    let mut finding = Finding::new("replays");
    finding.exactly("arrivals that the world lost", lab.counts()?.arrivals_lost + counts.send_failed, 0);
    finding.exactly("rows", account.rows, counts.answered);
    finding.exactly("rows stored twice", account.repeats, 0);
    finding.exactly("repeated by the world", counts.repeated, counts.answered * u64::from(REPLAYS));
    finding.exactly("kept by the attacker", kept.len() as u64, counts.answered + counts.repeated);
    finding.exactly("duplicates", account.role("duplicate"), counts.repeated + again);
    account.close(&mut finding);
    Ok(finding)
}
