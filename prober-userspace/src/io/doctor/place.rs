//! Where files and memory go: the run directory, the database's disk, lockable memory.

use std::fs;
use std::path::Path;

use super::{Check, sys};
use crate::io::instance::{RUN_DIRECTORY, prepare_directory};

const MIB: u64 = 1 << 20;
/// Below this a scan would soon stop.
const LEAST_FREE: u64 = 64 * MIB;
/// Room for some 50 million replies of 20 bytes.
const COMFORTABLE_FREE: u64 = 1024 * MIB;
/// What the AF_XDP rings of one queue take.
const UMEM_PER_QUEUE: u64 = 16 * MIB;

pub(super) fn checks(database: &Path) -> Vec<Check> {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let exempt = caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_IPC_LOCK).unwrap_or(false);
    vec![run_directory(), disk(database), lockable_memory(&limits, exempt)]
}

fn run_directory() -> Check {
    const NAME: &str = "run directory";
    let probe = Path::new(RUN_DIRECTORY).join(format!(".doctor-{}", std::process::id()));
    let written = prepare_directory(Path::new(RUN_DIRECTORY)).and_then(|()| fs::write(&probe, ""));
    let _ = fs::remove_file(&probe);
    match written {
        Ok(()) => Check::ok(NAME, format!("{RUN_DIRECTORY} is writable")),
        Err(cause) => {
            let found = format!("{RUN_DIRECTORY}: {cause}");
            Check::fail(NAME, found, "locks and control sockets live there: make it writable for this user")
        }
    }
}

fn disk(database: &Path) -> Check {
    let directory = match database.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    judge_disk(directory, sys::free_bytes(directory))
}

fn judge_disk(directory: &Path, free: std::io::Result<u64>) -> Check {
    const NAME: &str = "disk";
    let place = directory.display();
    match free {
        Ok(free) if free < LEAST_FREE => {
            let found = format!("{} MiB free in {place}", free / MIB);
            Check::fail(NAME, found, "free some space or put the database elsewhere with --db")
        }
        Ok(free) if free < COMFORTABLE_FREE => {
            let found = format!("{} MiB free in {place}", free / MIB);
            Check::warn(NAME, found, "a million replies take about 20 MB")
        }
        Ok(free) => Check::ok(NAME, format!("{} MiB free in {place}", free / MIB)),
        Err(cause) => Check::fail(NAME, format!("{place}: {cause}"), "make the directory or choose another with --db"),
    }
}

/// BPF maps no longer count against the limit (Linux 5.11), the frames of `AF_XDP` still do.
fn lockable_memory(limits: &str, exempt: bool) -> Check {
    const NAME: &str = "locked memory";
    let line = limits.lines().find_map(|line| line.strip_prefix("Max locked memory")).unwrap_or_default();
    match line.split_whitespace().next() {
        _ if exempt => Check::ok(NAME, "no limit for this user"),
        Some("unlimited") => Check::ok(NAME, "unlimited"),
        Some(text) => match text.parse::<u64>() {
            Ok(limit) if limit < UMEM_PER_QUEUE => {
                let found = format!("limited to {} KiB", limit / 1024);
                Check::warn(NAME, found, "the af-xdp engine may not get its frames: ulimit -l unlimited")
            }
            Ok(limit) => Check::ok(NAME, format!("limited to {} MiB", limit / MIB)),
            Err(_) => Check::warn(NAME, "unknown", "check with `ulimit -l`"),
        },
        None => Check::warn(NAME, "unknown", "check with `ulimit -l`"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_small_lock_limit_matters_only_without_the_capability() {
        let limits = "Max processes  1 1 processes\nMax locked memory         8388608              8388608   bytes\n";
        assert_eq!(lockable_memory(limits, true).state, State::Ok);
        assert_eq!(lockable_memory(limits, false).found, "limited to 8192 KiB");
        assert_eq!(lockable_memory("Max locked memory  unlimited unlimited bytes", false).state, State::Ok);
        assert_eq!(lockable_memory("", false).state, State::Warn);
    }

    #[test]
    fn little_disk_fails() {
        let at = Path::new("/data");
        assert_eq!(judge_disk(at, Ok(10 * MIB)).found, "10 MiB free in /data");
        let states = [10 * MIB, 100 * MIB, 9000 * MIB].map(|free| judge_disk(at, Ok(free)).state);
        assert_eq!(states, [State::Fail, State::Warn, State::Ok]);
        assert_eq!(disk(Path::new("/nowhere/at/all.duckdb")).state, State::Fail);
    }
}
