//! `prober cause estimate`: what is wrong at each terminal, and why that is thought.

use serde::Serialize;

use super::super::learning::ModelOption;
use super::super::output::{put, put_json};
use super::super::source::TraceSource;
use super::super::table::Table;
use crate::io::clock;
use crate::model::trace::Role;
use crate::network::cause::{CauseEstimate, estimate};
use crate::network::model::{MODEL_VERSION, ModelKind};

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
    source: TraceSource,
    #[command(flatten)]
    model: ModelOption,
}

#[derive(Serialize)]
struct Estimates {
    model_version: u32,
    estimates: Vec<CauseEstimate>,
}

impl EstimateArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let model = self.model.load(ModelKind::Cause)?;
        let (traces, study) = self.source.read()?;
        let confidence = self.source.confidence()?;
        let terminals = traces.iter().filter(|trace| trace.role == Role::Terminal);
        let estimates: Vec<CauseEstimate> = terminals.map(|trace| estimate(&model, trace, confidence)).collect();
        if let Some(study) = study {
            let batch = study.batch(clock::utc_now(), &self.model.name());
            study.store.add_cause_estimates(&batch, &estimates)?;
        }
        if self.source.json {
            return Ok(put_json(&Estimates { model_version: MODEL_VERSION, estimates })?);
        }
        Ok(put(&text(&estimates))?)
    }
}

fn text(estimates: &[CauseEstimate]) -> String {
    let mut table = Table::of(&["place", "terminal", "cause", "confidence>", "replies>", "why"]);
    for estimate in estimates {
        table.row([
            estimate.place.clone(),
            estimate.terminal.clone(),
            estimate.cause.clone().unwrap_or_else(|| "unknown".to_owned()),
            format!("{:.0} %", 100.0 * estimate.confidence),
            format!("{}/{}", estimate.answered, estimate.probes),
            estimate.explanation.clone(),
        ]);
    }
    table.render()
}
