//! `prober cause estimate`: what is wrong at each terminal, and why that is thought.

use super::super::learning::{Estimate, EstimateOptions, ModelOption};
use crate::io::store::{NetworkBatch, Store, StoreError};
use crate::model::trace::{Role, Trace};
use crate::network::access::estimate_place;
use crate::network::cause::{CauseEstimate, Circumstances, estimate};
use crate::network::model::{Model, ModelKind};
use crate::network::posterior::CONFIDENCE_MIN;
use crate::network::task::{hop_line, neighbours_answer, places};

/// Estimate why probes of each terminal fail or come back late
///
/// Reads a trace file (--traces; its columns are those of `prober network estimate --help`) or a stored scan (--scan). Silence
/// only counts where the trace holds the probes that were not answered: in trace files, and for terminals under study.
///
/// What loss and delay mean differs from network to network: behind one that the model did not learn from (it comes with
/// WLAN), causes told by their pattern stay unknown. The network is that of the column `network_type`, or else estimated.
///
/// With --json prints `model_version` and `estimates`, a list of objects: `place`, `terminal`, `probes`, `answered`, `cause` (null: unknown), `confidence`,
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

    fn of_all(model: &Model, traces: &[Trace], confidence_min: f64) -> anyhow::Result<Vec<Self>> {
        let types = ModelOption::default().load(ModelKind::Network)?;
        let line = hop_line(traces);
        let mut estimates = Vec::new();
        for place in places(traces) {
            // What a trace says of its network counts; else what its answers say.
            let mut thought = estimate_place(&types, &place, line.as_ref(), CONFIDENCE_MIN).into_iter();
            for (index, trace) in place.iter().enumerate().filter(|(_, trace)| trace.role == Role::Terminal) {
                let thought = thought.next().and_then(|estimate| estimate.network_type?.parse().ok());
                let access = trace.access.or(thought);
                let known = Circumstances { neighbours_answer: neighbours_answer(&place, index), access };
                estimates.push(estimate(model, trace, known, confidence_min));
            }
        }
        Ok(estimates)
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
