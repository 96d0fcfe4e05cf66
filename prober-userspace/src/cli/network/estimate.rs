//! `prober network estimate`: the network types of the terminals of traces or of a stored scan.

use serde::Serialize;

use super::super::learning::ModelOption;
use super::super::output::{put, put_json};
use super::super::source::TraceSource;
use super::super::table::Table;
use crate::io::clock;
use crate::network::access::{NetworkEstimate, estimate_place};
use crate::network::model::{MODEL_VERSION, ModelKind};
use crate::network::task::places;

/// Estimate the network type of each terminal
///
/// Reads a trace file (--traces) or the replies of a stored scan (--scan), of which terminals of one /24 are one place. A trace
/// file is CSV, plain or gzipped, or Parquet, one line for each probe, with the columns `terminal`, `t_send_s` (seconds) and
/// `rtt_ms` (empty: no reply), and as far as known `scenario` (prefix or scenario: terminals of one place share the way to it),
/// `network_type` (`gateway` for the last router before the access network; else the true type), `background` (0 or 1),
/// `cause`, `hop_count`, `ttl_seen`, `port`, and `reply` (synack, rst, none).
///
/// With --json prints a list of objects: `place`, `terminal`, `probes`, `answered`, `network_type` (null: unknown),
/// `confidence`, `posterior`, `hops`, `transit` (`floor_ms`, `uncertainty_ms`, `source`), `access_floor_ms`, `several_hosts`.
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
    estimates: Vec<NetworkEstimate>,
}

impl EstimateArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let model = self.model.load(ModelKind::Network)?;
        let (traces, study) = self.source.read()?;
        let confidence = self.source.confidence()?;
        let estimates: Vec<NetworkEstimate> =
            places(&traces).iter().flat_map(|place| estimate_place(&model, place, confidence)).collect();
        if let Some(study) = study {
            let batch = study.batch(clock::utc_now(), &self.model.name());
            study.store.add_network_estimates(&batch, &estimates)?;
        }
        if self.source.json {
            return Ok(put_json(&Estimates { model_version: MODEL_VERSION, estimates })?);
        }
        Ok(put(&text(&estimates))?)
    }
}

fn text(estimates: &[NetworkEstimate]) -> String {
    let heads = ["place", "terminal", "type", "confidence>", "replies>", "hops>", "transit ms>", "access ms>", ""];
    let mut table = Table::of(&heads);
    let millis = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    for estimate in estimates {
        table.row([
            estimate.place.clone(),
            estimate.terminal.clone(),
            estimate.network_type.clone().unwrap_or_else(|| "unknown".to_owned()),
            format!("{:.0} %", 100.0 * estimate.confidence),
            format!("{}/{}", estimate.answered, estimate.probes),
            estimate.hops.map_or_else(|| "-".to_owned(), |hops| hops.to_string()),
            millis(estimate.transit.map(|transit| transit.floor_ms)),
            millis(estimate.access_floor_ms),
            if estimate.several_hosts { "several hosts".to_owned() } else { String::new() },
        ]);
    }
    table.render()
}
