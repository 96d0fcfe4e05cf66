//! Measurements over the lab, side by side in one run: what `cargo xtask bench` prints. Ratios count; the machine's noise
//! is in all of them alike.

pub mod bare;
pub mod grab;
pub mod harm;
pub mod rate;
pub mod throughput;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::lab::Lab;

/// What the prober says of its scan, as far as it is of interest here.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    /// Rows stored.
    pub rows_stored: u64,
    /// Its last sample.
    pub last: Sample,
}

/// The prober's last sample.
#[derive(Clone, Debug, Deserialize)]
pub struct Sample {
    /// Probes sent.
    pub sent: u64,
    /// Replies stored, by kind.
    pub replies: BTreeMap<String, u64>,
    /// Replies that had come before.
    pub duplicates: u64,
}

/// The built program: beside the one that runs.
pub fn prober() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program's own path")?;
    let folder = own.parent().context("a program lies in a folder")?;
    let prober = folder.join("prober");
    ensure!(prober.exists(), "{} is missing: build it with `cargo build --release`", prober.display());
    Ok(prober)
}

/// Runs a scan in the lab and returns what it says at its end.
pub fn scan(lab: &Lab, database: &Path, arguments: &[&str]) -> Result<Summary> {
    let _ = std::fs::remove_file(database);
    let output = lab
        .command(prober()?.to_str().context("the path of the program is not UTF-8")?)
        .arg("scan")
        .args(arguments)
        .args(["--json", "--quiet", "--db"])
        .arg(database)
        .output()
        .context("cannot run the prober")?;
    ensure!(output.status.success(), "the prober failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    serde_json::from_slice(&output.stdout).context("the prober's summary is not the JSON that was expected")
}

/// The middle value; of an even number the lower one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}
