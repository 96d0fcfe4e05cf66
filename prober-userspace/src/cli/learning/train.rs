//! Training: the model and how well it does on places that were left out.

use std::path::PathBuf;

use serde::Serialize;

use super::super::output::{put, put_json};
use super::{classes_of, evaluation_text, read_all, threads, write_whole};
use crate::network::evaluation::Evaluation;
use crate::network::learn::judge;
use crate::network::model::{MODEL_VERSION, Model, ModelKind, Training};
use crate::network::posterior::CONFIDENCE_MIN;
use crate::network::task::hop_line;

#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct TrainOptions {
    /// Labelled traces; see `estimate --help` for their columns
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    traces: Vec<PathBuf>,
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
        let classes = classes_of(kind, &traces)?;
        let rows = kind.rows(&traces, &classes, false);
        let recipe = kind.recipe(classes.len(), usize::from(self.folds), threads());
        let left_out = recipe.leave_out(&rows);
        let judged = rows.iter().zip(&left_out.posteriors).filter(|(row, _)| row.is_whole);
        let judged: Vec<_> = judged.map(|(row, posterior)| judge(posterior, row, CONFIDENCE_MIN)).collect();
        let mut places: Vec<&str> = rows.iter().map(|row| row.place.as_str()).collect();
        places.sort_unstable();
        places.dedup();
        let name = |path: &PathBuf| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let training = Training {
            traces_from: self.traces.iter().map(name).collect(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            terminals: judged.len(),
            places: places.len(),
            rows: rows.len(),
            folds: usize::from(self.folds),
        };
        let model = Model {
            version: MODEL_VERSION,
            kind,
            training,
            evaluation: Evaluation::of(&judged, &classes),
            features: kind.feature_names().into_iter().map(str::to_owned).collect(),
            hop_line: hop_line(&traces),
            temperatures: left_out.temperatures,
            stages: recipe.train(&rows),
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
