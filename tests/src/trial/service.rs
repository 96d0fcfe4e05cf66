//! The daemon as a service: reloaded while it sends, exclusions that change under it, garbage instead of exclusions, the
//! kill switch, kills. What reached whom is counted at the far end.

mod looking;

use std::{
    fmt::Write as _,
    fs,
    net::Ipv4Addr,
    ops::Range,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    Size,
    account::{self, Account},
    finding::{Bound, Finding},
    prober::Running,
    stage::{FIRST, PATIENCE, Stage, end},
};
use crate::{
    far_end::{CellRange, FarEndConfig},
    lab::Lab,
};

const ADDRESSES: u32 = 1_024;
const PORTS: [u16; 2] = [80, 443];
/// The first of the addresses: those that ask to be left out.
const ASKED: u32 = 64;
/// Prefixes on the list from the beginning, elsewhere.
const PREFIXES: u32 = 10_000;
/// Longer than what was checked before a change takes to leave.
const ON_ITS_WAY: Duration = Duration::from_millis(300);
/// Promised: until a reload is done, and until an exclusion counts, ms.
const PROMISED_MS: f64 = 1_000.0;

/// All of it, one after the other.
pub fn run(size: Size) -> Result<Finding> {
    let cells = CellRange { first: FIRST, addresses: ADDRESSES, ports: PORTS.to_vec() };
    let config = FarEndConfig { cells: Some(cells), verify: true, answer_one_in: 4, ..FarEndConfig::default() };
    let stage = Stage::new(Lab::reflector(&config)?, ADDRESSES)?;
    stage.write("optout.txt", &optout(""))?;
    stage.configure("")?;
    let mut finding = Finding::new("service");

    let mut running = stage.start()?;
    stage.until_sent(&mut running, u64::from(ADDRESSES) * 4)?;
    let reloads = size.pick(5, 50);
    stage.reload(&mut finding, reloads, size)?;
    stage.exclude(&mut running, &mut finding, size)?;
    stage.leave(&mut running, &mut finding)?;
    stage.look_into(&mut running, &mut finding)?;
    stage.garble(&mut running, &mut finding)?;
    stage.kill_switch(&mut running, &mut finding)?;
    stage.signatures(&mut running, &mut finding)?;
    stage.night(&mut running, &mut finding)?;
    end(running)?;

    let account = Account::read(&stage.database())?;
    let counted = stage.lab.counts()?;
    finding.exactly("probes sent and not counted at the far end", account.role("sent").abs_diff(counted.syn), 0);
    finding.exactly("broken frames", counted.bad_checksum + counted.truncated, 0);
    account.balance(&mut finding);
    finding
        .note("probes held back at the wire when exclusions changed", account.counter("excluded_before_wire") as f64);
    let audited = |what: &str| -> Result<u64> {
        let query = format!("SELECT count(*) FROM audit WHERE what = '{what}'");
        let rows = account::rows(&stage.database(), &query)?;
        Ok(rows.first().and_then(|row| row.first()).and_then(|count| count.parse().ok()).unwrap_or(0))
    };
    finding.exactly("reloads in the trail", audited("config.reload")?, reloads + 3);
    finding.exactly("refused reloads in the trail", audited("config.refused")?, 1);
    finding.exactly("databases of signatures", databases(&stage)?, 2);
    finding.exactly("nights asked for in the trail", audited("daemon.nightly")?, 1);
    finding.exactly("networks learnt of", networks(&stage)?, u64::from(ADDRESSES / 256));
    finding.exactly("refused exclusions in the trail", audited("exclusions.refused")?, 1);
    finding.exactly("uses of the kill switch in the trail", audited("daemon.kill_switch")?, 2);

    stage.pause_over_a_kill(&mut finding)?;
    for _ in 0..size.pick(3, 20) {
        let before = stage.lab.counts()?.syn;
        let mut running = stage.start()?;
        stage.until_sent(&mut running, before + u64::from(ADDRESSES))?;
        running.kill()?;
    }
    let before = stage.asked()?;
    let mut running = stage.start()?;
    let sent = stage.lab.counts()?.syn;
    stage.until_sent(&mut running, sent + u64::from(ADDRESSES) * 4)?;
    end(running)?;
    finding.exactly("packets to the excluded after kills", stage.asked()? - before, 0);
    Account::read(&stage.database())?.close(&mut finding);
    Ok(finding)
}

