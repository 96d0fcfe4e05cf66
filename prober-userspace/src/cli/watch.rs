//! `prober watch`: the watch from the command line, with the settings of a scan - for trials and laboratories, and wherever a
//! configuration file with its roll-out, pages and nightly work would be too much.

use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use prober_common::event::ProbeKind;

use super::UsageError;
use super::device::signatures::SignatureArgs;
use super::figure::grouped;
use super::interrupt::interrupted;
use super::output::{put, put_json};
use super::progress::Progress;
use super::scan;
use super::settings::{SettingFlags, Settings};
use crate::engine;
use crate::io::privileges;
use crate::model::watch::{
    EndedEarly, Overseer, SchemeConfig, SchemeKind, USUAL_REDUCTION, USUAL_SAMPLE, WatchConfig, WatchStatus, Wishes,
};
use crate::policy::starter::is_sample;
use crate::target::plan::{MAX_UNGUARDED_ADDRESSES, Scope};
use crate::target::shared_exclusions::SharedExclusions;

const EXAMPLES: &str = "\
Examples:
  Watch two networks by the published scheme, the ports of `@iot` to begin with:
    prober watch -w scope.txt -b optout.txt -p @iot -r 2k --scheme efficient --db watch.duckdb
  Go on after a stop or a crash: the same command. What is due, and why:
    prober plan why 198.51.100.7 --db watch.duckdb

Settings are those of `prober scan`, with the same file, variables and flags: --cooldown-time is how long a visit waits
for replies, --checkpoint-interval what a kill may repeat. Those of plans (pairs, seeds, shards, passes, limits of
targets and results) do not apply and are refused.";

/// Keep watch over targets: each visited again when it is worth while, on the ports that are worth while
///
/// Plans, probes, asks for banners (--grab), names devices, and stores states, replies and estimates, until it is
/// stopped; the same command goes on where it was. With --json prints the last status as one object.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct WatchCommand {
    #[command(flatten)]
    settings: SettingFlags,
    /// Read settings from FILE instead of /etc/prober.toml
    #[arg(long, value_name = "FILE", help_heading = "Mode")]
    config: Option<PathBuf>,
    /// Whom to visit when, and on which ports
    #[arg(long, value_enum, default_value_t = SchemeKind::Predictive, help_heading = "Watch")]
    scheme: SchemeKind,
    /// Predictive scheme: so many times fewer probes than every port twice a day
    #[arg(long, value_name = "TIMES", default_value_t = USUAL_REDUCTION, help_heading = "Watch")]
    reduction: f64,
    /// Predictive scheme: part of them that goes to any port at all
    #[arg(long, value_name = "SHARE", default_value_t = 0.03, help_heading = "Watch")]
    exploration: f64,
    /// Of the addresses, those that are thought to answer before anything is known
    #[arg(long, value_name = "SHARE", default_value_t = 0.025, help_heading = "Watch")]
    answering: f64,
    /// Predictive: answering addresses, drawn by chance, that are visited on all ports if nothing is known yet; 0: none
    #[arg(long, value_name = "N", default_value_t = USUAL_SAMPLE, help_heading = "Watch")]
    sample: u32,
    /// Of what there is, what derived port sets are to find
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, help_heading = "Watch")]
    coverage: f64,
    /// Most probes a second to any one address; 0: no limit
    #[arg(long, value_name = "PPS", default_value_t = 100.0, help_heading = "Watch")]
    rate_per_address: f64,
    /// Laboratory: seconds of the watch's clock per second
    #[arg(long, value_name = "X", default_value_t = 1.0, help_heading = "Watch")]
    time_scale: f64,
    /// Print the last status as JSON
    #[arg(long, help_heading = "Mode")]
    json: bool,
}

impl WatchCommand {
    /// Watches until it is stopped.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let layers = scan::layers(self.config.as_deref(), self.settings.clone())?;
        let settings = Settings::resolve(&layers).map_err(|cause| UsageError(cause.to_string()))?;
        self.check(&settings)?;
        let exclusions = scan::exclusions(&settings)?;
        let config = self.watch_config(&settings)?;
        if config.targets.len() > MAX_UNGUARDED_ADDRESSES && exclusions.sources().is_empty() {
            let reason = format!("{} addresses are more than a /8: give an exclusion list", config.targets.len());
            return Err(UsageError(reason).into());
        }
        privileges::require_for_scan()?;
        let stop = interrupted()?;
        let progress = Progress::new(settings.quiet, None)?;
        let mut overseer = Console {
            progress,
            objects: settings.status_json.as_deref().map(open_objects).transpose()?,
            stop,
            ends: settings.max_runtime.map(|most| Instant::now() + most),
            shown: Instant::now(),
        };
        let last = engine::watch::run(&config, &SharedExclusions::new(exclusions), &mut overseer);
        let last = last.inspect_err(|_| overseer.progress.leave_line());
        if let Err(cause) = &last
            && cause.is::<EndedEarly>()
        {
            log::info!("{cause}");
            return Ok(ExitCode::SUCCESS);
        }
        let last = last?;
        overseer.progress.finish(&last.probing);
        if self.json {
            put_json(&last)?;
        } else if !settings.quiet {
            put(&summary(&last))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn check(&self, settings: &Settings) -> Result<(), UsageError> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let complaint = if settings.pairs_file.is_some()
            || settings.shard.count() > 1
            || settings.seed.is_some()
            || settings.max_targets.is_some()
            || settings.max_results.is_some()
        {
            "a watch has no plan: leave out --pairs-file, --seed, --shard, --max-targets and --max-results"
        } else if !share(self.exploration) || !share(self.coverage) {
            "--exploration and --coverage must be 0 to 1"
        } else if !is_sample(self.sample) {
            "--sample must be 0 or 1000 at least: ports cannot be derived from fewer addresses"
        } else if !(share(self.answering) && self.answering > 0.0) {
            "--answering must be above 0, up to 1: where nothing is thought to answer nothing is ever looked for"
        } else if !(1.0..=1e4).contains(&self.reduction) {
            "--reduction must be 1 to 10000"
        } else if !(self.rate_per_address >= 0.0 && self.rate_per_address.is_finite()) {
            "--rate-per-address must be 0 or more"
        } else if !(1e-3..=1e6).contains(&self.time_scale) {
            "--time-scale must be 0.001 to 1,000,000"
        } else {
            return Ok(());
        };
        Err(UsageError(complaint.to_owned()))
    }

