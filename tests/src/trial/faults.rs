//! Bad input and faults: each is one clear line - what failed, on what, why, what to do - and an exit code that is not
//! 0; nothing that was stored is lost, and what was not sent can be sent later.

mod input;
mod place;
mod stops;
mod storage;

use std::{path::Path, process::Command, time::Duration};

use anyhow::Result;

use super::{
    finding::Finding,
    prober::{self, Ended, Running},
};

/// Patience for one case.
const PATIENCE: Duration = Duration::from_mins(2);

/// All of them.
pub fn run() -> Result<Finding> {
    let mut all = Finding::new("faults");
    for (group, finding) in
        [("input", input::run()?), ("place", place::run()?), ("storage", storage::run()?), ("stops", stops::run()?)]
    {
        all.absorb(group, finding);
    }
    Ok(all)
}

pub use input::run as input;
pub use place::run as place;
pub use stops::run as stops;
pub use storage::run as storage;

/// Runs `prober` with these arguments, outside of any lab: for what is refused before the network is looked at.
fn refused(directory: &Path, arguments: &[&str]) -> Result<Ended> {
    let mut command = Command::new(prober::program()?);
    command.args(arguments);
    Running::start(command, directory)?.ended_within(PATIENCE)
}

/// Adds the figures of a refusal: the exit code, and one line that says all of `words`.
pub fn judge(finding: &mut Finding, case: &str, ended: &Ended, code: i32, words: &[&str]) {
    let lines: Vec<&str> = ended.complained.lines().collect();
    finding.exactly(format!("{case}: exit code"), ended.status.code().unwrap_or(-1).unsigned_abs().into(), code as u64);
    finding.exactly(format!("{case}: lines"), lines.len() as u64, 1);
    let missing: Vec<&&str> = words.iter().filter(|word| !ended.complained.contains(**word)).collect();
    finding.exactly(format!("{case}: words missing"), missing.len() as u64, 0);
    finding.remark(format!("{case}: {}", ended.complained.trim_end()));
    if !missing.is_empty() {
        finding.remark(format!("{case}: does not say {missing:?}"));
    }
}
