//! A watch that is killed again and again, also while it writes, and started again each time, in compressed time: none of
//! its targets is forgotten, none is asked above its rate, and the books are right. Judged by the far end's counters, address
//! by address, all the time.

pub mod moment;
pub mod witness;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use prober_common::address::V4;
use prober_common::lab::mix;
use prober_userspace::policy::interval::LADDER_S;

use self::moment::{FileWatch, Moment};
use self::witness::Witness;
use super::{
    Size,
    account::{self, Account},
    finding::{Bound, Finding},
    prober::{Running, program},
};
use crate::{
    far_end::{CellRange, FarEndConfig},
    lab::Lab,
};

const FIRST: V4 = V4(0x1410_0000);
/// All are counted at the far end.
const PORTS: [u16; 4] = [80, 443, 22, 23];
/// One address in so many answers.
const ANSWERING: u32 = 32;
/// Limits, packets/s.
const ADDRESS_PPS: f64 = 2.0;
const SLASH24_PPS: f64 = 500.0;
/// Of the overall limit, what the plan needs.
const NEED: f64 = 0.98;
const SAVE_MS: u64 = 500;
const COOLDOWN_MS: u64 = 200;
const PATIENCE: Duration = Duration::from_mins(2);
/// A kill that waits for a write waits no longer.
const WRITE_PATIENCE: Duration = Duration::from_mins(1);
/// What errands ahead of the wire, saving and looking once a second may shift a visit by, s.
const JITTER_S: f64 = 2.5;
/// How much later than due a visit may come besides, s: visits pile up over a restart and the plan needs nearly all there is.
const LATE_S: f64 = 10.0;
/// An address waits while all the others are visited once; twice as long over a kill, which repeats some, and at the beginning,
/// when the first visits are spread.
const ROUNDS_MOST: f64 = 2.0;
/// Rates are told over windows that begin and end when somebody looked.
const LOOKING: f64 = 1.1;

/// How large it is.
#[derive(Clone, Copy, Debug)]
struct Extent {
    addresses: u32,
    kills: u64,
    seconds: u64,
    pps: u32,
}

/// A watch in its lab, with its witness.
struct Stage<'a> {
    lab: &'a Lab,
    directory: &'a Path,
    extent: Extent,
    witness: Witness,
}

/// Kills it as often as the size says.
pub fn run(size: Size) -> Result<Finding> {
    let extent = size.pick(
        Extent { addresses: 2_048, kills: 4, seconds: 30, pps: 1_000 },
        Extent { addresses: 1 << 18, kills: 20, seconds: 3_600, pps: 50_000 },
    );
    let cells = CellRange { first: FIRST.0.into(), addresses: extent.addresses, ports: PORTS.to_vec() };
    let config = FarEndConfig { cells: Some(cells), answer_one_in: ANSWERING, ..FarEndConfig::default() };
    let lab = Lab::reflector(&config)?;
    let directory = tempfile::tempdir()?;
    let witness = Witness::new(extent.addresses, PORTS.len());
    let mut stage = Stage { lab: &lab, directory: directory.path(), extent, witness };
    stage.carry_out(size)
}

impl Extent {
    /// Between two visits of an address, s: half a day of the watch's clock.
    fn round_s(&self) -> f64 {
        f64::from(self.addresses) * PORTS.len() as f64 / (f64::from(self.pps) * NEED)
    }

    fn time_scale(&self) -> f64 {
        f64::from(LADDER_S[0]) / self.round_s()
    }
}

