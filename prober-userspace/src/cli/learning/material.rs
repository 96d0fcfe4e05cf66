//! What a model is made of: labelled traces, collections of measurements, and series after standards.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::UsageError;
use super::read_all;
use crate::io::trace::read_traces;
use crate::model::trace::Trace;
use crate::network::digest::digest;
use crate::network::field::field_rows;
use crate::network::learn::{LabelledRow, Origin};
use crate::network::model::{Model, ModelKind, TracesFile};
use crate::simulate::standards;

/// Series of each type after standards.
const STANDARD_SERIES: usize = 150;
/// What one of them counts against a simulated or measured one.
const STANDARD_WEIGHT: f64 = 0.5;
/// Where their chance begins.
const STANDARD_SEED: u64 = 1;

/// Rows to learn from and to judge.
pub(super) struct Material {
    pub(super) classes: Vec<String>,
    pub(super) rows: Vec<LabelledRow>,
}

impl Material {
    /// Of traces to be judged, collections to be judged, and traces that are only learnt from.
    pub(super) fn of(kind: ModelKind, judged: &[Trace], field: &[Trace], given: &[Trace]) -> anyhow::Result<Self> {
        let all: Vec<Trace> = judged.iter().chain(field).chain(given).cloned().collect();
        let classes = kind.classes(&all);
        let mut rows = kind.rows(judged, &classes, Origin::Judged);
        rows.extend(field_rows(kind, field, &classes));
        refuse_one_of_a_kind(&rows, &classes)?;
        let given = kind.rows(given, &classes, Origin::Given);
        rows.extend(no_heavier(given, &rows, classes.len()));
        if kind != ModelKind::Cause {
            let series = standards::series(STANDARD_SERIES, STANDARD_SEED);
            let standard = kind.rows(&series, &classes, Origin::Given).into_iter();
            rows.extend(standard.map(|row| LabelledRow { weight: STANDARD_WEIGHT * row.weight, ..row }));
        }
        Ok(Self { classes, rows })
    }
}

/// `given` rows, each class weighing at most what it weighs among those `judged`: what happens to be at hand must not decide how
/// common a class is.
fn no_heavier(given: Vec<LabelledRow>, judged: &[LabelledRow], classes: usize) -> Vec<LabelledRow> {
    let weights = |rows: &[LabelledRow]| {
        let mut weights = vec![0.0; classes];
        for row in rows {
            weights[row.class] += row.weight;
        }
        weights
    };
    let (own, others) = (weights(&given), weights(judged));
    let scaled =
        |row: LabelledRow| LabelledRow { weight: row.weight * (others[row.class] / own[row.class]).min(1.0), ..row };
    given.into_iter().map(scaled).collect()
}

/// With one class there is nothing to tell apart, with one place nothing is left to learn from.
fn refuse_one_of_a_kind(rows: &[LabelledRow], classes: &[String]) -> anyhow::Result<()> {
    if let [only] = classes {
        let what = format!("all labelled terminals are `{only}`; telling classes apart takes two of them or more");
        return Err(UsageError(what).into());
    }
    let places: BTreeSet<&str> = rows.iter().map(|row| row.place.as_str()).collect();
    if let (Some(only), 1) = (places.first(), places.len()) {
        let what = format!(
            "all labelled terminals are of one place (`{only}`); leaving places out in turn takes two of them or more"
        );
        return Err(UsageError(what).into());
    }
    Ok(())
}

/// What is written into the model of the files it was made of.
pub(super) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<TracesFile>> {
    let file = |path: &PathBuf| {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(TracesFile { name, digest: digest(&read_traces(path)?) })
    };
    paths.iter().map(file).collect()
}

/// The file of `paths` that the model has learnt from, if any.
pub(super) fn learnt_from<'a>(model: &Model, paths: &'a [PathBuf]) -> anyhow::Result<Option<&'a Path>> {
    for path in paths {
        let digest = digest(&read_all(std::slice::from_ref(path), None)?);
        if model.training.traces_from.iter().any(|file| file.digest == digest) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_learnt_from_besides_do_not_decide_how_common_a_class_is() {
        let row = |class, weight| LabelledRow { class, weight, ..LabelledRow::default() };
        let judged = [row(0, 1.0), row(0, 1.0), row(1, 1.0)];
        let given = vec![row(0, 1.0), row(1, 3.0), row(1, 1.0)];
        let weights: Vec<f64> = no_heavier(given, &judged, 2).iter().map(|row| row.weight).collect();
        assert_eq!(weights, [1.0, 0.75, 0.25]);
    }
}
