//! `prober network estimate`: the network types of the terminals of traces or of a stored scan.

use super::super::learning::{Estimate, EstimateOptions};
use crate::io::store::{NetworkBatch, Store, StoreError};
use crate::model::trace::Trace;
use crate::network::access::{NetworkEstimate, estimate_all};
use crate::network::model::{Model, ModelKind};

/// Estimate the network type of each terminal
///
/// Reads a trace file (--traces) or the replies of a stored scan (--scan), of which terminals of one /24 are one place. A trace
/// file is CSV, plain or gzipped, or Parquet, one line for each probe, with the columns `terminal`, `t_send_s` (seconds) and
/// `rtt_ms` (empty: no reply), and as far as known `scenario` (prefix or scenario: terminals of one place share the way to it),
/// `network_type` (`gateway` for the last router before the access network; else the true type), `background` (0 or 1),
/// `cause`, `hop_count`, `ttl_seen`, `port`, `reply` (synack, rst, none), and `silence_known` (0: replies only, so that silence
/// says nothing; without the column it is known if any probe of the file was lost).
///
/// With --json prints `model_version` and `estimates`, a list of objects: `place`, `terminal`, `probes`, `answered`, `network_type` (null: unknown),
/// `confidence`, `posterior`, `hops`, `transit` (`floor_ms`, `uncertainty_ms`, `source`), `access_floor_ms`, `several_hosts`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EstimateArgs {
    #[command(flatten)]
    options: EstimateOptions,
}

impl EstimateArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.options.run::<NetworkEstimate>()
    }
}

impl Estimate for NetworkEstimate {
    const KIND: ModelKind = ModelKind::Network;
    const HEADS: &'static [&'static str] =
        &["place", "terminal", "type", "confidence>", "replies>", "hops>", "transit ms>", "access ms>", ""];

    fn of_all(model: &Model, traces: &[Trace], confidence_min: f64) -> anyhow::Result<Vec<Self>> {
        Ok(estimate_all(model, traces, confidence_min))
    }

    fn store(store: &Store, batch: &NetworkBatch, estimates: &[Self]) -> Result<(), StoreError> {
        store.add_network_estimates(batch, estimates)
    }

    fn cells(&self) -> Vec<String> {
        let millis = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        vec![
            self.place.clone(),
            self.terminal.clone(),
            self.network_type.clone().unwrap_or_else(|| "unknown".to_owned()),
            format!("{:.0} %", 100.0 * self.confidence),
            format!("{}/{}", self.answered, self.probes),
            self.hops.map_or_else(|| "-".to_owned(), |hops| hops.to_string()),
            millis(self.transit.map(|transit| transit.floor_ms)),
            millis(self.access_floor_ms),
            if self.several_hosts { "several hosts".to_owned() } else { String::new() },
        ]
    }
}
