//! `prober cause estimate`: what is wrong at each terminal, and why that is thought.

use super::super::learning::{Estimate, EstimateOptions};
use crate::io::store::{NetworkBatch, Store, StoreError};
use crate::model::trace::{Role, Trace};
use crate::network::cause::{CauseEstimate, estimate};
use crate::network::model::{Model, ModelKind};

/// Estimate why probes of each terminal fail or come back late
///
/// Reads a trace file (--traces; its columns are those of `prober network estimate --help`) or a stored scan (--scan). Silence
/// only counts where the trace holds the probes that were not answered: in trace files, and for terminals under study.
///
/// With --json prints a list of objects: `place`, `terminal`, `probes`, `answered`, `cause` (null: unknown), `confidence`,
/// `posterior`, `evidence` (the figures that decided) and `explanation`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EstimateArgs {
    #[command(flatten)]
    options: EstimateOptions,
}

impl EstimateArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.options.run::<CauseEstimate>()
    }
}

impl Estimate for CauseEstimate {
    const KIND: ModelKind = ModelKind::Cause;
    const HEADS: &'static [&'static str] = &["place", "terminal", "cause", "confidence>", "replies>", "why"];

    fn of_all(model: &Model, traces: &[Trace], confidence_min: f64) -> Vec<Self> {
        let terminals = traces.iter().filter(|trace| trace.role == Role::Terminal);
        terminals.map(|trace| estimate(model, trace, confidence_min)).collect()
    }

    fn store(store: &Store, batch: &NetworkBatch, estimates: &[Self]) -> Result<(), StoreError> {
        store.add_cause_estimates(batch, estimates)
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.place.clone(),
            self.terminal.clone(),
            self.cause.clone().unwrap_or_else(|| "unknown".to_owned()),
            format!("{:.0} %", 100.0 * self.confidence),
            format!("{}/{}", self.answered, self.probes),
            self.explanation.clone(),
        ]
    }
}
