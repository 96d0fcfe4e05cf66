//! `prober study`: terminals probed in series over minutes, every send stored, so that silence is known and causes can be told.

mod terminals;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use prober_common::address::V4;
use serde::Serialize;

use super::UsageError;
use super::interrupt::interrupted;
use super::output::{put, put_json};
use super::scan;
use super::settings::{Layers, SettingFlags, Settings};
use super::table::Table;
use crate::engine;
use crate::engine::study::{StudyOutcome, StudyRun};
use crate::io::privileges;
use crate::policy::study::{StudyMode, StudyRequest, StudySend, schedule};
use crate::target::plan::Scope;
use crate::target::shared_exclusions::SharedExclusions;

/// Most terminals of one study.
const TERMINALS_MAX: u64 = 65_536;

const EXAMPLES: &str = "\
Examples:
  What would be sent, and for how long:
    prober study 192.0.2.7 192.0.2.9 -p 22,80,443 --dry-run
  Study two terminals for some minutes, then say what is wrong with them:
    prober study 192.0.2.7 192.0.2.9 -p 22,80,443,icmp --db result.duckdb
    prober cause estimate --scan last --db result.duckdb
    prober network estimate --scan last --db result.duckdb
  Pairs of probes for a whole /24, at most 4 probes a second to it:
    prober study 198.51.100.0/24 -p 80 --mode pairs --budget 4
  One terminal of each /24 of a network, picked by what it answered before:
    prober study --network 198.51.100.0/22 -p 22,80,icmp --db result.duckdb

Targets, ports, exclusions and the way out are set as for `prober scan`. An echo request (port `icmp`) is larger than a
SYN: with both, delays of two sizes are known.";

/// Probe terminals in series over minutes and store every send, so that silence is known
///
/// Never sends more than --budget probes a second to one access point (/24), whatever the number of its terminals: their
/// bursts take turns. The estimates of `prober cause` and `prober network` then read the study like any scan (--scan last).
///
/// With --json prints one object: `terminals`, `access_points`, `probes`, `seconds`, `budget_pps`, `busiest_pps` (most probes a second
/// to one access point), and after a study `scan`, `sent`, `excluded`, `replies`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct StudyCommand {
    #[command(flatten)]
    settings: SettingFlags,
    /// Study terminals of this network (prefix or range) that answered before: of each /24 those not studied yet, or longest
    /// ago, that answer on most ports
    #[arg(long, value_name = "PREFIX", help_heading = "Study")]
    network: Vec<String>,
    /// Most terminals of each /24 that --network picks
    #[arg(long, value_name = "N", default_value_t = 1, requires = "network", help_heading = "Study",
          value_parser = clap::value_parser!(u16).range(1..=256))]
    per_access_point: u16,
    /// How probes follow each other
    #[arg(long, value_enum, default_value_t = StudyMode::Series, help_heading = "Study")]
    mode: StudyMode,
    /// Bursts (or pairs) of each terminal
    #[arg(long, value_name = "N", help_heading = "Study")]
    bursts: Option<u32>,
    /// Most probes a second to one access point (/24)
    #[arg(long, value_name = "PPS", default_value_t = 20.0, help_heading = "Study")]
    budget: f64,
    /// Print the schedule's figures and send nothing
    #[arg(short, long, help_heading = "Mode")]
    dry_run: bool,
    /// Print JSON
    #[arg(long, help_heading = "Mode")]
    json: bool,
}

/// Refuses what is said for a scan and would be overlooked here: above all what was said for manners.
fn refuse_unused(settings: &Settings) -> Result<(), UsageError> {
    let usual = Settings::resolve(&Layers::defaults()).map_err(|cause| UsageError(cause.to_string()))?;
    let said = [
        ("--max-runtime", settings.max_runtime.is_some()),
        ("--max-targets", settings.max_targets.is_some()),
        ("--max-results", settings.max_results.is_some()),
        ("--shard", settings.shard.count() > 1),
        ("--probes", settings.probes != usual.probes),
        ("--rate-per-24 (--budget is that of a study)", (settings.rate_per_24 - usual.rate_per_24).abs() > 0.0),
        ("--grab", settings.grab),
        ("--status-json", settings.status_json.is_some()),
    ];
    let unused: Vec<&str> = said.iter().filter(|(_, is_said)| *is_said).map(|(name, _)| *name).collect();
    if unused.is_empty() {
        return Ok(());
    }
    Err(UsageError(format!("a study does not know {}; leave it out", unused.join(", "))))
}

