//! `prober device build`: signature files out of banners, with labels or without.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use anyhow::bail;

use super::super::figure::grouped;
use super::super::output::{put, put_json};
use super::banners::{for_each_line, read_negative_texts};
use super::folder::SignatureFolder;
use super::sifting::{Source, Unknown, makers, stages_table};
use super::signatures::SignatureArgs;
use crate::device::build::{Labelled, build};
use crate::device::database::Database;
use crate::device::export::to_files;
use crate::device::lint::{Negative, lint};
use crate::device::normalise::normalise;
use crate::device::sift::{Filter, Stage};
use crate::io::store::{Access, Store};
use crate::model::device::Device;

/// Where devices without labels come from.
const SOURCE: &str = "proposed from banners without labels; nobody looked at it";
/// Banners of a group that are looked at, and kept as examples.
const EXAMPLES: usize = 3;

/// Make signature files from banners
///
/// Reads JSON lines with `banner`, `vendor` or `maker`, `device_kind` or `kind`, `model` and `port`. Banners with labels tell
/// what they are; those without are filtered, normalised, aggregated and grouped, and the groups are named by their words.
/// Takes what passes `prober device check` with the negatives, and leaves out the rest; `prober device review` lets a person
/// decide instead.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct BuildArgs {
    /// Banners as JSON lines, also gzipped
    #[arg(long, value_name = "FILE", required_unless_present = "db")]
    banners: Vec<PathBuf>,
    /// Database whose banners are looked at as well; they carry no labels
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Without labels: addresses that a group needs to become a device
    #[arg(long, value_name = "N", default_value_t = 2)]
    addresses: u32,
    /// Banners that are of no device; those with `ambiguous` are left out
    #[arg(long, value_name = "FILE")]
    negatives: Vec<PathBuf>,
    /// Accept whatever passes the check, without asking
    #[arg(long, required = true)]
    auto: bool,
    /// Signature files that are known already, besides the starter database: groups without labels in which they see a
    /// device are left out
    #[arg(long, value_name = "DIR")]
    signatures: Vec<PathBuf>,
    /// Folder for the signature files, one per maker
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Replace signature files that were edited, or that something else wrote
    #[arg(long)]
    force: bool,
    /// Print the stages as JSON
    #[arg(long)]
    json: bool,
}

impl BuildArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let negatives = read_negative_texts(&self.negatives)?;
        if self.negatives.is_empty() {
            log::warn!("without --negatives nothing shows what a signature matches wrongly");
        }
        let existing = SignatureArgs::beside_starter(self.signatures.clone()).load()?;
        let filter = Filter::new(makers(&existing));
        let mut unlabelled = Source::new(&filter, false);
        let mut samples = Vec::new();
        for path in &self.banners {
            for_each_line(path, |number, line| {
                if line.is_labelled() {
                    samples.push(line.sample().labelled);
                } else {
                    unlabelled.add_line(number, &line);
                }
                Ok(())
            })?;
        }
        if let Some(path) = &self.db {
            unlabelled.add_stored(&Store::open(path, Access::Read)?, None)?;
        }
        let mut stages = Vec::new();
        let mut accepted = Vec::new();
        if !samples.is_empty() {
            let distinct = distinct(samples, &mut stages);
            let proposed = build(&distinct, &negatives);
            stages.push(Stage { name: "propose", took: distinct.len(), left: proposed.len() });
            let count = proposed.len();
            accepted = checked(proposed, &negatives);
            stages.push(Stage { name: "check", took: count, left: accepted.len() });
        }
        if unlabelled.count() > 0 {
            accepted.extend(self.of_groups(unlabelled, &filter, &accepted, &existing, &negatives, &mut stages)?);
        }
        if accepted.is_empty() {
            eprint!("{}", stages_table(&stages, &BTreeMap::new()));
            bail!(
                "device build: no device can be told from these banners; without labels a group needs {} addresses (--addresses)",
                self.addresses
            );
        }
        SignatureFolder::new(&self.output, "build").write(&to_files(&accepted, ""), self.force)?;
        if self.json {
            return Ok(put_json(&stages)?);
        }
        Ok(put(&format!(
            "{}{} devices in {}\n",
            stages_table(&stages, &BTreeMap::new()),
            grouped(accepted.len() as u64),
            self.output.display()
        ))?)
    }
}

impl BuildArgs {
    /// Devices out of groups of banners without labels: what is proposed first for each, if it says at least maker or kind.
    fn of_groups(
        &self,
        unlabelled: Source<'_>,
        filter: &Filter,
        known: &[Device],
        existing: &Database,
        negatives: &[String],
        stages: &mut Vec<Stage>,
    ) -> anyhow::Result<Vec<Device>> {
        let (known, _) = Database::of(existing.devices().iter().chain(known).cloned().collect());
        let (sifted, all, ports) = unlabelled.finish()?;
        let makers = makers(existing).map(str::to_owned).collect();
        let mut unknown = Unknown::of(sifted, all, ports, Some(&known), makers, filter.clone());
        let took = unknown.groups.len();
        unknown.groups.retain(|group| group.addresses >= self.addresses);
        stages.append(&mut unknown.stages);
        stages.push(Stage { name: "enough addresses", took, left: unknown.groups.len() });
        let texts = unknown.texts(EXAMPLES);
        let proposals = unknown.proposals(&texts);
        let mut names = BTreeSet::new();
        let devices = proposals.into_iter().zip(texts).filter_map(|(proposals, examples)| {
            let draft = proposals.into_iter().next()?.without_unowned_model();
            let device = draft.device(SOURCE, examples).ok()?;
            let says_something = device.maker.is_some() || device.kind.is_some();
            (says_something && names.insert((device.maker.clone(), device.name.clone()))).then_some(device)
        });
        let devices: Vec<Device> = devices.collect();
        let proposed = devices.len();
        stages.push(Stage { name: "propose", took: unknown.groups.len(), left: proposed });
        let is_new = |device: &Device| {
            !known.devices().iter().any(|other| other.maker == device.maker && other.name == device.name)
        };
        let left: Vec<Device> = checked(devices, negatives).into_iter().filter(is_new).collect();
        stages.push(Stage { name: "check", took: proposed, left: left.len() });
        Ok(left)
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
fn checked(proposed: Vec<Device>, negatives: &[String]) -> Vec<Device> {
    let (database, _) = Database::of(proposed);
    let negative = |(number, banner): (usize, &String)| Negative {
        place: format!("negative {number}"),
        banner: banner.clone().into_bytes(),
    };
    let negatives: Vec<Negative> = negatives.iter().enumerate().map(negative).collect();
    let faulty: BTreeSet<String> = lint(&database, &negatives).into_iter().map(|finding| finding.device).collect();
    database.devices().iter().filter(|device| !faulty.contains(&device.title())).cloned().collect()
}
