//! `prober network`: which access network hosts sit behind.

mod estimate;
mod evaluate;
mod train;

use std::process::ExitCode;

/// Which type of access network hosts sit behind, by the round-trip times of probes
#[derive(Clone, Debug, clap::Args)]
pub struct NetworkArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    Train(train::TrainArgs),
    Evaluate(evaluate::EvaluateArgs),
    Estimate(estimate::EstimateArgs),
}

impl NetworkArgs {
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
