//! Collections of measurements in real networks: cut into pieces, each collection left out of training as a whole in turn, and
//! judged by itself. Their terminals have no hop counts and share nothing but a place where they were put together.

use serde::{Deserialize, Serialize};

use super::calibration::expected_error;
use super::learn::{LabelledRow, Origin, judge};
use super::model::ModelKind;
use super::piece::cut;
use crate::model::trace::Trace;

/// Probes of a piece.
pub const PIECE_PROBES: usize = 30;
/// Lengths that are judged, in probes.
const JUDGED_PROBES: [usize; 3] = [1, 5, PIECE_PROBES];
/// What a whole collection counts in training, in terminals of a scenario: however long, it is of a few terminals.
const COLLECTION_WEIGHT: f64 = 30.0;
/// Name of the line over all collections.
const ALL: &str = "all";

/// How well one collection was told, at one length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldFigures {
    /// The collection, or `all`.
    pub collection: String,
    /// First probes of each piece.
    pub probes: usize,
    /// Pieces judged.
    pub pieces: usize,
    /// Share named right.
    pub right: f64,
    /// Share named wrong.
    pub wrong: f64,
    /// Share called unknown.
    pub unknown: f64,
    /// Expected calibration error.
    pub calibration_error: f64,
}

/// Rows of collections.
pub fn field_rows(kind: ModelKind, traces: &[Trace], classes: &[String]) -> Vec<LabelledRow> {
    let mut rows = Vec::new();
    for trace in traces {
        for piece in cut(trace, PIECE_PROBES) {
            rows.extend(kind.rows(std::slice::from_ref(&piece), classes, Origin::Field));
        }
    }
    let mut places: Vec<String> = rows.iter().map(|row: &LabelledRow| row.place.clone()).collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        let pieces = rows.iter().filter(|row| row.place == place && row.is_whole).count().max(1);
        let share = (COLLECTION_WEIGHT / pieces as f64).min(1.0);
        rows.iter_mut().filter(|row| row.place == place).for_each(|row| row.weight *= share);
    }
    rows
}

/// How well `judged` rows of collections, each with its posterior, were told.
pub fn field_figures(judged: &[(&LabelledRow, &[f64])], confidence_min: f64) -> Vec<FieldFigures> {
    let mut collections: Vec<&str> = judged.iter().map(|(row, _)| row.place.as_str()).collect();
    collections.sort_unstable();
    collections.dedup();
    let mut figures = Vec::new();
    for probes in JUDGED_PROBES {
        for collection in collections.iter().copied().chain([ALL]) {
            // A series that is shorter than a piece is judged as it is.
            let is_length =
                |row: &LabelledRow| if probes == PIECE_PROBES { row.is_whole } else { row.probes == probes };
            let is_of = |row: &LabelledRow| collection == ALL || row.place == collection;
            let of = judged.iter().filter(|(row, _)| is_of(row) && row.is_bare && is_length(row));
            let of: Vec<_> = of.map(|(row, posterior)| judge(posterior, row, confidence_min)).collect();
            if of.is_empty() {
                continue;
            }
            let share = |count: usize| (1e4 * count as f64 / of.len() as f64).round() / 1e4;
            let right = of.iter().filter(|estimate| estimate.label == Some(estimate.truth)).count();
            let unknown = of.iter().filter(|estimate| estimate.label.is_none()).count();
            let error = expected_error(of.iter().map(|estimate| (estimate.confidence, estimate.best_is_right)));
            figures.push(FieldFigures {
                collection: collection.to_owned(),
                probes,
                pieces: of.len(),
                right: share(right),
                wrong: share(of.len() - right - unknown),
                unknown: share(unknown),
                calibration_error: (error * 1e4).round() / 1e4,
            });
        }
    }
    figures
}
