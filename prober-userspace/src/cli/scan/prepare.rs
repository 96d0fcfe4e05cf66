//! From settings to a request: read the lists, make the exclusions and the plan. Reads files and draws a seed; sends
//! nothing.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use crate::cli::UsageError;
use crate::cli::settings::{MaxTargets, Settings};
use crate::engine;
use crate::engine::scan::Recorded;
use crate::io::store::stored_ranges;
use crate::model::request::{Pace, ScanRequest};
use crate::target::exclusions::Exclusions;
use crate::target::list::{parse_address_argument, parse_address_list};
use crate::target::pair_list::parse_pair_list;
use crate::target::plan::{Plan, PlanError, Scope};
use crate::target::ports::PortList;

/// Makes the request. `recorded` is of the scan to resume: its plan leaves out what was excluded then, and what is
/// excluded since is held back at the wire.
pub(super) fn request(settings: &Settings, recorded: Option<Recorded>, resume: bool) -> anyhow::Result<ScanRequest> {
    let exclusions = exclusions(settings)?;
    let seed = seed(settings, recorded.as_ref().map(|recorded| recorded.seed), resume)?;
    let plan = match recorded {
        None => Plan::new(scope(settings)?, &exclusions, seed),
        Some(Recorded { exclusions, .. }) => {
            let then = Exclusions::new([("the scan's beginning".to_owned(), exclusions)], true);
            Plan::new(scope(settings)?, &then, seed)
        }
    };
    let plan = plan.map_err(|cause| usage(&cause))?;
    engine::open::check_ports(&plan.probe_ports()).map_err(|cause| usage(&cause))?;
    if settings.shard.len_of(plan.len()) == 0 {
        let reason = format!("shard {} of {} targets is empty; use fewer shards", settings.shard, plan.len());
        return Err(UsageError(reason).into());
    }
    // The same one whatever the seed, so that the same command finds the same way.
    let first = plan.lowest();
    let single_target = plan.address_count() == 1;
    Ok(ScanRequest {
        pace: pace(settings, settings.shard.len_of(plan.len())),
        plan: Arc::new(plan),
        exclusions,
        shard: settings.shard,
        engine: settings.engine,
        sender_threads: settings.sender_threads,
        profile: settings.profile,
        ttl: settings.ttl,
        link: settings.link(first, single_target),
        database: settings.db.clone(),
        resume,
        checkpoint_interval: settings.checkpoint_interval,
        control_socket: settings.control_socket.clone(),
        grab: settings.grab_limits(),
        record: settings.record()?,
    })
}

fn usage(cause: &dyn std::error::Error) -> UsageError {
    UsageError(cause.to_string())
}

fn pace(settings: &Settings, shard_targets: u64) -> Pace {
    Pace {
        rate: settings.rate,
        rate_per_slash24_pps: settings.rate_per_24,
        probes: settings.probes,
        probe_spacing: settings.probe_spacing,
        max_targets: settings.max_targets.map(|most| match most {
            MaxTargets::Count(count) => count,
            MaxTargets::Percent(percent) => ((shard_targets as f64 * percent / 100.0).ceil() as u64).max(1),
        }),
        max_runtime: settings.max_runtime,
        max_results: settings.max_results,
        cooldown: settings.cooldown_time,
    }
}

fn seed(settings: &Settings, recorded: Option<u64>, resume: bool) -> anyhow::Result<u64> {
    if settings.seed.is_none() && settings.shard.count() > 1 && !resume {
        let reason = "--shard needs --seed, the same for every shard: else they would overlap and leave gaps";
        return Err(UsageError(reason.into()).into());
    }
    match (settings.seed, recorded) {
        (Some(given), Some(recorded)) if given != recorded => Err(UsageError(format!(
            "--seed {given} differs from the seed {recorded} of the scan to resume; leave it out"
        ))
        .into()),
        (Some(seed), _) | (None, Some(seed)) => Ok(seed),
        // A database keeps numbers as signed or prints them in JSON: 53 bits survive everywhere.
        (None, None) => Ok(getrandom::u64().context("cannot draw a seed from the kernel")? >> 11),
    }
}

/// Every exclusion of files and database, and the special ranges.
pub(in crate::cli) fn exclusions(settings: &Settings) -> anyhow::Result<Exclusions> {
    let mut sources = Vec::new();
    for file in &settings.blocklist_files {
        let text = read(file, "exclusions")?;
        let name = file.display().to_string();
        sources.push((name.clone(), parse_address_list(&text, &name).map_err(|cause| usage(&cause))?));
    }
    let stored = stored_ranges(&settings.db)?;
    if !stored.is_empty() {
        sources.push((format!("{} (prober exclude)", settings.db.display()), stored));
    }
    Ok(Exclusions::new(sources, settings.allow_special))
}

/// Whom to probe on which ports, before exclusions.
pub(in crate::cli) fn scope(settings: &Settings) -> anyhow::Result<Scope> {
    let by_product = !(settings.targets.is_empty() && settings.allowlist_files.is_empty());
    if let Some(file) = &settings.pairs_file {
        if by_product || !settings.target_ports.is_empty() {
            let reason = "--pairs-file says what to probe on which port; leave out other targets and --target-ports";
            return Err(UsageError(reason.into()).into());
        }
        let text = read(file, "pairs")?;
        let pairs = parse_pair_list(&text, &file.display().to_string()).map_err(|cause| usage(&cause))?;
        return Ok(Scope::Pairs(pairs));
    }
    if settings.target_ports.is_empty() && by_product {
        return Err(usage(&PlanError::NoPorts).into());
    }
    let mut ranges = Vec::new();
    for text in &settings.targets {
        ranges.extend(parse_address_argument(text).map_err(|cause| usage(&cause))?);
    }
    for file in &settings.allowlist_files {
        let text = read(file, "targets")?;
        ranges.extend(parse_address_list(&text, &file.display().to_string()).map_err(|cause| usage(&cause))?);
    }
    if ranges.is_empty() {
        return Err(usage(&PlanError::NoTargets).into());
    }
    let ports: PortList = settings.target_ports.parse().map_err(|cause| usage(&cause))?;
    if let Some(note) = ports.note() {
        log::warn!("{note}");
    }
    Ok(Scope::Product { addresses: ranges.into_iter().collect(), ports: ports.ports().to_vec() })
}

/// A file's bytes; `-` is standard input.
fn read(file: &Path, what: &str) -> anyhow::Result<Vec<u8>> {
    let read = if file == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text).map(|_| text)
    } else {
        fs::read(file)
    };
    read.with_context(|| format!("cannot read the {what} in {}", file.display()))
}
