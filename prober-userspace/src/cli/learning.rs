//! What `prober network` and `prober cause` share: reading traces, models, training and judging. What is typed and printed
//! for each of them is in their own folders.

mod estimate;
mod evaluate;
mod material;
mod models;
mod train;

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::UsageError;
use super::table::Table;
use crate::io::trace::read_traces;
use crate::model::trace::Trace;
use crate::network::evaluation::Evaluation;
use crate::network::model::ModelKind;
use crate::network::piece::cut;
pub(super) use estimate::{Estimate, EstimateOptions};
pub(super) use evaluate::EvaluateOptions;
pub(super) use models::ModelOption;
pub(super) use train::TrainOptions;

/// Traces of files; with `window`, each series cut into pieces of so many probes that are taken for terminals of their own.
fn read_all(files: &[PathBuf], window: Option<usize>) -> anyhow::Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for file in files {
        traces.extend(read_traces(file)?);
    }
    Ok(match window {
        Some(window) => traces.iter().flat_map(|trace| cut(trace, window)).collect(),
        None => traces,
    })
}

/// The classes of labelled traces; an error if there is nothing to learn or judge.
fn classes_of(kind: ModelKind, traces: &[Trace]) -> anyhow::Result<Vec<String>> {
    let classes = kind.classes(traces);
    let column = if kind == ModelKind::Cause { "cause" } else { "network_type" };
    if classes.is_empty() {
        let what = format!("no terminal with replies has a `{column}`; labelled traces are needed");
        return Err(UsageError(what).into());
    }
    Ok(classes)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(|| format!("writing {}", path.display()))
}

/// Figures as a person reads them: classes with their shares, and the confusion table.
fn evaluation_text(evaluation: &Evaluation) -> String {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let perhaps = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    let mut text = format!(
        "{} terminals: {} right, {} unknown, calibration error {:.3}\n\n",
        evaluation.terminals,
        percent(evaluation.accuracy),
        percent(evaluation.unknown),
        evaluation.calibration_error
    );
    let mut table = Table::of(&["class", "terminals>", "recall>", "precision>", "idle>", "loaded>"]);
    for class in &evaluation.classes {
        table.row([
            class.class.clone(),
            class.terminals.to_string(),
            percent(class.recall),
            perhaps(class.precision),
            perhaps(class.recall_idle),
            perhaps(class.recall_loaded),
        ]);
    }
    text.push_str(&table.render());
    let heads: Vec<String> = evaluation.confusion_columns.iter().map(|name| format!("{name}>")).collect();
    let heads: Vec<&str> = ["true \\ said"].into_iter().chain(heads.iter().map(String::as_str)).collect();
    let mut table = Table::of(&heads);
    for (class, row) in evaluation.classes.iter().zip(&evaluation.confusion) {
        table.row([class.class.clone()].into_iter().chain(row.iter().map(ToString::to_string)));
    }
    text.push('\n');
    text.push_str(&table.render());
    if !evaluation.places.is_empty() {
        let mut table = Table::of(&["place", "terminals>", "right>", "unknown>", "calibration error>"]);
        for place in &evaluation.places {
            let (right, unknown) = (percent(place.accuracy), percent(place.unknown));
            let error = format!("{:.3}", place.calibration_error);
            table.row([place.place.clone(), place.terminals.to_string(), right, unknown, error]);
        }
        text.push('\n');
        text.push_str(&table.render());
    }
    if !evaluation.field.is_empty() {
        let heads = ["collection", "probes>", "pieces>", "right>", "wrong>", "unknown>", "calibration error>"];
        let mut table = Table::of(&heads);
        for field in &evaluation.field {
            table.row([
                field.collection.clone(),
                field.probes.to_string(),
                field.pieces.to_string(),
                percent(field.right),
                percent(field.wrong),
                percent(field.unknown),
                format!("{:.3}", field.calibration_error),
            ]);
        }
        text.push('\n');
        text.push_str(&table.render());
    }
    text
}
