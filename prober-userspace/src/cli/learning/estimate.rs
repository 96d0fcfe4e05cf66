//! Estimating each terminal of traces or of a stored scan: what is typed, stored and printed, whatever is estimated.

use serde::Serialize;

use super::super::output::{put, put_json};
use super::super::source::TraceSource;
use super::super::table::Table;
use super::ModelOption;
use crate::io::clock;
use crate::io::store::{NetworkBatch, Store, StoreError};
use crate::model::trace::Trace;
use crate::network::model::{MODEL_VERSION, Model, ModelKind};

#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct EstimateOptions {
    #[command(flatten)]
    source: TraceSource,
    #[command(flatten)]
    model: ModelOption,
}

/// An estimate of one terminal.
pub(in crate::cli) trait Estimate: Serialize + Sized {
    /// What kind of model it takes.
    const KIND: ModelKind;
    /// Headings of its table; a `>` at the end: to the right.
    const HEADS: &'static [&'static str];

    /// Of each terminal of the traces.
    fn of_all(model: &Model, traces: &[Trace], confidence_min: f64) -> anyhow::Result<Vec<Self>>;
    /// Into its table.
    fn store(store: &Store, batch: &NetworkBatch, estimates: &[Self]) -> Result<(), StoreError>;
    /// Cells below `HEADS`.
    fn cells(&self) -> Vec<String>;
}

#[derive(Serialize)]
struct Estimates<E> {
    model_version: u32,
    estimates: Vec<E>,
}

impl EstimateOptions {
    /// Estimates, stores where that is wanted, and prints.
    pub(in crate::cli) fn run<E: Estimate>(self) -> anyhow::Result<()> {
        let model = self.model.load(E::KIND)?;
        let confidence = self.source.confidence()?;
        let (traces, study) = self.source.read()?;
        let estimates = E::of_all(&model, &traces, confidence)?;
        if let Some(study) = study {
            let batch = study.batch(clock::utc_now(), &self.model.name());
            E::store(&study.store, &batch, &estimates)?;
        }
        if self.source.json {
            return Ok(put_json(&Estimates { model_version: MODEL_VERSION, estimates })?);
        }
        let mut table = Table::of(E::HEADS);
        for estimate in &estimates {
            table.row(estimate.cells());
        }
        Ok(put(&table.render())?)
    }
}
