//! What befalls a daemon that runs for years: an interface that goes down and comes up again, a database that others hold, a
//! disk that is full, far more answers than expected. It goes on by itself, or says in one line what to do, and its books
//! are right.

mod disk;

use std::{process::Command, thread, time::Duration};

use anyhow::Result;
use serde_json::json;

use super::{
    Size,
    account::{self, Account},
    faults::judge,
    finding::{Bound, Finding},
    prober::{Running, program},
    stage::{FIRST, PATIENCE, Stage, end},
};
use crate::{
    far_end::{CellRange, FarEndConfig},
    lab::Lab,
    wire,
};

const ADDRESSES: u32 = 1_024;
const PORTS: [u16; 2] = [80, 443];
/// Longer than what was checked before a change takes to leave.
const ON_ITS_WAY: Duration = Duration::from_millis(300);
/// How old the counts of a status may be.
const TOLD_WITHIN: Duration = Duration::from_millis(1_200);
/// Probes that may be lost with the link each time: a millisecond's, and what the kernel has.
const LOST_EACH: f64 = 512.0;

/// All of it.
pub fn run(size: Size) -> Result<Finding> {
    let mut all = Finding::new("hardship");
    for (name, finding) in [("link", link(size)?), ("flood", flood()?), ("locked", locked()?), ("disk", disk::run()?)] {
        all.absorb(name, finding);
    }
    Ok(all)
}

fn stage(answer_one_in: u32) -> Result<Stage> {
    let cells = CellRange { first: FIRST, addresses: ADDRESSES, ports: PORTS.to_vec() };
    let config = FarEndConfig { cells: Some(cells), answer_one_in, ..FarEndConfig::default() };
    let stage = Stage::new(Lab::reflector(&config)?, ADDRESSES)?;
    stage.write("optout.txt", "30.0.0.0/24\n")?;
    stage.configure("")?;
    Ok(stage)
}

/// The interface goes down and up again while it sends: our end, then the far one.
fn link(size: Size) -> Result<Finding> {
    let stage = stage(4)?;
    let mut finding = Finding::new("link");
    let mut running = stage.start()?;
    stage.until_sent(&mut running, u64::from(ADDRESSES) * 4)?;
    let downs = size.pick(2, 10);
    for down in 0..downs {
        let (namespace, interface) =
            if down % 2 == 0 { (stage.lab.prober(), wire::NEAR) } else { (stage.lab.world_side(), wire::FAR) };
        namespace.ip(&["link", "set", interface, "down"])?;
        stage.until(&mut running, "the link noticed to be down", |status| status["holds"] == json!(["link_down"]))?;
        // What is counted is told a second later at the most.
        thread::sleep(ON_ITS_WAY + TOLD_WITHIN);
        let sent = stage.control("status")?["watch"]["probing"]["sent"].as_u64();
        thread::sleep(4 * ON_ITS_WAY);
        let later = stage.control("status")?["watch"]["probing"]["sent"].as_u64();
        finding.exactly(format!("{down}: counted as sent while down"), u64::from(sent != later), 0);
        namespace.ip(&["link", "set", interface, "up"])?;
        let before = stage.lab.counts()?.syn;
        stage.until_sent(&mut running, before + u64::from(ADDRESSES) * 2)?;
    }
    let status = stage.control("status")?;
    finding.note("visits interrupted", status["watch"]["visits_interrupted"].as_f64().unwrap_or_default());
    // Who answered before answers still: nobody was taken for gone because nothing could be heard.
    finding.exactly("addresses taken for gone", status["watch"]["standings"]["gone"].as_u64().unwrap_or(u64::MAX), 0);
    let ended = end(running)?;
    let said = |what: &str| ended.complained.lines().filter(|line| line.contains(what)).count() as u64;
    finding.exactly("lines that say it is down", said("p0 is down: nothing is sent"), downs);
    finding.exactly("lines that say it is up", said("p0 is up again"), downs);
    let account = Account::read(&stage.database())?;
    let counted = stage.lab.counts()?.syn as f64;
    let lost = account.role("sent") as f64 - counted;
    finding.add("probes sent and not counted", lost, Bound::AtLeast(0.0));
    finding.add("probes lost with the link", lost, Bound::AtMost(LOST_EACH * downs as f64));
    account.close(&mut finding);
    let audited =
        account::rows(&stage.database(), "SELECT count(*) FROM audit WHERE what IN ('link.down', 'link.up')")?;
    finding.exactly("changes in the trail", audited[0][0].parse()?, 2 * downs);
    Ok(finding)
}

/// Everybody answers on every port, forty times what a country does.
fn flood() -> Result<Finding> {
    let stage = stage(1)?;
    let mut finding = Finding::new("flood");
    let mut running = stage.start()?;
    stage.until_sent(&mut running, u64::from(ADDRESSES) * 40)?;
    let status = stage.control("status")?;
    finding.exactly(
        "targets answering",
        status["watch"]["standings"]["answering"].as_u64().unwrap_or(0),
        ADDRESSES.into(),
    );
    finding.exactly("replies missed", status["watch"]["replies_missed"].as_u64().unwrap_or(u64::MAX), 0);
    end(running)?;
    let account = Account::read(&stage.database())?;
    finding.exactly("probes sent and not counted", account.role("sent").abs_diff(stage.lab.counts()?.syn), 0);
    account.close(&mut finding);
    Ok(finding)
}

/// A daemon runs; somebody wants to read its database, another daemon to write it.
fn locked() -> Result<Finding> {
    let stage = stage(4)?;
    let mut finding = Finding::new("locked");
    let mut running = stage.start()?;
    stage.until_sent(&mut running, u64::from(ADDRESSES))?;
    let database = stage.database().display().to_string();
    let pid = running.pid().to_string();
    let elsewhere = tempfile::tempdir()?;
    let mut reader = Command::new(program()?);
    reader.args(["sql", "--db", &database, "FROM scan_summary"]);
    let ended = Running::start(reader, elsewhere.path())?.ended_within(PATIENCE)?;
    judge(&mut finding, "a reader", &ended, 1, &[&database, "in use by", &pid, "wait until it ends"]);

    let other = Lab::counter(&FarEndConfig::default())?;
    let mut second = other.command(&program()?.to_string_lossy());
    second.args(["daemon", "--config"]).arg(stage.path("daemon.toml"));
    let ended = Running::start(second, elsewhere.path())?.ended_within(PATIENCE)?;
    judge(&mut finding, "another daemon", &ended, 1, &[&database, "in use by", &pid]);
    finding.exactly("probes of another daemon", other.counts()?.probes(), 0);

    let sent = stage.lab.counts()?.syn;
    stage.until_sent(&mut running, sent + u64::from(ADDRESSES))?;
    end(running)?;
    Account::read(&stage.database())?.close(&mut finding);
    Ok(finding)
}
