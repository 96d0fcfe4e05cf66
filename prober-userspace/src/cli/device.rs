//! `prober device`: the database of devices, and what banners say by it.

mod banners;
mod build;
mod check;
mod evaluate;
mod export;
mod groups;
mod import;
mod list;
mod matching;
pub(super) mod plot;
mod reduce;
mod review;
mod sifting;
mod signatures;
mod stored;

use std::process::ExitCode;

/// Which device a banner speaks of, and the database that tells
#[derive(Clone, Debug, clap::Args)]
pub struct DeviceArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    Check(check::CheckArgs),
    Build(build::BuildArgs),
    Evaluate(evaluate::EvaluateArgs),
    Groups(groups::GroupsArgs),
    Review(review::ReviewArgs),
    Reduce(reduce::ReduceArgs),
    Match(matching::MatchArgs),
    List(list::ListArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
}

impl DeviceArgs {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Check(arguments) => arguments.run(),
            Action::Build(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
            Action::Evaluate(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
            Action::Groups(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
            Action::Review(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
            Action::Reduce(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
            Action::Match(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
            Action::List(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
            Action::Import(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
            Action::Export(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
        }
    }
}