/// The list from the beginning, and more.
fn optout(more: &str) -> String {
    let mut list = String::new();
    for number in 0..PREFIXES {
        // Writing to a String cannot fail.
        let _ = writeln!(list, "{}/24", Ipv4Addr::from(u32::from(Ipv4Addr::new(30, 0, 0, 0)) + (number << 9)));
    }
    list + more
}

impl Stage {
    /// Packets to those who ask to be left out.
    fn asked(&self) -> Result<u64> {
        self.to(0..ASKED)
    }

    /// Packets to some of the addresses.
    fn to(&self, numbers: Range<u32>) -> Result<u64> {
        let cells = self.lab.cells()?;
        let addresses = numbers.map(|number| Ipv4Addr::from(u32::from(FIRST) + number));
        Ok(addresses.flat_map(|address| PORTS.map(|port| cells.count(address, port).unwrap_or(0))).sum())
    }

    fn reload(&self, finding: &mut Finding, times: u64, size: Size) -> Result<()> {
        let mut longest_ms = 0.0_f64;
        for _ in 0..times {
            let begun = Instant::now();
            self.control("reload")?;
            longest_ms = longest_ms.max(begun.elapsed().as_secs_f64() * 1e3);
        }
        timed(finding, "longest reload, with its command, ms", longest_ms, size);
        Ok(())
    }

    fn exclude(&self, running: &mut Running, finding: &mut Finding, size: Size) -> Result<()> {
        let before = excluded(&self.control("status")?);
        self.write("optout.txt", &optout(&format!("{FIRST}/26 # asked by mail\n")))?;
        let begun = Instant::now();
        self.until(running, "the exclusion in force", |status| excluded(status) >= before + u64::from(ASKED))?;
        timed(finding, "until an exclusion is in force, ms", begun.elapsed().as_secs_f64() * 1e3, size);
        thread::sleep(ON_ITS_WAY);
        let to_asked = self.asked()?;
        let sent = self.lab.counts()?.syn;
        self.until_sent(running, sent + u64::from(ADDRESSES) * 4)?;
        finding.note("packets to them before", to_asked as f64);
        finding.exactly("packets to the excluded", self.asked()? - to_asked, 0);
        Ok(())
    }

    /// The work of a night, asked for: what it learns is taken over while it sends, and holds nothing up.
    fn night(&self, running: &mut Running, finding: &mut Finding) -> Result<()> {
        let is_over = |status: &Value| status["upkeep"]["nightly_under_way"] == false;
        self.until(running, "the night of the start over", is_over)?;
        self.control("nightly")?;
        self.until(running, "the night over", is_over)?;
        let learnt = &self.control("status")?["upkeep"]["learnt_at_s"];
        finding.exactly("nights that learnt of networks", u64::from(learnt.is_number()), 1);
        let sent = self.lab.counts()?.syn;
        self.until_sent(running, sent + u64::from(ADDRESSES) * 4)
    }

    /// Half of the targets leave the list and come back.
    fn leave(&self, running: &mut Running, finding: &mut Finding) -> Result<()> {
        let half = ADDRESSES / 2;
        self.configure_for(half, "")?;
        self.control("reload")?;
        thread::sleep(ON_ITS_WAY);
        let before = self.to(half..ADDRESSES)?;
        let sent = self.lab.counts()?.syn;
        self.until_sent(running, sent + u64::from(half) * 4)?;
        finding.exactly("packets to those that are no targets any more", self.to(half..ADDRESSES)? - before, 0);
        self.configure("")?;
        self.control("reload")?;
        running.until("those that came back probed", PATIENCE, || Ok(self.to(half..ADDRESSES)? > before))
    }

    /// What the operator paused stays paused.
    fn pause_over_a_kill(&self, finding: &mut Finding) -> Result<()> {
        let mut running = self.start()?;
        let before = self.lab.counts()?.syn;
        self.until_sent(&mut running, before + u64::from(ADDRESSES))?;
        self.control("pause")?;
        thread::sleep(ON_ITS_WAY);
        running.kill()?;
        let sent = self.lab.counts()?.syn;
        let mut running = self.start()?;
        let paused = serde_json::json!(["operator"]);
        running.until("the pause obeyed again", PATIENCE, || {
            // It does not listen at once.
            Ok(self.control("status").is_ok_and(|status| status["holds"] == paused))
        })?;
        thread::sleep(4 * ON_ITS_WAY);
        finding.exactly("probes after a restart while paused", self.lab.counts()?.syn - sent, 0);
        self.control("resume")?;
        self.until_sent(&mut running, sent + u64::from(ADDRESSES))?;
        end(running)?;
        Ok(())
    }

