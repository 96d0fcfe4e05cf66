//! `prober cause`: why probes fail or come back late.

mod estimate;
mod evaluate;
mod train;

use std::process::ExitCode;

/// Why probes into wireless networks fail or come back late, by the series of answers and silences
#[derive(Clone, Debug, clap::Args)]
pub struct CauseArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    Train(train::TrainArgs),
    Evaluate(evaluate::EvaluateArgs),
    Estimate(estimate::EstimateArgs),
}

impl CauseArgs {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Train(arguments) => arguments.run(),
            Action::Evaluate(arguments) => arguments.run(),
            Action::Estimate(arguments) => arguments.run(),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}
