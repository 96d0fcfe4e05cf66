//! Judging a model, or the way models are made, by labelled traces.

use std::path::PathBuf;

use serde::Serialize;

use super::super::UsageError;
use super::super::output::{put, put_json};
use super::{ModelOption, classes_of, evaluation_text, read_all, threads};
use crate::model::trace::Trace;
use crate::network::boost::softmax;
use crate::network::calibration::temperature_for;
use crate::network::evaluation::Evaluation;
use crate::network::learn::{LabelledRow, judge};
use crate::network::model::{Model, ModelKind};
use crate::network::posterior::CONFIDENCE_MIN;

#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct EvaluateOptions {
    /// Labelled traces; see `estimate --help` for their columns
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    traces: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelOption,
    /// Use only the first so many probes of each terminal
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    probes: Option<u32>,
    /// Cut each series into pieces of so many probes, each judged by itself
    #[arg(long, value_name = "PROBES", value_parser = clap::value_parser!(u32).range(1..))]
    window: Option<u32>,
    /// Leave each place (scenario or data set) out of training and judge it by a model of the others, not by --model
    #[arg(long, conflicts_with = "model")]
    leave_out: bool,
    /// With --leave-out: also learn from these traces
    #[arg(long, value_name = "FILE", requires = "leave_out", num_args = 1..)]
    train_with: Vec<PathBuf>,
    /// Parts that the places are dealt into with --leave-out
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..))]
    folds: u16,
    /// Below this probability an estimate is `unknown`
    #[arg(long, value_name = "P", default_value_t = CONFIDENCE_MIN)]
    confidence: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    /// `model` or `left out`.
    judged_by: &'static str,
    confidence_min: f64,
    #[serde(flatten)]
    evaluation: Evaluation,
}

impl EvaluateOptions {
    /// Judges and prints.
    pub(in crate::cli) fn run(self, kind: ModelKind) -> anyhow::Result<()> {
        if !(0.0..=1.0).contains(&self.confidence) {
            return Err(UsageError(format!("--confidence is {}; it must lie between 0 and 1", self.confidence)).into());
        }
        let mut traces = read_all(&self.traces, self.window.map(|window| window as usize))?;
        for trace in &mut traces {
            trace.probes.truncate(self.probes.map_or(usize::MAX, |probes| probes as usize));
        }
        let evaluation = if self.leave_out { self.left_out(kind, &traces)? } else { self.by_model(kind, &traces)? };
        if self.json {
            let judged_by = if self.leave_out { "left out" } else { "model" };
            return Ok(put_json(&Figures { judged_by, confidence_min: self.confidence, evaluation })?);
        }
        Ok(put(&evaluation_text(&evaluation))?)
    }

    fn by_model(&self, kind: ModelKind, traces: &[Trace]) -> anyhow::Result<Evaluation> {
        let model = self.model.load(kind)?;
        // Classes that the model does not know can only be missed, which counts.
        let mut classes = model.classes.clone();
        classes.extend(classes_of(kind, traces)?.into_iter().filter(|class| !model.classes.contains(class)));
        let rows = kind.rows(traces, &classes, false);
        let judged: Vec<_> = rows
            .iter()
            .filter(|row| row.is_whole)
            .map(|row| judge(&posterior(&model, row), row, self.confidence))
            .collect();
        Ok(Evaluation::of(&judged, &classes))
    }

    fn left_out(&self, kind: ModelKind, traces: &[Trace]) -> anyhow::Result<Evaluation> {
        let given = read_all(&self.train_with, self.window.map(|window| window as usize))?;
        classes_of(kind, traces)?;
        let both: Vec<Trace> = traces.iter().chain(&given).cloned().collect();
        let classes = kind.classes(&both);
        let mut rows = kind.rows(traces, &classes, false);
        rows.extend(kind.rows(&given, &classes, true));
        let left_out = kind.recipe(classes.len(), usize::from(self.folds), threads()).leave_out(&rows);
        let judged = rows.iter().zip(&left_out.posteriors).filter(|(row, _)| row.is_whole && !row.is_given);
        let judged: Vec<_> = judged.map(|(row, posterior)| judge(posterior, row, self.confidence)).collect();
        Ok(Evaluation::of(&judged, &classes))
    }
}

fn posterior(model: &Model, row: &LabelledRow) -> Vec<f64> {
    softmax(&model.scores(&row.values, row.probes), temperature_for(&model.temperatures, row.probes))
}