    fn garble(&self, running: &mut Running, finding: &mut Finding) -> Result<()> {
        let to_asked = self.asked()?;
        self.write("optout.txt", "<html><body>502 Bad Gateway</body></html>\n")?;
        self.until(running, "the garbage refused", |status| status["exclusions"]["problem"].is_string())?;
        let sent = self.lab.counts()?.syn;
        self.until_sent(running, sent + u64::from(ADDRESSES) * 4)?;
        finding.exactly("packets to the excluded with garbage in the list", self.asked()? - to_asked, 0);
        self.write("optout.txt", &optout(&format!("{FIRST}/26\n")))?;
        self.until(running, "the list taken over", |status| status["exclusions"]["problem"].is_null())
    }

    /// Other signatures are taken over while it sends; broken ones are not, and are told with file and line.
    fn signatures(&self, running: &mut Running, finding: &mut Finding) -> Result<()> {
        let before = self.control("status")?;
        let file = self.path("own.toml");
        let own = "[[device]]\nname = \"Lab CAM-1\"\nsource = \"this lab\"\n\
                   keywords = [{ regex = 'LAB-CAM-1/', weight = 1.0 }]\n";
        self.write("own.toml", own)?;
        self.configure(&format!("signatures = \"{}\"\n", file.display()))?;
        let after = self.control("reload")?;
        let devices = |status: &Value| status["signatures"]["devices"].as_u64().unwrap_or(0);
        finding.exactly("devices more after a reload", devices(&after) - devices(&before), 1);
        self.write("own.toml", &own.replace("1.0", "3.0"))?;
        let refusal = self.control("reload").err().map(|cause| cause.to_string()).unwrap_or_default();
        let place = format!("{}:4: the weight is 3", file.display());
        finding.exactly("broken signatures told with file and line", u64::from(refusal.contains(&place)), 1);
        finding.remark(refusal);
        // For the next start, which refuses them.
        self.write("own.toml", own)?;
        let kept = self.control("status")?;
        finding.exactly("the old ones stay", u64::from(kept["signatures"] == after["signatures"]), 1);
        let sent = self.lab.counts()?.syn;
        self.until_sent(running, sent + u64::from(ADDRESSES) * 2)
    }

    fn kill_switch(&self, running: &mut Running, finding: &mut Finding) -> Result<()> {
        self.write("STOP", "")?;
        self.until(running, "the kill switch obeyed", |status| status["holds"] == serde_json::json!(["kill_switch"]))?;
        thread::sleep(ON_ITS_WAY);
        let sent = self.lab.counts()?.syn;
        thread::sleep(4 * ON_ITS_WAY);
        finding.exactly("probes while the kill switch is there", self.lab.counts()?.syn - sent, 0);
        remove(&self.path("STOP"))?;
        self.until_sent(running, sent + u64::from(ADDRESSES))
    }
}

fn databases(stage: &Stage) -> Result<u64> {
    let rows = account::rows(&stage.database(), "SELECT count(DISTINCT database_version) FROM device_signature")?;
    Ok(rows.first().and_then(|row| row.first()).and_then(|count| count.parse().ok()).unwrap_or(0))
}

/// Of which it is known how busy they are.
fn networks(stage: &Stage) -> Result<u64> {
    let rows = account::rows(&stage.database(), "SELECT count(*) FROM cluster_member")?;
    Ok(rows.first().and_then(|row| row.first()).and_then(|count| count.parse().ok()).unwrap_or(0))
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
}

fn excluded(status: &Value) -> u64 {
    status["exclusions"]["addresses"].as_u64().unwrap_or(0)
}

/// A time is only judged in full size.
fn timed(finding: &mut Finding, name: &str, ms: f64, size: Size) {
    match size {
        Size::Small => finding.note(name, ms.round()),
        Size::Full => finding.add(name, ms.round(), Bound::AtMost(PROMISED_MS)),
    }
}
