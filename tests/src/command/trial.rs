//! `prober-lab trial`: a trial with its figures.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::trial::{Size, Trial};

/// Which trial.
#[derive(Args, Clone, Debug)]
pub struct TrialOptions {
    /// What is tried
    #[arg(value_enum)]
    trial: Trial,
    /// As large as the figures are promised for
    #[arg(long)]
    full: bool,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Carries it out and prints its figures; the exit code is 1 if one of them is not what it has to be.
pub fn carry_out(options: &TrialOptions) -> Result<ExitCode> {
    let finding = options.trial.run(if options.full { Size::Full } else { Size::Small })?;
    if options.json {
        println!("{}", serde_json::to_string(&finding)?);
    } else {
        print!("{finding}");
    }
    Ok(if finding.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
