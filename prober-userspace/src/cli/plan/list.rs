//! `prober plan list`: the clusters.

use super::super::database::DatabaseArgs;
use super::super::output::{put, put_json};
use super::super::table::Table;
use crate::cli::figure::grouped;
use crate::io::store::Access;

/// List the clusters of networks
///
/// With --json prints an array of cluster, medium, slots, utc_offset_s, half_life_days, networks, addresses, answers,
/// updated_at.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ListArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let clusters = self.database.open(Access::Read)?.clusters(None)?;
        if self.json {
            return Ok(put_json(&clusters)?);
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
        Ok(put(&table.render())?)
    }
}
