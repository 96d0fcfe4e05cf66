//! `cargo xtask bench`: sets up, builds, and measures one thing. What is measured is in `tests/src/bench` (over the lab) and
//! beside the code (store, plan); every figure of the project comes from here.

use std::process::Command;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::{lab, setup, workspace};

#[derive(Args)]
pub struct Options {
    /// What to measure
    #[arg(value_enum)]
    subject: Subject,
    /// As one JSON object
    #[arg(long)]
    json: bool,
    /// More options of this measurement (see `prober-lab bench <subject> --help`)
    #[arg(last = true)]
    more: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// Packets/s of our engines, bare loops, masscan and ZMap, in turns
    Throughput,
    /// Banners/s from nginx, beside nmap and masscan
    Grab,
    /// What scans cost others' TCP flows: at random times, and by plan
    Harm,
    /// Error and smoothness of the rate
    Rate,
    /// Replies/s from events to the database, and bytes per row
    Ingest,
    /// Distinct banners/s against 10,000 keywords, beside the naive loop; and a survey's banners to the database
    Match,
    /// Replies/s into the state of each address, and estimates/s
    Estimate,
    /// Answers/s into profiles of congestion, and bytes per address
    Profile,
    /// Due times/s and planned probes/s for a country of 150 million addresses (4 GB), and bytes per address
    Planner,
    /// The start of a watch over 150 million addresses from its store (10 GB of disk), and its memory
    Opening,
    /// The same, and after it each part of a night's work, and forgetting a /8 (12 GB of disk)
    Night,
    /// Targets/s of a plan over the whole address space, and memory
    Plan,
}

pub fn bench(options: &Options) -> Result<()> {
    setup::setup(&setup::Options::default())?;
    lab::build()?;
    let mut command = match options.subject {
        Subject::Throughput => in_lab("throughput")?,
        Subject::Grab => in_lab("grab")?,
        Subject::Harm => in_lab("harm")?,
        Subject::Profile => example("profile")?,
        Subject::Rate => in_lab("rate")?,
        Subject::Ingest => example("ingest")?,
        Subject::Match => example("matching")?,
        Subject::Estimate => example("estimators")?,
        Subject::Planner => example("planner")?,
        Subject::Opening => example("opening")?,
        Subject::Night => with(example("opening")?, "--night"),
        Subject::Plan => plan()?,
    };
    if options.json {
        command.arg("--json");
    }
    workspace::run(command.args(&options.more))
}

fn with(mut command: Command, option: &str) -> Command {
    command.arg(option);
    command
}

fn in_lab(subject: &str) -> Result<Command> {
    let mut command = lab::program()?;
    command.args(["bench", subject]);
    Ok(command)
}

/// Built with the whole workspace: for one package alone, the database's crates would be compiled with other features.
fn example(name: &str) -> Result<Command> {
    workspace::run(workspace::cargo()?.args(["build", "--release", "--workspace", "--examples"]))?;
    Ok(Command::new(workspace::built("examples")?.join(name)))
}

/// 2^32 addresses, one port, walked to the end without sending.
fn plan() -> Result<Command> {
    let exclusions = workspace::target_dir()?.join("bench-exclusions.txt");
    std::fs::write(&exclusions, "192.0.2.0/24 # a plan of this size is refused without an exclusion list\n")
        .with_context(|| format!("writing {}", exclusions.display()))?;
    let mut command = Command::new(workspace::built("prober")?);
    command
        .args(["scan", "0.0.0.0/0", "-p", "80", "--allow-special", "--dry-run", "--verify", "--blocklist-file"])
        .arg(exclusions);
    Ok(command)
}
