//! `prober device evaluate`: how well a database does on labelled banners.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::bail;
use serde::Serialize;

use super::super::figure::grouped;
use super::super::output::{put, put_json};
use super::super::table::Table;
use super::banners::{read_negatives, read_samples};
use super::plot;
use super::signatures::SignatureArgs;
use super::stored::Stored;
use crate::device::evaluate::{Evaluation, Evaluator, Recall, Share};
use crate::device::score::ScoreSettings;

/// The grid of the seed's figures 3 to 5: th and a.
const THRESHOLDS: [f64; 5] = [0.5, 0.6, 0.7, 0.8, 0.9];
const BANNER_SHARES: [f64; 11] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// Judge a database by labelled banners
///
/// Reads JSON lines with `banner`, `vendor` or `maker`, `device_kind` or `kind`, `model`, `protocol`, `port` and `regime`.
/// With --json prints one object: `false_positives`, `wrong_device`, `recall`, `recall_by_level`, `recall_by_kind`,
/// `recall_by_protocol`, `recall_by_regime`, and `grid` over th and a; with --database `stored`: addresses, estimated, share,
/// by_level, by_kind, by_maker.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EvaluateArgs {
    #[command(flatten)]
    signatures: SignatureArgs,
    /// Labelled banners as JSON lines, also gzipped
    #[arg(long, value_name = "FILE", required_unless_present = "database")]
    banners: Vec<PathBuf>,
    /// Banners that are of no device; those with `ambiguous` are left out
    #[arg(long, value_name = "FILE")]
    negatives: Vec<PathBuf>,
    /// Database: how many of its addresses have an estimate, by level, kind and maker
    #[arg(long, value_name = "FILE", alias = "db")]
    database: Option<PathBuf>,
    /// Draw the grid: one page, or a folder of SVG files
    #[arg(long, value_name = "DIR|FILE.html", requires = "banners")]
    plot: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    chosen: Option<Evaluation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grid: Vec<Cell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<Stored>,
}

/// One choice of th and a.
#[derive(Serialize)]
pub(super) struct Cell {
    pub(super) threshold: f64,
    pub(super) banner_share: f64,
    /// Labelled banners with an estimate, of all: 0 to 1.
    pub(super) estimated: f64,
    /// Negatives with an estimate.
    false_positives: u64,
    /// Of all negatives: 0 to 1.
    pub(super) false_positive_share: f64,
    without_estimate: u64,
    wrong_device: f64,
    /// Labelled banners without an estimate or with another device's, of all: 0 to 1.
    pub(super) false_negative_share: f64,
}

#[cfg(test)]
impl Cell {
    /// For tests of what is drawn.
    pub(super) fn example(threshold: f64, banner_share: f64) -> Self {
        Self {
            threshold,
            banner_share,
            estimated: 1.0 - threshold / 2.0,
            false_positives: 0,
            false_positive_share: 0.0,
            without_estimate: 1,
            wrong_device: 0.0,
            false_negative_share: threshold / 2.0,
        }
    }
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
                estimated: share(figures.banners - figures.without_estimate, figures.banners),
                false_positive_share: share(figures.false_positives, figures.negatives),
                false_negative_share: share(figures.without_estimate, figures.banners) + figures.wrong_device.share,
            }
        };
        let grid = THRESHOLDS.iter().flat_map(|th| BANNER_SHARES.map(|a| cell(*th, a))).collect();
        let judged = evaluator.figures(ScoreSettings::default());
        if !self.banners.is_empty() && judged.banners == 0 {
            bail!("device evaluate: no labelled banner in these files: each line needs `maker`, `kind` or `model`");
        }
        let stored = self.database.as_deref().map(Stored::read).transpose()?;
        let is_judged = !self.banners.is_empty();
        let figures =
            Figures { chosen: is_judged.then_some(judged), grid: if is_judged { grid } else { Vec::new() }, stored };
        if let Some(path) = &self.plot {
            plot::write(path, &figures.grid)?;
        }
        if self.json {
            return Ok(put_json(&figures)?);
        }
        Ok(put(&text(&figures))?)
    }
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

fn text(figures: &Figures) -> String {
    let stored = figures.stored.as_ref().map_or(String::new(), Stored::text);
    let Some(chosen) = &figures.chosen else { return stored };
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
    if chosen.unlabelled > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} banners without labels count nowhere", grouped(chosen.unlabelled));
    }
    let mut levels = Table::of(&["level", "recall>"]);
    for (level, share) in &chosen.recall_by_level {
        levels.row([level_name(*level), percent(*share)]);
    }
    text.push('\n');
    text.push_str(&levels.render());
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
    text + &grid.render() + &stored
}

fn level_name(level: u8) -> String {
    let name = match level {
        1 => "kind",
        2 => "maker",
        3 => "maker and kind",
        _ => "model",
    };
    format!("{level} {name}")
}

fn percent(share: Share) -> String {
    if share.all == 0 { "-".to_owned() } else { format!("{:.1} % of {}", 100.0 * share.share, share.all) }
}
