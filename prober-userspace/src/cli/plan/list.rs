//! `prober plan list`: the clusters.

use super::super::look::LookArgs;
use super::super::output::{json_text, put};
use super::super::table::Table;
use crate::cli::figure::grouped;
use crate::io::store::Store;
use crate::model::look::Sight;

/// List the clusters of networks
///
/// With --json prints an array of cluster, medium, slots, utc_offset_s, half_life_days, networks, addresses, answers,
/// updated_at.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    place: LookArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ListArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        Ok(put(&self.place.look(Sight::Clusters, self.json)?.text)?)
    }
}

/// The clusters, ready to print.
pub(in crate::cli) fn clusters(store: &Store, json: bool) -> anyhow::Result<String> {
    let clusters = store.clusters(None)?;
    if json {
        return Ok(json_text(&clusters)?);
    }
    let mut table = Table::of(&["cluster>", "medium", "networks>", "addresses>", "answers>", "made"]);
    for row in clusters {
        table.row([
            row.cluster.to_string(),
            row.medium.name().to_owned(),
            grouped(u64::from(row.networks)),
            grouped(row.addresses),
            grouped(row.answers.round() as u64),
            row.updated_at.to_string(),
        ]);
    }
    Ok(table.render())
}
