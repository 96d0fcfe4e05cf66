//! `cargo xtask setup`: what the build and the lab need beyond a Rust toolchain and a C linker, installed where it is
//! missing. Nothing is touched, and no list of packages refreshed, when all is there.

mod apt;
mod duckdb;
mod linker;
mod packages;
mod part;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use apt::Host;
use part::{Part, State};

#[derive(Args, Default)]
pub struct Options {
    /// Only report what is missing; exit code 1 if anything is
    #[arg(long)]
    check: bool,
    /// One JSON object per line: part, state (ok, missing, installed), detail, seconds
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    part: &'a str,
    state: &'a str,
    detail: &'a str,
    seconds: f64,
}

/// Installs what is missing, or says what to install where it may not.
pub fn setup(options: &Options) -> Result<()> {
    let started = Instant::now();
    let host = Host::look();
    let may_install = host.may_install() && !options.check;
    let mut missing = Vec::new();
    for part in Part::ALL {
        let begun = Instant::now();
        let state = part.state()?;
        match state {
            State::There(detail) => options.show(part.name(), "ok", &detail, begun.elapsed()),
            State::Missing(what) if may_install => {
                if !options.json {
                    println!("{:<14} installing   {what}", part.name());
                }
                part.install()?;
                if let State::Missing(what) = part.state()? {
                    bail!("{}: still missing after the installation: {what}", part.name());
                }
                options.show(part.name(), "installed", &what, begun.elapsed());
            }
            State::Missing(what) => {
                options.show(part.name(), "missing", &what, begun.elapsed());
                missing.push(part);
            }
        }
    }
    if !options.json {
        println!("{:<14} {:.1} s", "total", started.elapsed().as_secs_f64());
    }
    if missing.is_empty() {
        return Ok(());
    }
    let steps: Vec<String> = missing.iter().flat_map(|part| part.by_hand()).collect();
    bail!("{}\n  {}", host.why_not(options.check), steps.join("\n  "));
}

impl Options {
    fn show(&self, part: &str, state: &str, detail: &str, took: Duration) {
        let seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
        if self.json {
            let line = Line { part, state, detail, seconds };
            println!("{}", serde_json::to_string(&line).expect("strings and a finite number always serialise"));
        } else {
            println!("{part:<14} {state:<12} {detail} ({seconds:.1} s)");
        }
    }
}

/// The simulator of `cargo xtask traces`, which nothing else needs.
pub fn install_simulator() -> Result<()> {
    let host = Host::look();
    match apt::state(packages::SIMULATOR) {
        State::There(_) => Ok(()),
        State::Missing(_) if host.may_install() => apt::install(packages::SIMULATOR),
        State::Missing(_) => bail!("{}\n  {}", host.why_not(false), apt::by_hand(packages::SIMULATOR)),
    }
}
