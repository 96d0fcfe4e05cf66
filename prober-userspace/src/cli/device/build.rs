//! `prober device build`: signature files out of labelled banners.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use anyhow::bail;
use serde::Serialize;

use super::super::figure::grouped;
use super::super::output::{put, put_json};
use super::super::table::Table;
use super::banners::{read_negatives, read_samples};
use super::export::write_files;
use crate::device::build::{Labelled, build};
use crate::device::database::Database;
use crate::device::export::to_files;
use crate::device::lint::{Negative, lint};
use crate::device::normalise::normalise;
use crate::model::device::Device;

/// Make signature files from labelled banners
///
/// Reads JSON lines with `banner`, `vendor` or `maker`, `device_kind` or `kind`, `model` and `port`. Takes what passes
/// `prober device check` with the negatives, and leaves out the rest.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct BuildArgs {
    /// Labelled banners as JSON lines, also gzipped
    #[arg(long, value_name = "FILE", required = true)]
    banners: Vec<PathBuf>,
    /// Banners that are of no device; those with `ambiguous` are left out
    #[arg(long, value_name = "FILE")]
    negatives: Vec<PathBuf>,
    /// Accept whatever passes the check, without asking
    #[arg(long, required = true)]
    auto: bool,
    /// Folder for the signature files, one per maker
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Print the stages as JSON
    #[arg(long)]
    json: bool,
}

/// What a stage left of what it got.
#[derive(Serialize)]
struct Stage {
    name: &'static str,
    took: usize,
    left: usize,
}

impl BuildArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut samples = Vec::new();
        for path in &self.banners {
            samples.extend(read_samples(path)?.into_iter().map(|sample| sample.labelled));
        }
        let mut negatives = Vec::new();
        for path in &self.negatives {
            negatives.extend(read_negatives(path)?);
        }
        let mut stages = Vec::new();
        let distinct = distinct(samples, &mut stages);
        let proposed = build(&distinct, &negatives);
        stages.push(Stage { name: "propose", took: distinct.len(), left: proposed.len() });
        let count = proposed.len();
        let accepted = accepted(proposed, negatives);
        stages.push(Stage { name: "check", took: count, left: accepted.len() });
        if accepted.is_empty() {
            bail!("device build: no device can be told from these banners; do they carry labels?");
        }
        write_files(&self.output, &to_files(&accepted, ""))?;
        if self.json {
            return Ok(put_json(&stages)?);
        }
        let mut table = Table::of(&["stage", "took>", "left>"]);
        for stage in &stages {
            table.row([stage.name.to_owned(), grouped(stage.took as u64), grouped(stage.left as u64)]);
        }
        Ok(put(&format!(
            "{}{} devices in {}\n",
            table.render(),
            grouped(accepted.len() as u64),
            self.output.display()
        ))?)
    }
}

/// Drops unlabelled banners, and of those that say the same of the same device all but one.
fn distinct(samples: Vec<Labelled>, stages: &mut Vec<Stage>) -> Vec<Labelled> {
    let took = samples.len();
    let labelled: Vec<Labelled> = samples
        .into_iter()
        .filter(|row| !row.maker.is_empty() || !row.model.is_empty() || row.kind.is_some())
        .collect();
    stages.push(Stage { name: "labelled", took, left: labelled.len() });
    let took = labelled.len();
    let mut seen = HashSet::new();
    let distinct: Vec<Labelled> = labelled
        .into_iter()
        .filter(|row| seen.insert((normalise(row.banner.as_bytes()), row.maker.clone(), row.model.clone())))
        .collect();
    stages.push(Stage { name: "normalise and aggregate", took, left: distinct.len() });
    distinct
}

/// What the check finds no fault with. Leaving one out can make no other one worse.
fn accepted(proposed: Vec<Device>, negatives: Vec<String>) -> Vec<Device> {
    let (database, _) = Database::of(proposed);
    let negative = |(number, banner): (usize, String)| Negative {
        place: format!("negative {number}"),
        banner: banner.into_bytes(),
    };
    let negatives: Vec<Negative> = negatives.into_iter().enumerate().map(negative).collect();
    let faulty: BTreeSet<String> = lint(&database, &negatives).into_iter().map(|finding| finding.device).collect();
    database.devices().iter().filter(|device| !faulty.contains(&device.title())).cloned().collect()
}
