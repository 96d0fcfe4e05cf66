//! `prober grab`: asks services who they are - those of a list, or the open ports of a stored scan - and stores what they
//! say.

mod progress;
mod summary;
mod targets;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use self::progress::Progress;
use self::summary::{Ending, Summary};
use self::targets::Targets;
use super::UsageError;
use super::database::who;
use super::output::{put, put_json};
use super::report::{ScanChoice, scan_choice};
use super::scan;
use super::settings::{SettingFlags, Settings, parse_rate};
use crate::io::clock::utc_now;
use crate::io::grab::{self, Asked, GrabConfig, GrabEvent, Work};
use crate::io::privileges;
use crate::io::store::{Access, Store, StoreError};
use crate::model::banner::Banner;
use crate::model::request::RateLimit;
use crate::model::scan::ScanId;
use crate::target::shared_exclusions::SharedExclusions;

/// Banners are written when so many wait, or so many bytes of them, or after a second.
const BATCH_ROWS: usize = 2_000;
const BATCH_BYTES: usize = 16 << 20;

const EXAMPLES: &str = "\
Examples:
  The open ports of the latest scan in the database, as far as nobody has asked them yet:
    prober grab --scan last --db result.duckdb
  Two services; U: stands before UDP ports:
    prober grab 198.51.100.7:80 198.51.100.7:U:161
  A list of addresses, three ports each, without sending:
    prober grab -w hosts.txt -p 22,80,443 --dry-run
  A list of pairs (address:port on each line):
    prober grab -w pairs.txt

Never sends credentials, follows no redirects, sends nothing to printer ports, and has at most one
connection to a host at a time. A host that has cost 16 times the timeout is given up.
Exclusions, contact and database also come from /etc/prober.toml (or --config) and PROBER_*.
Exit code: 0 done, 1 failed, 2 wrongly used.";

/// Arguments of `prober grab`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
#[command(after_long_help = EXAMPLES, after_help = "--help shows examples.")]
pub struct GrabCommand {
    /// With -p: addresses, prefixes, ranges; without: pairs like 192.0.2.1:80
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// File of targets, as above; `-` is standard input
    #[arg(short = 'w', long = "allowlist-file", visible_alias = "list", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Ports like 22,80,U:161,@iot
    #[arg(short = 'p', long = "target-ports", value_name = "PORTS")]
    ports: Option<String>,
    /// The open ports of a stored scan that nobody has asked since: its number, `last` or `latest`
    #[arg(long, value_name = "ID", value_parser = last_or_choice, conflicts_with_all = ["targets", "files", "ports"])]
    scan: Option<ScanChoice>,
    /// With --scan: also those that were asked since the scan began
    #[arg(long, requires = "scan", conflicts_with_all = ["targets", "files", "ports"])]
    again: bool,
    /// File of addresses that are left alone, besides those of the settings
    #[arg(short = 'b', long = "blocklist-file", value_name = "FILE")]
    blocklists: Vec<PathBuf>,
    /// Do not leave out the IANA special ranges
    #[arg(long)]
    allow_special: bool,
    /// Connections per second; max: no limit
    #[arg(short, long, value_name = "RATE", default_value = "200", value_parser = rate)]
    rate: f64,
    /// Connections per second into any one /24; 0 for no limit
    #[arg(long, value_name = "RATE", default_value = "20", value_parser = rate)]
    rate_per_24: f64,
    /// Hosts asked at the same time, each over one connection
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: u16,
    /// Patience with one connection, in s
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    timeout: Duration,
    /// How those who are asked can reach you
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
    /// Database [default: prober.duckdb]
    #[arg(short = 'o', long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Read settings from FILE instead of /etc/prober.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print what would be asked and send nothing
    #[arg(short, long)]
    dry_run: bool,
    /// No progress line
    #[arg(short, long)]
    quiet: bool,
    /// Print the outcome as JSON
    ///
    /// Stable fields: scan, database, ending (complete, interrupted, failed), targets (dealt with), planned,
    /// asked_before (open ports of the scan left out because they were asked since), grabbed (targets that said
    /// something), rows (stored), by_protocol and by_outcome (targets), connections, packets_sent and packets_received,
    /// seconds, failed (no socket to be had here, or a fault), faults (hosts that a fault of this program cost),
    /// given_up (targets of hosts that had cost enough), interrupted (begun, but nothing heard when a stop came),
    /// excluded_before_connect (0 if the plan was right).
    #[arg(long)]
    json: bool,
}

