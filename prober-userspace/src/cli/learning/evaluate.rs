//! Judging a model, or the way models are made, by labelled traces.

use std::path::PathBuf;

use serde::Serialize;

use super::super::UsageError;
use super::super::output::{put, put_json};
use super::super::report::html::confusion_page;
use super::material::{Material, learnt_from};
use super::{ModelOption, classes_of, evaluation_text, read_all, threads, write_whole};
use crate::model::trace::Trace;
use crate::network::evaluation::Evaluation;
use crate::network::field::{field_figures, field_rows};
use crate::network::learn::{LabelledRow, Origin, judge};
use crate::network::model::ModelKind;
use crate::network::posterior::CONFIDENCE_MIN;

#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct EvaluateOptions {
    /// Labelled traces; see `estimate --help` for their columns
    #[arg(long, value_name = "FILE", required_unless_present = "field", num_args = 1..)]
    traces: Vec<PathBuf>,
    /// Labelled collections of measurements without hop counts: cut into pieces of 30 probes and judged one by one at 1, 5 and
    /// 30 probes; with --leave-out each collection is left out as a whole
    #[arg(long, value_name = "FILE", num_args = 1..)]
    field: Vec<PathBuf>,
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
    /// Also draw the confusion table as a page (FILE.html)
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    /// `model` or `left out`.
    judged_by: &'static str,
    /// Whether the model was trained on these very traces.
    trained_on: bool,
    confidence_min: f64,
    #[serde(flatten)]
    evaluation: Evaluation,
}

/// Rows with what was estimated of them.
type Estimated = Vec<(LabelledRow, Vec<f64>)>;

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
        let field = read_all(&self.field, None)?;
        let all: Vec<Trace> = traces.iter().chain(&field).cloned().collect();
        let labelled = classes_of(kind, &all)?;
        let (classes, estimated, trained_on) = if self.leave_out {
            let (classes, estimated) = self.left_out(kind, &traces, &field)?;
            (classes, estimated, false)
        } else {
            self.by_model(kind, &traces, &field, &labelled)?
        };
        let of = |origin| estimated.iter().filter(move |(row, _)| row.origin == origin);
        let whole = of(Origin::Judged).filter(|(row, _)| row.is_whole);
        let judged: Vec<_> = whole.map(|(row, posterior)| judge(posterior, row, self.confidence)).collect();
        let measured: Vec<_> = of(Origin::Field).map(|(row, posterior)| (row, posterior.as_slice())).collect();
        let field = field_figures(&measured, self.confidence);
        let evaluation = Evaluation { field, ..Evaluation::of(&judged, &classes) };
        if let Some(path) = &self.plot {
            let title = format!("prober {} evaluate", if kind == ModelKind::Cause { "cause" } else { "network" });
            write_whole(path, &confusion_page(&title, &evaluation))?;
        }
        if self.json {
            let judged_by = if self.leave_out { "left out" } else { "model" };
            return Ok(put_json(&Figures { judged_by, trained_on, confidence_min: self.confidence, evaluation })?);
        }
        Ok(put(&evaluation_text(&evaluation))?)
    }

    fn by_model(
        &self,
        kind: ModelKind,
        traces: &[Trace],
        field: &[Trace],
        labelled: &[String],
    ) -> anyhow::Result<(Vec<String>, Estimated, bool)> {
        let model = self.model.load(kind)?;
        let known = match learnt_from(&model, &self.traces)? {
            None => learnt_from(&model, &self.field)?,
            known => known,
        };
        if let Some(path) = known {
            let path = path.display();
            eprintln!(
                "warning: the model was trained on {path}: this says how well it remembers; --leave-out judges it fairly"
            );
        }
        // Classes that the model does not know can only be missed, which counts.
        let mut classes = model.classes.clone();
        classes.extend(labelled.iter().filter(|class| !model.classes.contains(class)).cloned());
        let mut rows = kind.rows(traces, &classes, Origin::Judged);
        rows.extend(field_rows(kind, field, &classes));
        let estimate = |row: LabelledRow| {
            let shares = model.shares(&row.values, row.probes, row.is_bare);
            (row, shares)
        };
        Ok((classes, rows.into_iter().map(estimate).collect(), known.is_some()))
    }

    fn left_out(&self, kind: ModelKind, traces: &[Trace], field: &[Trace]) -> anyhow::Result<(Vec<String>, Estimated)> {
        let given = read_all(&self.train_with, self.window.map(|window| window as usize))?;
        let Material { classes, rows } = Material::of(kind, traces, field, &given)?;
        let left_out = kind.recipe(classes.len(), usize::from(self.folds), threads()).leave_out(&rows);
        let judged = rows.into_iter().zip(left_out.posteriors).filter(|(_, posterior)| !posterior.is_empty());
        Ok((classes, judged.collect()))
    }
}
