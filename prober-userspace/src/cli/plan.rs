//! `prober plan`: what is known of the congestion of networks, and when they are to be probed.

mod coming;
mod list;
mod offsets;
mod show;
mod update;
mod why;

use std::process::ExitCode;

pub(crate) use coming::coming;
pub(super) use list::clusters;
pub(super) use show::cluster_plan;

/// When to probe which networks: congestion by time of day, clusters of networks, plans that are explained
#[derive(Clone, Debug, clap::Args)]
pub struct PlanArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    Update(update::UpdateArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Why(why::WhyArgs),
}

impl PlanArgs {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Update(arguments) => arguments.run(),
            Action::List(arguments) => arguments.run(),
            Action::Show(arguments) => arguments.run(),
            Action::Why(arguments) => arguments.run(),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}