impl GrabCommand {
    /// Grabs, or shows what would be grabbed.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let layers = scan::layers(self.config.as_deref(), self.flags())?;
        let settings = Settings::resolve(&layers).map_err(|cause| UsageError(cause.to_string()))?;
        let exclusions = scan::exclusions(&settings)?;
        let (source, targets) = match self.scan {
            Some(choice) => {
                let store = Store::open(&settings.db, Access::Read)?;
                let scan = store.find_scan(choice.number())?.id;
                let open = store.open_ports(scan)?;
                let left = if self.again { open.clone() } else { store.open_ports_left(scan)? };
                (Some(scan), Targets::of_scan(&open, left, &exclusions)?)
            }
            None => (None, Targets::given(&self.targets, &self.files, self.ports.as_deref(), &exclusions)?),
        };
        let config = GrabConfig {
            contact: settings.contact.clone(),
            rate: self.rate,
            rate_per_24: self.rate_per_24,
            concurrency: self.concurrency.into(),
            timeout: self.timeout,
            exclusions: SharedExclusions::new(exclusions),
            hold: Arc::default(),
        };
        if self.dry_run {
            let outline = targets.outline(&config);
            let shown = if self.json { put_json(&outline) } else { put(&outline.text()) };
            shown?;
            return Ok(ExitCode::SUCCESS);
        }
        let store = Store::open(&settings.db, Access::Write)?;
        let command: Vec<_> = std::env::args().collect();
        let detail = serde_json::json!({ "targets": targets.count, "scan": source, "command": command.join(" ") });
        store.audit(utc_now(), &who(), "grab.begin", &detail)?;
        // What hostile servers send is read without any privilege.
        privileges::drop_all_but(&[])?;
        let summary = carry_out(&config, targets, store, source, self.quiet)?;
        if self.json {
            put_json(&summary)?;
        } else if !self.quiet {
            put(&summary.text())?;
        }
        Ok(if summary.ending == Ending::Failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// What of the command line belongs to the settings that all commands share.
    fn flags(&self) -> SettingFlags {
        let shown = |path: &PathBuf| path.display().to_string();
        let mut flags = Vec::new();
        if !self.blocklists.is_empty() {
            flags.push(("blocklist-file", self.blocklists.iter().map(shown).collect()));
        }
        if self.allow_special {
            flags.push(("allow-special", vec!["true".to_owned()]));
        }
        flags.extend(self.contact.iter().map(|contact| ("contact", vec![contact.clone()])));
        flags.extend(self.db.iter().map(|db| ("db", vec![shown(db)])));
        SettingFlags(flags)
    }
}

/// Grabs and stores; a database that cannot be written ends it.
fn carry_out(
    config: &GrabConfig,
    targets: Targets,
    store: Store,
    scan: Option<ScanId>,
    quiet: bool,
) -> anyhow::Result<Summary> {
    let mut summary = Summary::new(scan, store.path(), &targets);
    let mut progress = Progress::new(quiet, targets.count);
    let mut sink = Sink { store, scan, waiting: Vec::new(), bytes: 0, written_at: Instant::now() };
    let mut failure: Option<StoreError> = None;
    let started = Instant::now();
    let interrupted = std::cell::Cell::new(false);
    let stop = async {
        stop_signal().await;
        interrupted.set(true);
    };
    let last = grab::run(config, Work::List(targets.hosts), stop, &mut |event| {
        match event {
            GrabEvent::Asked(Asked { banners, .. }) => {
                summary.add(&banners);
                if let Err(error) = sink.add(banners) {
                    failure = Some(error);
                    return ControlFlow::Break(());
                }
            }
            GrabEvent::Tick(sample) => {
                progress.show(started.elapsed(), &sample, &summary);
                if let Err(error) = sink.write_if_due() {
                    failure = Some(error);
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    if failure.is_none() {
        failure = sink.write().err();
    }
    progress.finish(started.elapsed(), &last, &summary);
    summary.end(started.elapsed(), &last, interrupted.get(), failure.is_some());
    if let Some(failure) = failure {
        log::error!("{failure}");
        return Ok(summary);
    }
    let detail = serde_json::to_value(&summary).context("a summary is JSON")?;
    sink.store.audit(utc_now(), &who(), "grab.end", &detail)?;
    Ok(summary)
}

/// Comes true with SIGINT or SIGTERM. Without a handler the signals keep their usual effect.
async fn stop_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Banners on their way to the disk.
struct Sink {
    store: Store,
    scan: Option<ScanId>,
    waiting: Vec<Banner>,
    bytes: usize,
    written_at: Instant,
}

impl Sink {
    fn add(&mut self, banners: Vec<Banner>) -> Result<(), StoreError> {
        self.bytes += banners.iter().map(|banner| banner.text.len()).sum::<usize>();
        self.waiting.extend(banners);
        if self.waiting.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    fn write_if_due(&mut self) -> Result<(), StoreError> {
        if self.written_at.elapsed() >= Duration::from_secs(1) { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.written_at = Instant::now();
        if !self.waiting.is_empty() {
            self.store.add_banners(&self.waiting, self.scan)?;
            self.waiting.clear();
            self.bytes = 0;
        }
        Ok(())
    }
}

fn last_or_choice(text: &str) -> Result<ScanChoice, String> {
    if text == "last" { Ok(ScanChoice::Latest) } else { scan_choice(text) }
}

fn rate(text: &str) -> Result<f64, String> {
    if text.trim() == "0" {
        return Ok(0.0);
    }
    match parse_rate(text)? {
        RateLimit::Packets(rate) => Ok(rate),
        RateLimit::Unlimited => Ok(0.0),
        RateLimit::Bits(_) => Err("write connections per second, like 200 or 5k".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: Option<f64> = text.trim().trim_end_matches('s').parse().ok();
    let number = number.filter(|number| (0.1..=300.0).contains(number));
    number.map(Duration::from_secs_f64).ok_or_else(|| format!("\"{text}\" is no patience; write 0.1 to 300 (seconds)"))
}
