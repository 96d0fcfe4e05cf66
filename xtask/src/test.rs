//! `cargo xtask test`: everything that must hold before a change lands. Each step runs even if an earlier one failed,
//! so that one run shows all there is to correct.

use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::{
    licences, readme, setup, style,
    workspace::{cargo, run},
};

#[derive(Args)]
pub struct Options {
    /// Only these steps; all of them if none is named
    steps: Vec<Step>,
}

/// In the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// What the build and the lab need is there
    Setup,
    /// As rustfmt writes it
    Format,
    /// The rules of style that rustfmt and clippy do not know
    Style,
    /// Each crate under an allowed licence
    Licences,
    /// Everything, tests included
    Build,
    /// Clippy without a warning
    Lints,
    /// All tests, with root and namespaces
    Tests,
    /// README.md names what there is
    Readme,
}

pub fn test(options: &Options) -> Result<()> {
    let chosen = if options.steps.is_empty() { Step::value_variants() } else { &options.steps };
    let mut failed = Vec::new();
    for step in chosen {
        let begun = Instant::now();
        println!("== {}", step.name());
        match step.carry_out() {
            Ok(()) => println!("== {}: ok ({:.0} s)", step.name(), begun.elapsed().as_secs_f64()),
            // Without the tools the rest would only fail in other words.
            Err(error) if *step == Step::Setup => return Err(error),
            Err(error) => {
                eprintln!("error: {}: {error:#}", step.name());
                failed.push(step.name());
            }
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn carry_out(self) -> Result<()> {
        match self {
            Self::Setup => setup::setup(&setup::Options::default()),
            Self::Format => run(cargo()?.args(["fmt", "--all", "--check"])),
            Self::Style => style::check(),
            Self::Licences => licences::check(),
            // With the features that the tests need, so that the heavy crates are compiled once.
            Self::Build => run(cargo()?.args(["build", "--release", "--workspace", "--all-targets"])),
            Self::Lints => {
                run(cargo()?.args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))
            }
            // Those that need root and namespaces fail without them: one that is skipped silently proves nothing.
            Self::Tests => run(cargo()?.args(["test", "--release", "--workspace", "--no-fail-fast"])),
            Self::Readme => readme::check(),
        }
    }
}
