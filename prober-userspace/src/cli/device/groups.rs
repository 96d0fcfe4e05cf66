//! `prober device groups`: the unknown groups, by the number of addresses.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::figure::grouped;
use super::super::output::{put, put_json};
use super::super::table::Table;
use super::sifting::{UnknownArgs, stages_table};
use crate::device::sift::{Reason, Stage};
use crate::device::suggest::Draft;

/// Banners of a group that a proposal is made from.
const BANNERS: usize = 8;

/// List groups of banners that no device is seen in, those of most addresses first
///
/// What is left to do before every banner is known: filtered, normalised, aggregated and grouped. With --json prints one
/// object: `stages` (name, took, left), `filtered` (by reason), and `groups` (id, addresses, banners, ports, banner, proposal).
#[derive(Clone, Debug, clap::Args)]
pub(super) struct GroupsArgs {
    #[command(flatten)]
    unknown: UnknownArgs,
    /// So many groups at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    most: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Stable field names.
#[derive(Serialize)]
struct Outcome {
    stages: Vec<Stage>,
    filtered: BTreeMap<Reason, usize>,
    groups: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    /// As in the decisions of a review.
    id: u64,
    addresses: u32,
    /// Distinct banners.
    banners: usize,
    ports: String,
    /// The most frequent banner.
    banner: String,
    /// The best proposal for a signature.
    proposal: Option<Draft>,
}

impl GroupsArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let unknown = self.unknown.find(false)?;
        let texts = unknown.texts(BANNERS);
        let proposals = unknown.proposals(&texts);
        let rows = unknown.groups.iter().zip(texts).zip(proposals).take(self.most);
        let rows: Vec<Row> = rows
            .map(|((group, banners), proposals)| Row {
                id: group.id(&unknown.banners),
                addresses: group.addresses,
                banners: group.members.len(),
                ports: proposals.first().map(|draft| draft.ports.clone()).unwrap_or_default(),
                banner: banners.into_iter().next().unwrap_or_default(),
                proposal: proposals.into_iter().next().filter(|draft| !draft.keywords.is_empty()),
            })
            .collect();
        if self.json {
            return Ok(put_json(&Outcome { stages: unknown.stages, filtered: unknown.filtered, groups: rows })?);
        }
        let mut table = Table::of(&["addresses>", "banners>", "ports", "proposal", "banner"]);
        for row in rows {
            let proposal = row.proposal.map_or(String::new(), |draft| draft.name);
            table.row([
                grouped(u64::from(row.addresses)),
                grouped(row.banners as u64),
                shortened(&row.ports, 20),
                shortened(&proposal, 30),
                shortened(&row.banner.escape_debug().to_string(), 60),
            ]);
        }
        Ok(put(&format!("{}\n{}", stages_table(&unknown.stages, &unknown.filtered), table.render()))?)
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}
