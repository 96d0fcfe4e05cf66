//! `prober simulate`: estimators and policies in simulated worlds, with figures.

mod clusters;
mod policy;
mod throughput;

use std::process::ExitCode;

/// Judge estimators and policies in simulated worlds (nothing is sent)
#[derive(Clone, Debug, clap::Args)]
pub struct SimulateArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    Throughput(throughput::ThroughputArgs),
    Clusters(clusters::ClustersArgs),
    Policy(policy::PolicyArgs),
}

impl SimulateArgs {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Throughput(arguments) => arguments.run(),
            Action::Clusters(arguments) => arguments.run(),
            Action::Policy(arguments) => arguments.run(),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}