impl Stage<'_> {
    fn carry_out(&mut self, size: Size) -> Result<Finding> {
        let Extent { addresses, kills, seconds, pps } = self.extent;
        let end = Instant::now() + Duration::from_secs(seconds);
        let pause_ms = seconds * 1_000 / (kills + 1);
        let mut finding = Finding::new("endurance");
        let mut met = [0_u64; 4];
        let mut stopped = Instant::now();
        let mut longest_idle_s = 0.0_f64;
        for kill in 0..kills {
            let mut running = self.begin(stopped, &mut longest_idle_s, PATIENCE * 60)?;
            let moment = Moment::of(kill);
            // On average as long as the kills leave.
            let rest_ms = pause_ms / 2 + mix(kill ^ 0xfeed) % pause_ms;
            let rest_ms = if moment == Moment::Beginning { mix(kill ^ 0xbe) % 2_000 } else { rest_ms };
            self.pass(&mut running, Duration::from_millis(rest_ms))?;
            met[(kill % 4) as usize] += u64::from(self.arrive(moment)?);
            running.kill()?;
            stopped = Instant::now();
            self.witness.look_now(self.lab, self.soonest_s())?;
        }
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_secs(3));
        let before = self.lab.counts()?.probes();
        let mut last = self.begin(stopped, &mut longest_idle_s, left)?;
        let begun = Instant::now();
        while !last.has_ended()? {
            ensure!(begun.elapsed() < left + PATIENCE, "prober watch does not end after its --max-runtime");
            self.look()?;
            thread::sleep(Duration::from_millis(20));
        }
        let overdue = self.witness.overdue(self.extent.round_s() + LATE_S + JITTER_S);
        let ended = last.ended_within(PATIENCE)?;
        ensure!(ended.status.success(), "prober watch failed: {}", ended.complained);
        let status: serde_json::Value = serde_json::from_str(&ended.said).context("prober watch printed no JSON")?;

        finding.note("days of the watch's clock", status["clock_s"].as_f64().unwrap_or_default() / 86_400.0);
        finding.note("seconds", seconds as f64);
        finding.note("mean probes/s while it ran", self.mean_pps(seconds)?);
        finding.exactly("kills", met.len() as u64 * (kills / 4), kills);
        for (number, met) in (0..).zip(met) {
            finding.note(format!("kills {}", Moment::of(number).name()), met as f64);
        }
        finding.note("longest time from a kill to a probe, s", longest_idle_s);
        self.judge_visits(&mut finding, overdue, size);
        self.judge_rates(&mut finding, pps, addresses, size);
        let sent = status["probing"]["sent"].as_u64().unwrap_or_default();
        let arrived = self.lab.counts()?.probes() - before;
        finding.exactly("probes sent by the last watch and not counted", sent.abs_diff(arrived), 0);
        self.judge_books(&mut finding)?;
        Ok(finding)
    }

    /// Starts it, and waits for its first probe.
    fn begin(&mut self, stopped: Instant, longest_s: &mut f64, left: Duration) -> Result<Running> {
        let before = self.lab.counts()?.probes();
        let mut running = self.start(left)?;
        running.until("a probe", PATIENCE, || Ok(self.lab.counts()?.probes() > before))?;
        let idle = stopped.elapsed();
        *longest_s = longest_s.max(idle.as_secs_f64());
        self.witness.killed(idle);
        Ok(running)
    }

    fn start(&self, left: Duration) -> Result<Running> {
        let mut command = self.lab.command(&program()?.to_string_lossy());
        let bits = 32 - self.extent.addresses.ilog2();
        let ports = PORTS.map(|port| port.to_string()).join(",");
        command
            .args(["watch", &format!("{FIRST}/{bits}"), "--json", "--quiet", "-p", &ports, "--scheme", "standard"])
            .args(["-r", &self.extent.pps.to_string(), "--rate-per-24", &SLASH24_PPS.to_string()])
            .args(["--rate-per-address", &ADDRESS_PPS.to_string(), "-c", &format!("{COOLDOWN_MS}ms")])
            .args(["--checkpoint-interval", &format!("{SAVE_MS}ms")])
            .args(["--time-scale", &self.extent.time_scale().to_string()])
            .args(["--max-runtime", &format!("{}ms", left.as_millis()), "--db"])
            .arg(self.database());
        Running::start(command, self.directory)
    }

    fn database(&self) -> std::path::PathBuf {
        self.directory.join("watch.duckdb")
    }

    fn look(&mut self) -> Result<()> {
        self.witness.look(self.lab, self.soonest_s())
    }

    /// No visit comes sooner after the last one of its address, but after a kill.
    fn soonest_s(&self) -> f64 {
        self.extent.round_s() - JITTER_S
    }

    fn pass(&mut self, running: &mut Running, time: Duration) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            ensure!(!running.has_ended()?, "prober watch ended by itself");
            self.look()?;
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Waits for the moment; whether it came.
    fn arrive(&mut self, moment: Moment) -> Result<bool> {
        match moment {
            Moment::Any | Moment::Beginning => Ok(true),
            Moment::Committing | Moment::Checkpointing => {
                let file = FileWatch::new(&self.database(), moment);
                let patience = Duration::from_secs(self.extent.seconds / (2 * self.extent.kills)).min(WRITE_PATIENCE);
                file.changes_within(patience, || self.look())
            }
        }
    }

    fn mean_pps(&self, seconds: u64) -> Result<f64> {
        Ok(self.lab.counts()?.probes() as f64 / (seconds as f64 - self.witness.idle_s()).max(1.0))
    }

    fn judge_visits(&self, finding: &mut Finding, overdue: u64, size: Size) {
        let (seen, round_s) = (&self.witness.seen, self.extent.round_s());
        finding.note("visits at the far end", seen.visits as f64);
        finding.note("interval of visits, s", round_s);
        // Of these the wait in rounds tells as well; a small run may end before their time on a busy machine.
        timed(finding, "addresses never visited", self.witness.never() as f64, Bound::AtMost(0.0), size);
        // What a kill repeats: visits under way, and those decided since the last save.
        let way_s = (SAVE_MS + COOLDOWN_MS) as f64 / 1e3 + PORTS.len() as f64 / ADDRESS_PPS + 1.0;
        let share = f64::from(self.extent.pps) / PORTS.len() as f64 * way_s;
        finding.add(
            "visits that kills repeated",
            seen.repeated as f64,
            Bound::AtMost(share * self.extent.kills as f64),
        );
        let rounds = seen.longest_rounds.max(self.witness.waiting_rounds());
        finding.add("longest wait, rounds of all others", rounds, Bound::AtMost(ROUNDS_MOST));
        timed(finding, "addresses overdue at the end", overdue as f64, Bound::AtMost(0.0), size);
        timed(finding, "longest interval, s", seen.longest_s, Bound::AtMost(round_s + LATE_S + JITTER_S), size);
        timed(finding, "shortest interval, s", seen.shortest_s, Bound::AtLeast(round_s - JITTER_S), size);
    }

    fn judge_rates(&self, finding: &mut Finding, pps: u32, addresses: u32, size: Size) {
        let seen = &self.witness.seen;
        let slash24_pps = if addresses >= 256 { seen.slash24_pps } else { 0.0 };
        // Within a second an address gets one probe more than its limit, a /24 its burst of 32.
        timed(finding, "most probes/s to an address", seen.address_pps, Bound::AtMost(ADDRESS_PPS + 1.0), size);
        timed(finding, "most probes/s to a /24", slash24_pps, Bound::AtMost(SLASH24_PPS * LOOKING + 32.0), size);
        timed(finding, "most probes/s to all", seen.all_pps, Bound::AtMost(f64::from(pps) * LOOKING), size);
    }

    /// Of the last watch exactly; of those that were killed up to what their last second had not committed.
    fn judge_books(&self, finding: &mut Finding) -> Result<()> {
        let runs = account::rows(
            &self.database(),
            "SELECT scan_id, sent, accepted, replies + duplicates + lost FROM scan_summary ORDER BY 1",
        )?;
        finding.exactly("watches in the database", runs.len() as u64, self.extent.kills + 1);
        let number = |run: &Vec<String>, place: usize| run.get(place).and_then(|text| text.parse::<f64>().ok());
        let killed = &runs[..runs.len().saturating_sub(1)];
        let apart = |run: &Vec<String>| Some((number(run, 2)? - number(run, 3)?).abs());
        let most_apart = killed.iter().filter_map(apart).fold(0.0, f64::max);
        // Replies of two seconds: kernel counters and rows are committed together, but not read at the same moment.
        let replies_pps = f64::from(self.extent.pps) / f64::from(ANSWERING);
        finding.add("killed: accepted and accounted apart, most", most_apart, Bound::AtMost(2.0 * replies_pps + 64.0));
        let sent: f64 = runs.iter().filter_map(|run| number(run, 1)).sum();
        let counted = self.lab.counts()?.probes() as f64;
        finding.note("probes at the far end", counted);
        finding.add("probes in no book", counted - sent, Bound::AtLeast(0.0));
        let lost_s = 3.0 * self.extent.kills as f64;
        finding.add("probes in no book, at most", counted - sent, Bound::AtMost(lost_s * f64::from(self.extent.pps)));
        let replies: f64 = runs.iter().filter_map(|run| number(run, 3)).sum();
        let answered = (self.lab.counts()?.syn_ack_sent - self.lab.dropped_by_the_wire()?) as f64;
        finding.note("answers of the far end", answered);
        finding.add("answers in no book", answered - replies, Bound::AtLeast(0.0));
        finding.add("answers in no book, at most", answered - replies, Bound::AtMost(lost_s * replies_pps));
        Account::read(&self.database())?.close(finding);
        Ok(())
    }
}

/// Times are only judged in full size.
fn timed(finding: &mut Finding, name: &str, value: f64, bound: Bound, size: Size) {
    finding.add(name, value, if size == Size::Full { bound } else { Bound::Any });
}
