//! `cargo xtask run`: the whole of it on one machine. Sets up, builds, makes the lab, scans it, stores, reports; opens
//! no network outside.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use clap::Args;

use crate::{lab, setup, workspace};

#[derive(Args)]
pub struct Options {
    /// Keep the lab up afterwards; `cargo xtask lab down` removes it
    #[arg(long)]
    keep: bool,
}

pub fn run(options: &Options) -> Result<()> {
    setup::setup(&setup::Options::default())?;
    lab::build()?;
    let results = workspace::target_dir()?.join("run");
    if results.exists() {
        fs::remove_dir_all(&results).with_context(|| format!("removing the last run's {}", results.display()))?;
    }
    fs::create_dir_all(&results).with_context(|| format!("making {}", results.display()))?;

    workspace::run(lab::program()?.arg("up"))?;
    let scanned = scan(&results);
    if !options.keep {
        let removed = workspace::run(lab::program()?.arg("down"));
        scanned?;
        return removed;
    }
    scanned
}

fn scan(_results: &Path) -> Result<()> {
    anyhow::bail!("not wired yet")
}