/// What a schedule amounts to.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Outline {
    terminals: usize,
    access_points: usize,
    probes: usize,
    seconds: f64,
    budget_pps: f64,
    busiest_pps: f64,
    #[serde(flatten)]
    outcome: Option<StudyOutcome>,
}

impl StudyCommand {
    /// Studies, or shows what a study would send.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let layers = scan::layers(None, self.settings.clone())?;
        let mut settings = Settings::resolve(&layers).map_err(|cause| UsageError(cause.to_string()))?;
        refuse_unused(&settings)?;
        let exclusions = scan::exclusions(&settings)?;
        if !self.network.is_empty() {
            let each = usize::from(self.per_access_point);
            let chosen = terminals::chosen(&self.network, each, &settings.db, &exclusions)?;
            settings.targets.extend(chosen.iter().map(V4::to_string));
        }
        let Scope::Product { addresses, ports } = scan::scope(&settings)? else {
            return Err(UsageError("a study is of addresses and ports; leave out --pairs-file".to_owned()).into());
        };
        if addresses.len() > TERMINALS_MAX {
            let what = format!("{} terminals are more than {TERMINALS_MAX}; study fewer at a time", addresses.len());
            return Err(UsageError(what).into());
        }
        engine::open::check_ports(&ports).map_err(|cause| UsageError(cause.to_string()))?;
        let all = (0..addresses.len()).map(|index| addresses.nth(index));
        let terminals: Vec<V4> = all.filter(|address| !exclusions.contains(*address)).collect();
        if terminals.is_empty() {
            let what = format!(
                "all {} addresses are excluded, so there is nobody to study; `prober exclude test` says by what",
                addresses.len()
            );
            return Err(UsageError(what).into());
        }
        let seed = match settings.seed {
            Some(seed) => seed,
            None => getrandom::u64().context("cannot draw a seed from the kernel")? >> 11,
        };
        let request = StudyRequest {
            terminals,
            ports: ports.clone(),
            mode: self.mode,
            bursts: self.bursts.unwrap_or(self.mode.bursts()),
            budget_pps: self.budget,
            seed,
        };
        let sends = schedule(&request).map_err(|cause| UsageError(cause.to_string()))?;
        let mut outline = outline(&request, &sends);
        if !self.dry_run {
            privileges::require_for_scan()?;
            let stop = interrupted()?;
            let run = StudyRun {
                database: settings.db.clone(),
                link: settings.link(request.terminals[0], request.terminals.len() == 1),
                engine: settings.engine,
                style: settings.style(),
                kinds: ports,
                rate: settings.rate,
                budget_pps: self.budget,
                cooldown: settings.cooldown_time,
                record: settings.record()?,
            };
            outline.outcome = Some(engine::study::run(&run, &sends, SharedExclusions::new(exclusions), &stop)?);
        }
        if self.json {
            put_json(&outline)?;
        } else {
            put(&text(&outline))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn outline(request: &StudyRequest, sends: &[StudySend]) -> Outline {
    let access_points: BTreeSet<u32> = request.terminals.iter().map(|address| address.0 >> 8).collect();
    let mut latest = std::collections::BTreeMap::new();
    let mut least_gap_s = f64::INFINITY;
    for send in sends {
        if let Some(before) = latest.insert(send.address.0 >> 8, send.at_s) {
            least_gap_s = least_gap_s.min(send.at_s - before);
        }
    }
    Outline {
        terminals: request.terminals.len(),
        access_points: access_points.len(),
        probes: sends.len(),
        seconds: sends.last().map_or(0.0, |last| last.at_s),
        budget_pps: request.budget_pps,
        busiest_pps: if least_gap_s.is_finite() { 1.0 / least_gap_s } else { 0.0 },
        outcome: None,
    }
}

fn text(outline: &Outline) -> String {
    let mut table = Table::of(&["study", ">"]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("terminals", outline.terminals.to_string());
    row("access points (/24)", outline.access_points.to_string());
    row("probes", outline.probes.to_string());
    row("takes", format!("{:.0} s", outline.seconds));
    row("budget per access point", format!("{} probes/s", outline.budget_pps));
    row("most to one access point", format!("{:.1} probes/s", outline.busiest_pps));
    if let Some(outcome) = &outline.outcome {
        row("stored as scan", outcome.scan.to_string());
        row("sent", outcome.sent.to_string());
        row("held back as excluded", outcome.excluded.to_string());
        row("replies", outcome.replies.to_string());
    }
    table.render()
}
