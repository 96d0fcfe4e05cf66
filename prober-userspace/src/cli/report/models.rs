//! How good the estimates are that this scan's hosts have: the confusion tables that their models were made with, of places
//! left out of training.

use serde::Serialize;

use super::Picture;
use super::chart::confusion;
use crate::cli::learning::ModelOption;
use crate::io::store::{Store, StoreError};
use crate::model::scan::ScanId;
use crate::network::evaluation::Evaluation;
use crate::network::model::ModelKind;

/// The evaluation that a model was written with.
#[derive(Clone, Debug, Serialize)]
pub struct ModelFigures {
    kind: ModelKind,
    /// Its file, or `built-in`.
    model: String,
    places: usize,
    folds: usize,
    evaluation: Evaluation,
}

impl ModelFigures {
    /// Of the models that made the last estimates of the scan. A model that is no longer there, or not as it was, is left out.
    pub(super) fn read(store: &Store, scan: ScanId) -> Result<Vec<Self>, StoreError> {
        let mut figures = Vec::new();
        for (kind, table) in [(ModelKind::Network, "network_estimate"), (ModelKind::Cause, "cause_estimate")] {
            let sql = format!("SELECT max_by(model, estimated_at) FROM {table} WHERE scan_id = ?");
            let last = store.connection().query_row(&sql, [scan.0], |row| row.get::<_, Option<String>>(0));
            let Some(model) = last.map_err(store.failed("reading which models estimated"))? else { continue };
            let Ok(read) = ModelOption::named(&model).load(kind) else { continue };
            let (training, evaluation) = (read.training, read.evaluation);
            figures.push(Self { kind, model, places: training.places, folds: training.folds, evaluation });
        }
        Ok(figures)
    }

    /// Its confusion table.
    pub(super) fn picture(&self) -> Picture {
        let Self { model, places, folds, evaluation, .. } = self;
        let what = if self.kind == ModelKind::Cause { "causes" } else { "access networks" };
        Picture {
            title: format!("How well {what} are told"),
            note: format!(
                "Model {model}: {} labelled terminals of {places} places, each place judged by {folds}-fold models that never \
                 saw it; {:.1} % right, {:.1} % unknown, calibration error {:.3}",
                evaluation.terminals,
                100.0 * evaluation.accuracy,
                100.0 * evaluation.unknown,
                evaluation.calibration_error
            ),
            content: confusion(evaluation),
            class: "wide",
        }
    }
}
