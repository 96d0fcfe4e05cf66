//! `prober scan`: settings from all layers become a request, the request becomes a plan on screen (`--dry-run`) or a
//! scan.

mod layers_table;
mod outline;
mod prepare;
mod summary;
mod walk;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

pub(super) use prepare::{exclusions, scope};

use super::UsageError;
use super::device::signatures::SignatureArgs;
use super::output::{put, put_json};
use super::progress::Progress;
use super::settings::{DEFAULT_FILE, Layers, SettingFlags, Settings};
use crate::device::database::Database;
use crate::device::score::ScoreSettings;
use crate::engine;
use crate::engine::estimation::estimate_stored;
use crate::io::privileges;
use crate::io::store::{Access, Store};
use crate::model::scan::ScanId;
use crate::model::status::Ending;

const EXAMPLES: &str = "\
Examples:
  See what would be sent, without sending:
    prober scan 198.51.100.0/24 -p 22,80,443 --dry-run
  Scan two networks at 5,000 probes per second, honouring an opt-out list:
    prober scan -w scope.txt -b optout.txt -p @iot,icmp -r 5k -o result.duckdb
  Half of a scan, on one of two machines with the same seed:
    prober scan -w scope.txt -b optout.txt -p 80 -e 42 --shard 0/2
  Go on after a crash or a stop:
    prober scan -w scope.txt -b optout.txt -p @iot,icmp -o result.duckdb --resume

Settings come from defaults < /etc/prober.toml (or --config) < PROBER_*
variables < flags. Long flags are the keys of the file (rate = \"5k\") and, in
capitals with underscores, the variables (PROBER_RATE=5k).
PROBER_LOG=debug tells more; PROBER_LOG=prober_ebpf=debug also what the kernel's
program accepts.
Exit code: 0 done, 1 failed, 2 wrongly used.";

/// Arguments of `prober scan`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
#[command(after_long_help = EXAMPLES, after_help = "--help shows examples and how settings files and variables are used.")]
pub struct ScanCommand {
    #[command(flatten)]
    settings: SettingFlags,
    /// Read settings from FILE instead of /etc/prober.toml
    #[arg(long, value_name = "FILE", help_heading = "Mode")]
    config: Option<PathBuf>,
    /// Go on where an earlier run with the same plan and database stopped
    #[arg(long, help_heading = "Mode")]
    resume: bool,
    /// Print the plan and send nothing
    #[arg(short, long, alias = "dryrun", help_heading = "Mode")]
    dry_run: bool,
    /// With --dry-run: walk the whole plan, count and check every target, and tell the speed
    #[arg(long, requires = "dry_run", help_heading = "Mode")]
    verify: bool,
    /// Print every setting and where it comes from, and stop
    #[arg(long, help_heading = "Mode")]
    show_settings: bool,
    /// Print the outcome as JSON
    #[arg(long, help_heading = "Mode")]
    json: bool,
}

impl ScanCommand {
    /// Scans, or shows what a scan would do.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let layers = layers(self.config.as_deref(), self.settings.clone())?;
        let settings = Settings::resolve(&layers).map_err(|cause| UsageError(cause.to_string()))?;
        if self.show_settings {
            layers_table::print(&layers, &settings, self.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        let recorded = if self.resume && !self.dry_run {
            Some(engine::scan::recorded(&settings.db, settings.shard)?)
        } else {
            None
        };
        let request = prepare::request(&settings, recorded, self.resume)?;
        if self.dry_run {
            outline::print(&request, &layers, self.json)?;
            if self.verify {
                walk::print(&request, self.json)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        // Before the first packet: a fault in a file is no news for the end of a long scan.
        let signatures =
            settings.grab.then(|| SignatureArgs::beside_starter(settings.signatures.clone()).load()).transpose()?;
        privileges::require_for_scan()?;
        let mut progress = Progress::new(settings.quiet, settings.status_json.as_deref())?;
        let summary = engine::scan::run(&request, &mut |sample| progress.show(sample));
        let mut summary = summary.inspect_err(|_| progress.leave_line())?;
        progress.finish(&summary.last);
        if let (Some(signatures), true) = (&signatures, summary.ending != Ending::StoreFailed) {
            summary.devices = Some(name_devices(&settings.db, ScanId(summary.scan), signatures)?);
        }
        if self.json {
            put_json(&summary)?;
        } else if !settings.quiet {
            put(&summary::text(&summary))?;
        }
        let failed = summary.ending == Ending::StoreFailed;
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Estimates the devices of what was grabbed in a scan; those of earlier scans as well if other
/// signatures made their estimates. Gives the addresses with an estimate.
fn name_devices(database: &Path, scan: ScanId, signatures: &Database) -> anyhow::Result<u64> {
    let store = Store::open(database, Access::Write)?;
    if store.is_outdated(signatures.version())? {
        let all = estimate_stored(&store, signatures, ScoreSettings::default(), None)?;
        log::info!("the signatures changed: {} addresses with a banner estimated anew", all.looked_at);
    }
    let estimated = estimate_stored(&store, signatures, ScoreSettings::default(), Some(scan))?;
    Ok(estimated.named as u64)
}

/// The settings of every layer; `config` stands for the usual file, and must exist.
pub(super) fn layers(config: Option<&Path>, flags: SettingFlags) -> anyhow::Result<Layers> {
    let mut layers = Layers::defaults();
    match config {
        None => layers.add_file_if_there(Path::new(DEFAULT_FILE))?,
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the settings file {}", file.display()))?;
            layers.add_file(file, &text).map_err(|cause| UsageError(cause.to_string()))?;
        }
    }
    if let Some(name) = Layers::unknown_variable(std::env::vars().map(|(name, _)| name)) {
        return Err(UsageError(format!("unknown variable {name}; `prober scan --show-settings` lists them")).into());
    }
    layers.add_environment(|name| std::env::var(name).ok());
    layers.add_flags(flags);
    Ok(layers)
}
