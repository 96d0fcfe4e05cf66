//! How fast: the prober's engines, bare loops, masscan and ZMap over one wire, in turns, each counted at the far end.

use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::{bare, median, scan};
use crate::{far_end::FarEndConfig, lab::Lab};

/// Targets of one run: 1,048,576 addresses, one port; none that the lab hands to a kernel.
const TARGETS: &str = "20.16.0.0/12";
const TARGET_COUNT: u32 = 1 << 20;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Contender {
    BareLiveFrames,
    LiveFrames,
    BareAfXdp,
    AfXdp,
    Packet,
    Masscan,
    Zmap,
}

impl Contender {
    const ALL: [Self; 7] =
        [Self::BareLiveFrames, Self::LiveFrames, Self::BareAfXdp, Self::AfXdp, Self::Packet, Self::Masscan, Self::Zmap];

    const fn name(self) -> &'static str {
        match self {
            Self::BareLiveFrames => "bare live-frames",
            Self::LiveFrames => "prober live-frames",
            Self::BareAfXdp => "bare af-xdp",
            Self::AfXdp => "prober af-xdp",
            Self::Packet => "prober packet",
            Self::Masscan => "masscan",
            Self::Zmap => "zmap",
        }
    }
}

/// One contender's runs.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    contender: Contender,
    /// Median rate at the far end, packets/s.
    pps: f64,
    least_pps: f64,
    most_pps: f64,
    /// Answers that came back to the contender's side, per run.
    answered: u64,
    /// Answers that it reported or stored, per run; nothing for bare loops.
    found: Option<u64>,
}

/// All contenders and the ratios that are asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Throughput {
    repeats: usize,
    rows: Vec<Row>,
    /// Rate of live frames over the faster of masscan and ZMap, median of the turns; so are the others.
    live_frames_over_peers: f64,
    /// Likewise of AF_XDP.
    af_xdp_over_peers: f64,
    /// Rate of live frames over its bare loop.
    live_frames_over_bare: f64,
    /// Likewise of AF_XDP.
    af_xdp_over_bare: f64,
}

/// Runs everything `repeats` times in turns.
pub fn measure(repeats: usize) -> Result<Throughput> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut runs: Vec<(Contender, Vec<Run>)> = Contender::ALL.map(|contender| (contender, Vec::new())).into();
    for _ in 0..repeats {
        for (contender, runs) in &mut runs {
            runs.push(run(*contender, folder.path()).with_context(|| format!("while {} ran", contender.name()))?);
        }
    }
    let pps = |wanted, turn: usize| {
        let runs = runs.iter().find(|(contender, _)| *contender == wanted);
        runs.and_then(|(_, runs)| runs.get(turn)).map_or(f64::NAN, |run| run.pps)
    };
    // Compared turn by turn, because the machine's speed drifts.
    let over = |ours, others: &[Contender]| {
        let of = |turn| pps(ours, turn) / others.iter().map(|other| pps(*other, turn)).fold(0.0, f64::max);
        median((0..repeats).map(of).collect())
    };
    let peers = [Contender::Masscan, Contender::Zmap];
    Ok(Throughput {
        repeats,
        live_frames_over_peers: over(Contender::LiveFrames, &peers),
        af_xdp_over_peers: over(Contender::AfXdp, &peers),
        live_frames_over_bare: over(Contender::LiveFrames, &[Contender::BareLiveFrames]),
        af_xdp_over_bare: over(Contender::AfXdp, &[Contender::BareAfXdp]),
        rows: runs.into_iter().map(|(contender, runs)| Row::new(contender, &runs)).collect(),
    })
}

struct Run {
    pps: f64,
    answered: u64,
    found: Option<u64>,
}

/// One run in a lab of its own, so that nobody inherits anything.
fn run(contender: Contender, folder: &Path) -> Result<Run> {
    let config = FarEndConfig { answer_one_in: 16, arrivals: true, ..FarEndConfig::default() };
    let mut lab = Lab::reflector(&config)?;
    let engine = match contender {
        Contender::BareLiveFrames | Contender::BareAfXdp => None,
        Contender::Masscan | Contender::Zmap => {
            // The reflector's answers only get through if a program runs at the near end too.
            lab.receive_by_kernel()?;
            None
        }
        Contender::LiveFrames => Some("live-frames"),
        Contender::AfXdp => Some("af-xdp"),
        Contender::Packet => Some("packet"),
    };
    let found = match (contender, engine) {
        (Contender::BareLiveFrames, _) => bare::live_frames(&lab, &config, TARGET_COUNT).map(|()| None)?,
        (Contender::BareAfXdp, _) => bare::af_xdp(&lab, &config, TARGET_COUNT as usize).map(|()| None)?,
        (Contender::Masscan, _) => Some(masscan(&lab, folder)?),
        (Contender::Zmap, _) => Some(zmap(&lab, folder)?),
        (_, Some(engine)) => Some(prober(&lab, folder, engine)?),
        (_, None) => None,
    };
    let arrivals = lab.arrivals()?;
    ensure!(arrivals.total() > 0, "nothing arrived");
    let counts = lab.counts()?;
    Ok(Run { pps: arrivals.total() as f64 * 1e9 / arrivals.span_ns() as f64, answered: counts.syn_ack_sent, found })
}

