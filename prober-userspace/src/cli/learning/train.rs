//! Training: the model and how well it does on places that were left out.

use std::path::PathBuf;

use serde::Serialize;

use super::super::output::{put, put_json};
use super::material::{Material, files};
use super::{classes_of, evaluation_text, read_all, threads, write_whole};
use crate::model::access::AccessType;
use crate::model::trace::{Role, Trace};
use crate::network::evaluation::Evaluation;
use crate::network::field::field_figures;
use crate::network::learn::{Learnt, Origin, judge};
use crate::network::model::{MODEL_VERSION, Model, ModelKind, Training};
use crate::network::posterior::CONFIDENCE_MIN;

#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct TrainOptions {
    /// Labelled traces; see `estimate --help` for their columns
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    traces: Vec<PathBuf>,
    /// Labelled collections of measurements in real networks, without hop counts: cut into pieces of 30 probes, learnt from as
    /// well, and each left out as a whole in turn and judged by itself
    #[arg(long, value_name = "FILE", num_args = 1..)]
    field: Vec<PathBuf>,
    /// Labelled traces that are learnt from as well, but never judged; no class weighs more among them than among --traces
    #[arg(long, value_name = "FILE", num_args = 1..)]
    train_with: Vec<PathBuf>,
    /// Where to write the model
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Parts that the places are dealt into for the evaluation
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..))]
    folds: u16,
    /// Cut each series into pieces of so many probes
    #[arg(long, value_name = "PROBES", value_parser = clap::value_parser!(u32).range(1..))]
    window: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    model: PathBuf,
    version: u32,
    #[serde(flatten)]
    training: Training,
    #[serde(flatten)]
    evaluation: Evaluation,
}

impl TrainOptions {
    /// Trains, evaluates by leaving places out, writes the model and says how well it does.
    pub(in crate::cli) fn run(self, kind: ModelKind) -> anyhow::Result<()> {
        let traces = read_all(&self.traces, self.window.map(|window| window as usize))?;
        let field = read_all(&self.field, None)?;
        classes_of(kind, &traces)?;
        let given = read_all(&self.train_with, self.window.map(|window| window as usize))?;
        let Material { classes, rows } = Material::of(kind, &traces, &field, &given)?;
        let recipe = kind.recipe(classes.len(), usize::from(self.folds), threads());
        let left_out = recipe.leave_out(&rows);
        let estimated = || rows.iter().zip(&left_out.posteriors);
        let whole = estimated().filter(|(row, _)| row.is_whole && row.origin == Origin::Judged);
        let judged: Vec<_> = whole.map(|(row, posterior)| judge(posterior, row, CONFIDENCE_MIN)).collect();
        let measured = estimated().filter(|(row, _)| row.origin == Origin::Field);
        let measured: Vec<_> = measured.map(|(row, posterior)| (row, posterior.as_slice())).collect();
        let evaluation =
            Evaluation { field: field_figures(&measured, CONFIDENCE_MIN), ..Evaluation::of(&judged, &classes) };
        let mut places: Vec<&str> =
            rows.iter().filter(|row| row.origin == Origin::Judged).map(|row| row.place.as_str()).collect();
        places.sort_unstable();
        places.dedup();
        let training = Training {
            traces_from: files(&[self.traces.as_slice(), &self.field, &self.train_with].concat())?,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            terminals: judged.len(),
            places: places.len(),
            rows: rows.len(),
            folds: usize::from(self.folds),
            access: types_of(traces.iter().chain(&field).chain(&given)),
        };
        let Learnt { stages, mut novelty } = recipe.train(&rows);
        novelty.calibrate(&left_out.densities);
        let model = Model {
            version: MODEL_VERSION,
            kind,
            training,
            evaluation,
            features: kind.feature_names().into_iter().map(str::to_owned).collect(),
            novelty,
            temperatures: left_out.temperatures,
            stages,
            classes,
        };
        write_whole(&self.out, &(serde_json::to_string(&model)? + "\n"))?;
        let Model { version, training, evaluation, .. } = model;
        if self.json {
            return Ok(put_json(&Figures { model: self.out, version, training, evaluation })?);
        }
        let said = format!("\n{} places left out in turn; the model is in {}\n", training.places, self.out.display());
        Ok(put(&(evaluation_text(&evaluation) + &said))?)
    }
}

/// Types of access networks of terminals, each once, in their fixed order.
fn types_of<'a>(traces: impl Iterator<Item = &'a Trace>) -> Vec<String> {
    let seen: Vec<AccessType> =
        traces.filter(|trace| trace.role == Role::Terminal).filter_map(|trace| trace.access).collect();
    AccessType::ALL.into_iter().filter(|access| seen.contains(access)).map(|access| access.name().to_owned()).collect()
}
