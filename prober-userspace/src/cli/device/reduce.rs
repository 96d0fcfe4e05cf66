//! `prober device reduce`: how far the stages before a person's review reduce a mass of banners, and what they lose.

use std::collections::BTreeMap;
use std::path::PathBuf;

use prober_common::address::V4;
use serde::Serialize;

use super::super::figure::grouped;
use super::super::output::{put, put_json};
use super::super::table::Table;
use super::banners::{is_labelled, read_negative_texts, read_samples};
use super::sifting::{SiftArgs, stages_table};
use crate::device::generator::BannerGenerator;
use crate::device::sift::{Reason, Sifter, Stage};
use crate::device::variation::Variation;

/// Measure how far banners are reduced before a person looks at them
///
/// Filters, normalises, aggregates and groups. With --fill also banners made up from those given: half of them of their
/// devices, the others of their negatives and of ordinary web servers. With --json prints one object: `stages` (name, took,
/// left), `filtered` (by reason), `labelled`, `labelled_lost` (in the filter), `lost_share`, `left` and `left_share`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReduceArgs {
    #[command(flatten)]
    sift: SiftArgs,
    /// Banners as JSON lines, also gzipped; labels tell which are of devices
    #[arg(long, value_name = "FILE", required = true)]
    banners: Vec<PathBuf>,
    /// Banners that are of no device; those with `ambiguous` are left out
    #[arg(long, value_name = "FILE")]
    negatives: Vec<PathBuf>,
    /// Make up banners until there are so many
    #[arg(long, value_name = "N", default_value_t = 0)]
    fill: usize,
    /// Seed of what is made up
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the labelled banners that the filter loses
    #[arg(long, conflicts_with = "json")]
    show_lost: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What came out. Stable field names.
#[derive(Serialize)]
struct Reduction {
    stages: Vec<Stage>,
    filtered: BTreeMap<Reason, usize>,
    labelled: usize,
    labelled_lost: usize,
    lost_share: f64,
    left: usize,
    left_share: f64,
}

impl ReduceArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (mut devices, mut others) = (Vec::new(), Vec::new());
        for path in &self.banners {
            for sample in read_samples(path)? {
                let is_labelled = is_labelled(&sample.labelled);
                if is_labelled { &mut devices } else { &mut others }.push(sample.labelled.banner);
            }
        }
        others.extend(read_negative_texts(&self.negatives)?);
        let filter = self.sift.filter()?.1;
        let mut sifter = Sifter::new(&filter);
        let (mut labelled, mut lost) = (0, Vec::new());
        let mut count = 0;
        let mut add = |banner: &str, is_device: bool| {
            // Each banner is an address's own: hardly anything is as hard to put together.
            let reason = sifter.add(V4(count), banner.as_bytes());
            count += 1;
            labelled += usize::from(is_device);
            if let (Some(reason), true) = (reason, is_device) {
                lost.push((reason, banner.to_owned()));
            }
        };
        for (banners, is_device) in [(&devices, true), (&others, false)] {
            for banner in banners {
                add(banner, is_device);
            }
        }
        let mut variation = Variation::new(self.seed);
        let nobody = crate::device::database::Database::default();
        let mut servers = BannerGenerator::new(&nobody, self.seed);
        for number in devices.len() + others.len()..self.fill {
            match number % 4 {
                0 | 1 if !devices.is_empty() => {
                    let device = &devices[variation.rank(devices.len())];
                    add(&variation.of(device), true);
                }
                2 if !others.is_empty() => {
                    let other = &others[variation.rank(others.len())];
                    add(&variation.of(other), false);
                }
                _ => add(&String::from_utf8_lossy(&servers.of_server()), false),
            }
        }
        let sifted = sifter.finish();
        let share = |part: usize, all: usize| if all == 0 { 0.0 } else { part as f64 / all as f64 };
        let reduction = Reduction {
            labelled,
            labelled_lost: lost.len(),
            lost_share: share(lost.len(), labelled),
            left: sifted.groups.len(),
            left_share: sifted.reduction(),
            stages: sifted.stages,
            filtered: sifted.filtered,
        };
        if self.json {
            return Ok(put_json(&reduction)?);
        }
        put(&text(&reduction))?;
        if self.show_lost {
            let mut table = Table::of(&["reason", "banner"]);
            for (reason, banner) in lost {
                table.row([reason.name().to_owned(), banner.escape_debug().take(150).collect()]);
            }
            put(&format!("\n{}", table.render()))?;
        }
        Ok(())
    }
}

fn text(reduction: &Reduction) -> String {
    format!(
        "{}left for a person: {} ({:.2} %); device banners lost in the filter: {} of {} ({:.2} %)\n",
        stages_table(&reduction.stages, &reduction.filtered),
        grouped(reduction.left as u64),
        100.0 * reduction.left_share,
        grouped(reduction.labelled_lost as u64),
        grouped(reduction.labelled as u64),
        100.0 * reduction.lost_share,
    )
}
