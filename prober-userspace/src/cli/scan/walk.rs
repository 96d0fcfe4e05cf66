//! `--dry-run --verify`: goes over the whole shard as a scan would, checks every target against the exclusions, and
//! tells the speed.

use std::io;
use std::time::Instant;

use prober_common::slot::ProbeSlot;
use serde::Serialize;

use crate::cli::output::{put, put_json};
use crate::cli::progress::short;
use crate::model::request::ScanRequest;

const BATCH: usize = 4096;

/// What the walk found; field names are stable.
#[derive(Debug, Serialize)]
struct Walk {
    /// Targets that the plan gave.
    targets: u64,
    /// Targets that it announced.
    expected: u64,
    /// Targets that are excluded: must be 0.
    excluded: u64,
    /// Time of the walk, in s.
    duration_s: f64,
    /// Time that a core worked on it, in s: less if the machine was busy otherwise.
    core_s: f64,
    /// Targets per second of core time.
    targets_per_core_s: f64,
    /// Resident memory after it, in MiB; 0 if the kernel does not tell.
    resident_mib: u64,
}

pub(super) fn print(request: &ScanRequest, json: bool) -> io::Result<()> {
    let walk = walk(request);
    if json {
        return put_json(&walk);
    }
    put(&format!(
        "verified     {} of {} targets, {} of them excluded, in {:.1} s, {:.1} s of core time: {} targets/s/core, {} MiB resident\n",
        walk.targets,
        walk.expected,
        walk.excluded,
        walk.duration_s,
        walk.core_s,
        short(walk.targets_per_core_s),
        walk.resident_mib
    ))
}

fn walk(request: &ScanRequest) -> Walk {
    let (plan, shard) = (&request.plan, request.shard);
    let mut batch = vec![ProbeSlot::default(); BATCH];
    let (mut targets, mut excluded) = (0, 0);
    let (start, core_start_s) = (Instant::now(), core_time_s());
    loop {
        let filled = plan.fill(shard.position(targets), shard.count().into(), &mut batch);
        if filled == 0 {
            break;
        }
        targets += filled as u64;
        excluded += batch[..filled].iter().filter(|slot| request.exclusions.contains(slot.address)).count() as u64;
    }
    let duration_s = start.elapsed().as_secs_f64();
    let core_s = core_time_s().zip(core_start_s).map_or(duration_s, |(end_s, start_s)| end_s - start_s);
    Walk {
        targets,
        expected: shard.len_of(plan.len()),
        excluded,
        duration_s,
        core_s,
        targets_per_core_s: targets as f64 / core_s.max(1e-9),
        resident_mib: resident_mib(),
    }
}

/// Core time of the calling thread so far; `None` if the kernel does not keep account of it.
fn core_time_s() -> Option<f64> {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(account.split_whitespace().next()?.parse::<u64>().ok()? as f64 / 1e9)
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or(0) / 1024
}
