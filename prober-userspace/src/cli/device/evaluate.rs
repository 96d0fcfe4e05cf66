//! `prober device evaluate`: how well a database does on labelled banners.

use std::path::PathBuf;

use serde::Serialize;

use super::super::figure::grouped;
use super::super::output::{put, put_json};
use super::super::table::Table;
use super::banners::{read_negatives, read_samples};
use super::signatures::SignatureArgs;
use crate::device::evaluate::{Evaluation, Evaluator, Recall, Share};
use crate::device::score::ScoreSettings;

/// The grid of the seed's figures: th and a.
const THRESHOLDS: [f64; 5] = [0.5, 0.6, 0.7, 0.8, 0.9];
const BANNER_SHARES: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];

/// Judge a database by labelled banners
///
/// Reads JSON lines with `banner`, `vendor` or `maker`, `device_kind` or `kind`, `model`, `protocol`, `port` and `regime`.
/// With --json prints one object: `false_positives`, `wrong_device`, `recall`, `recall_by_level`, `recall_by_kind`,
/// `recall_by_protocol`, `recall_by_regime`, and `grid` over th and a.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EvaluateArgs {
    #[command(flatten)]
    signatures: SignatureArgs,
    /// Labelled banners as JSON lines, also gzipped
    #[arg(long, value_name = "FILE", required = true)]
    banners: Vec<PathBuf>,
    /// Banners that are of no device; those with `ambiguous` are left out
    #[arg(long, value_name = "FILE")]
    negatives: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    chosen: Evaluation,
    grid: Vec<Cell>,
}

/// One choice of th and a.
#[derive(Serialize)]
struct Cell {
    threshold: f64,
    banner_share: f64,
    false_positives: u64,
    without_estimate: u64,
    wrong_device: f64,
}

impl EvaluateArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let database = self.signatures.load()?;
        let (mut samples, mut negatives) = (Vec::new(), Vec::new());
        for path in &self.banners {
            samples.extend(read_samples(path)?);
        }
        for path in &self.negatives {
            negatives.extend(read_negatives(path)?);
        }
        let evaluator = Evaluator::new(&database, &samples, &negatives);
        let cell = |threshold, banner_share| {
            let figures = evaluator.figures(ScoreSettings { threshold, banner_share });
            Cell {
                threshold,
                banner_share,
                false_positives: figures.false_positives,
                without_estimate: figures.without_estimate,
                wrong_device: figures.wrong_device.share,
            }
        };
        let grid = THRESHOLDS.iter().flat_map(|th| BANNER_SHARES.map(|a| cell(*th, a))).collect();
        let figures = Figures { chosen: evaluator.figures(ScoreSettings::default()), grid };
        if self.json {
            return Ok(put_json(&figures)?);
        }
        Ok(put(&text(&figures))?)
    }
}

fn text(figures: &Figures) -> String {
    let chosen = &figures.chosen;
    let mut text = format!(
        "{} banners, {} without an estimate; wrong device {}; false positives {} of {} negatives (th {}, a {})\n\n",
        grouped(chosen.banners),
        grouped(chosen.without_estimate),
        percent(chosen.wrong_device),
        grouped(chosen.false_positives),
        grouped(chosen.negatives),
        chosen.threshold,
        chosen.banner_share,
    );
    let mut recall = Table::of(&["recall", "model>", "maker+kind>", "maker>", "kind>", "maker or kind>"]);
    let mut row = |name: &str, figures: &Recall| {
        let Recall { model, maker_and_kind, maker, kind, maker_or_kind } = figures;
        let shares = [model, maker_and_kind, maker, kind, maker_or_kind].map(|share| percent(*share));
        recall.row([name.to_owned()].into_iter().chain(shares));
    };
    row("all", &chosen.recall);
    for groups in [&chosen.recall_by_regime, &chosen.recall_by_kind, &chosen.recall_by_protocol] {
        for (name, figures) in groups {
            row(name, figures);
        }
    }
    text.push_str(&recall.render());
    let mut grid = Table::of(&["th", "a>", "false positives>", "without estimate>", "wrong device>"]);
    for cell in &figures.grid {
        grid.row([
            format!("{:.1}", cell.threshold),
            format!("{:.1}", cell.banner_share),
            grouped(cell.false_positives),
            grouped(cell.without_estimate),
            format!("{:.1} %", 100.0 * cell.wrong_device),
        ]);
    }
    text.push('\n');
    text + &grid.render()
}

fn percent(share: Share) -> String {
    if share.all == 0 { "-".to_owned() } else { format!("{:.1} % of {}", 100.0 * share.share, share.all) }
}
