//! `prober ports`: port sets out of what answered.

mod derive;

use std::process::ExitCode;

pub(super) use derive::sets;

/// Port sets out of what answered so far
#[derive(Clone, Debug, clap::Args)]
pub struct PortsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    Derive(derive::DeriveArgs),
}

impl PortsArgs {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Action::Derive(arguments) = self.action;
        arguments.run().map(|()| ExitCode::SUCCESS)
    }
}