fn prober(lab: &Lab, folder: &Path, engine: &str) -> Result<u64> {
    let arguments =
        [TARGETS, "-p", "80", "--rate", "max", "--rate-per-24", "0", "--cooldown-time", "1s", "--engine", engine];
    let summary = scan(lab, &folder.join("prober.duckdb"), &arguments)?;
    Ok(summary.last.replies.get("syn_ack").copied().unwrap_or(0))
}

fn masscan(lab: &Lab, folder: &Path) -> Result<u64> {
    let list = folder.join("masscan.txt");
    let (source_mac, gateway_mac) = lab.macs()?;
    let mut command = lab.command("masscan");
    command
        .args([TARGETS, "-p80", "--rate", "100000000", "--wait", "1", "--seed", "1", "-e", &lab.interface()])
        .args(["--router-mac", &mac(gateway_mac), "--adapter-mac", &mac(source_mac)])
        .args(["--adapter-ip", &lab.source().to_string(), "-oL"])
        .arg(&list);
    finish(lab, command)?;
    lines(&list, |line| line.starts_with("open"))
}

fn zmap(lab: &Lab, folder: &Path) -> Result<u64> {
    let list = folder.join("zmap.txt");
    let (_, gateway_mac) = lab.macs()?;
    let mut command = lab.command("zmap");
    command
        .args([TARGETS, "-p", "80", "-B", "100G", "-T", "1", "-c", "1", "-e", "1", "-q", "-i", &lab.interface()])
        .args(["-G", &mac(gateway_mac), "-S", &lab.source().to_string(), "-o"])
        .arg(&list);
    finish(lab, command)?;
    lines(&list, |line| line.starts_with("20."))
}

/// Runs a peer to its end. masscan can wait for ever for one more packet when all have come, so after a while there is
/// a ping now and then.
fn finish(lab: &Lab, mut command: Command) -> Result<()> {
    const QUIET_AFTER: Duration = Duration::from_secs(8);
    const PATIENCE: Duration = Duration::from_mins(2);
    let name = command.get_program().to_string_lossy().into_owned();
    let complaints = tempfile::tempfile().context("cannot make a temporary file")?;
    let mut child = command
        .stdout(Stdio::null())
        .stderr(complaints.try_clone().context("cannot share a temporary file")?)
        .spawn()
        .with_context(|| format!("cannot run {name}; `cargo xtask setup` installs it"))?;
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().with_context(|| format!("cannot wait for {name}"))? {
            break status;
        }
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{name} did not end within {} s", PATIENCE.as_secs());
        }
        if started.elapsed() > QUIET_AFTER {
            let mut ping = lab.world_side().command("ping");
            ping.args(["-c1", "-W1", &lab.source().to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
            // Whether it is answered does not matter.
            let _ = ping.status();
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let mut said = String::new();
    let mut complaints = complaints;
    complaints.rewind().and_then(|()| complaints.read_to_string(&mut said)).context("cannot read what it said")?;
    ensure!(status.success(), "{name} failed: {}", said.trim());
    Ok(())
}

fn lines(list: &Path, counts: impl Fn(&str) -> bool) -> Result<u64> {
    let text = std::fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    Ok(text.lines().filter(|line| counts(line)).count() as u64)
}

fn mac(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

impl Row {
    fn new(contender: Contender, runs: &[Run]) -> Self {
        let pps = |pick: fn(f64, f64) -> f64, start| runs.iter().map(|run| run.pps).fold(start, pick);
        Self {
            contender,
            pps: median(runs.iter().map(|run| run.pps).collect()),
            least_pps: pps(f64::min, f64::INFINITY),
            most_pps: pps(f64::max, 0.0),
            answered: runs.iter().map(|run| run.answered).max().unwrap_or(0),
            found: runs.iter().filter_map(|run| run.found).min(),
        }
    }
}

impl std::fmt::Display for Throughput {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            out,
            "{:<20} {:>12} {:>12} {:>12} {:>9} {:>9}",
            "median of runs", "pps", "least", "most", "answered", "found"
        )?;
        for row in &self.rows {
            let found = row.found.map_or_else(|| "-".to_owned(), |found| found.to_string());
            writeln!(
                out,
                "{:<20} {:>12.0} {:>12.0} {:>12.0} {:>9} {found:>9}",
                row.contender.name(),
                row.pps,
                row.least_pps,
                row.most_pps,
                row.answered
            )?;
        }
        writeln!(
            out,
            "live-frames over the faster peer {:.2} x, af-xdp {:.2} x",
            self.live_frames_over_peers, self.af_xdp_over_peers
        )?;
        write!(
            out,
            "live-frames over its bare loop {:.1} %, af-xdp {:.1} %",
            100.0 * self.live_frames_over_bare,
            100.0 * self.af_xdp_over_bare
        )
    }
}