    fn watch_config(&self, settings: &Settings) -> anyhow::Result<WatchConfig> {
        let Scope::Product { addresses, ports } = scan::scope(settings)? else {
            return Err(UsageError("a watch is over addresses, not pairs".to_owned()).into());
        };
        let starter_ports: Vec<u16> =
            ports.iter().filter(|port| port.kind == ProbeKind::TcpSyn).map(|port| port.port).collect();
        if starter_ports.is_empty() {
            return Err(UsageError("no TCP port to begin with: give some by --target-ports".to_owned()).into());
        }
        Ok(WatchConfig {
            database: settings.db.clone(),
            link: settings.link(addresses.nth(0), addresses.len() == 1),
            targets: addresses,
            scheme: SchemeConfig {
                kind: self.scheme,
                starter_ports,
                coverage: self.coverage,
                reduction: self.reduction,
                exploration: self.exploration,
                answering: self.answering,
                sample: self.sample,
                sampled: 0.0,
            },
            engine: settings.engine,
            sender_threads: settings.sender_threads,
            style: settings.style(),
            rate: settings.rate,
            rate_per_slash24_pps: settings.rate_per_24,
            rate_per_address_pps: self.rate_per_address,
            reply_timeout: settings.cooldown_time,
            grab: settings.grab_limits(),
            signatures: Arc::new(SignatureArgs::beside_starter(settings.signatures.clone()).load()?),
            save_interval: settings.checkpoint_interval,
            time_scale: self.time_scale,
            record: settings.record()?,
        })
    }
}

/// Oversees a watch from a terminal.
struct Console {
    progress: Progress,
    objects: Option<std::fs::File>,
    stop: Arc<AtomicBool>,
    ends: Option<Instant>,
    shown: Instant,
}

impl Overseer for Console {
    fn opens(&mut self, what: &str) -> bool {
        log::debug!("{what}");
        !self.stop.load(Ordering::Relaxed)
    }

    fn oversee(&mut self, status: &WatchStatus) -> Wishes {
        if self.shown.elapsed() >= Duration::from_secs(1) {
            self.shown = Instant::now();
            self.progress.show(&status.probing);
            self.write(status);
        }
        let is_over = self.ends.is_some_and(|ends| Instant::now() >= ends);
        Wishes { stop: is_over || self.stop.load(Ordering::Relaxed), ..Wishes::default() }
    }
}

impl Console {
    fn write(&mut self, status: &WatchStatus) {
        use std::io::Write;
        let Some(objects) = &mut self.objects else { return };
        let object = serde_json::to_string(status).expect("figures and texts are JSON");
        if let Err(cause) = writeln!(objects, "{object}") {
            log::warn!("status output stopped: {cause}");
            self.objects = None;
        }
    }
}

fn open_objects(path: &Path) -> anyhow::Result<std::fs::File> {
    std::fs::File::options()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open the status file {}", path.display()))
}

fn summary(status: &WatchStatus) -> String {
    let standings = &status.standings;
    let mut text = format!(
        "watch        {} scheme, {} targets, clock at {:.1} days\n\
         visits       {} ({} found something else than before, {} given up as excluded)\n\
         sent         {} probes\n\
         targets      {} answering, {} with a known device, {} gone, {} silent, {} new, {} honeypots\n\
         plan         needs {:.1} probes/s of {:.1}, {} visits due\n",
        status.scheme,
        grouped(status.targets),
        f64::from(status.clock_s) / 86_400.0,
        grouped(status.visits),
        grouped(status.changes),
        grouped(status.visits_excluded),
        grouped(status.probing.sent),
        grouped(standings.answering),
        grouped(standings.device),
        grouped(standings.gone),
        grouped(standings.silent),
        grouped(standings.new),
        grouped(standings.honeypot),
        status.plan.needed_pps,
        status.plan.allowed_pps,
        grouped(status.plan.due_visits),
    );
    if let Some(advice) = &status.plan.advice {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "             {advice}");
    }
    text
}
