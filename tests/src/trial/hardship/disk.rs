//! The disk is a `tmpfs` in a mount namespace of its own, smaller than what is answered; then it grows.

use std::fs;

use anyhow::{Context, Result};

use super::{ADDRESSES, PATIENCE, stage};
use crate::trial::{
    finding::{Bound, Finding},
    prober::{Running, program},
};

/// The daemon ends with one line that says what is wrong; with space it goes on where it was.
pub fn run() -> Result<Finding> {
    let stage = stage(1)?;
    let disk = stage.path("disk");
    fs::create_dir(&disk)?;
    let text = fs::read_to_string(stage.path("daemon.toml"))?;
    let text = text.replace(&stage.database().display().to_string(), &disk.join("a.duckdb").display().to_string());
    let text = text.replace("ports = [\"80\", \"443\"]", "ports = [\"1-40\"]");
    stage.write("daemon.toml", &text)?;
    let (prober, mount) = (program()?.display().to_string(), disk.display().to_string());
    let daemon = format!("{prober} daemon --config {}", stage.path("daemon.toml").display());
    let sql = format!("{prober} sql --format csv --db {mount}/a.duckdb");
    // The second daemon is ended once it has run for a while.
    let script = format!(
        "mount -t tmpfs -o size=5000k none {mount} || exit 9\n\
         {daemon} > first.out 2> first.err; echo $? > first.code\n\
         mount -o remount,size=400m {mount} || exit 9\n\
         {sql} 'SELECT count(*) FROM reply' > kept\n\
         {daemon} > second.out 2> second.err & pid=$!\n\
         sleep 10; kill -TERM $pid; wait $pid; echo $? > second.code\n\
         {sql} 'SELECT count(*) FROM reply' > after\n\
         {sql} 'SELECT accounted::INT FROM scan_summary ORDER BY scan_id DESC LIMIT 1' > balance\n\
         {sql} 'SELECT count(*) FROM target_state' > states\n"
    );
    stage.write("script", &script)?;
    let mut command = stage.lab.command("sh");
    command.arg(stage.path("script"));
    let ended = Running::start(command, &stage.path("."))?.ended_within(2 * PATIENCE)?;
    let read = |name: &str| fs::read_to_string(stage.path(name)).with_context(|| format!("{name}: {ended:?}"));
    let number = |name: &str| -> Result<u64> {
        Ok(read(name)?.trim().lines().last().and_then(|line| line.parse().ok()).unwrap_or(u64::MAX))
    };
    let mut finding = Finding::new("disk");
    finding.exactly("exit code", number("first.code")?, 1);
    let complaint = read("first.err")?;
    // Before it, each thing that could be put off is told.
    let says_so = |line: &str| line.contains("no space left") && line.contains("a.duckdb");
    finding.exactly("its last line says so", u64::from(complaint.lines().last().is_some_and(says_so)), 1);
    finding.remark(complaint.trim_end().to_owned());
    finding.exactly("exit code with space again", number("second.code")?, 0);
    finding.remark(read("second.err")?.trim_end().to_owned());
    let (kept, after) = (number("kept")?, number("after")?);
    finding.add("rows kept", kept as f64, Bound::AtLeast(1.0));
    finding.add("rows more with space again", after as f64 - kept as f64, Bound::AtLeast(1.0));
    finding.exactly("the books balance", number("balance")?, 1);
    finding.exactly("states kept", number("states")?, ADDRESSES.into());
    Ok(finding)
}
