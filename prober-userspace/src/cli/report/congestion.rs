//! Congestion of networks by time of day, and when they are to be probed: what the report shows of both.

use serde::Serialize;

use super::Picture;
use super::chart::{HeatRow, SlotColumn, heat, slots};
use crate::cli::figure::grouped;
use crate::cli::plan::coming;
use crate::io::store::{ClusterRow, Store};
use crate::model::utc::UtcMicros;
use crate::network::congestion::load::LoadEstimate;
use crate::policy::plan::{Explanation, PlanConfig, Use};

/// Clusters in the picture: the largest.
const MOST_CLUSTERS: usize = 30;
/// The plan that is drawn: so many probes per address within a day, as `prober plan show` takes without options.
const PORTS: u32 = 500;

/// Clusters with their loads, largest first, and the plan of the largest.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Congestion {
    clusters: Vec<ClusterLoad>,
    /// Slots of the coming day for the largest cluster.
    plan: Vec<Explanation>,
}

#[derive(Clone, Debug, Serialize)]
struct ClusterLoad {
    cluster: ClusterRow,
    /// Load by slot, working day and then weekend; null where nothing is known.
    load: Vec<Option<f64>>,
}

impl Congestion {
    /// Reads it; empty before the first `prober plan update`.
    pub(super) fn read(store: &Store, now: UtcMicros) -> anyhow::Result<Self> {
        let mut rows = store.clusters(None)?;
        rows.sort_by_key(|row| std::cmp::Reverse(row.networks));
        rows.truncate(MOST_CLUSTERS);
        let plan = match rows.first() {
            None => Vec::new(),
            Some(largest) => {
                let date = store.watch_time()?.date_of(now);
                let coming = coming(store, largest, &PlanConfig::default(), PORTS, 24.0, date)?;
                coming.plan.explain(coming.grid)
            }
        };
        let clusters = rows
            .into_iter()
            .map(|cluster| {
                let mut load = vec![None; 2 * usize::from(cluster.slots)];
                for (cell, value) in store.slot_loads(&cluster)? {
                    if let Some(load) = load.get_mut(cell) {
                        *load = Some(value);
                    }
                }
                Ok(ClusterLoad { cluster, load })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { clusters, plan })
    }

    /// Whether nothing was learnt yet.
    pub(super) fn is_empty(&self) -> bool {
        self.clusters.is_empty()
    }

    /// Both; none before the first `prober plan update`.
    pub(super) fn pictures(&self) -> Vec<Picture> {
        let Some(first) = self.clusters.first() else { return Vec::new() };
        let rows: Vec<HeatRow> = self
            .clusters
            .iter()
            .map(|one| HeatRow {
                label: format!("{} ({})", one.cluster.cluster, grouped(u64::from(one.cluster.networks))),
                values: one.load.clone(),
            })
            .collect();
        let columns: Vec<SlotColumn> = self
            .plan
            .iter()
            .map(|slot| SlotColumn {
                label: slot.local.clone(),
                load: slot.load,
                load_high: if slot.answers > 0.0 { slot.load_high } else { LoadEstimate::UNKNOWN.high },
                probes: slot.probes,
                is_quiet: slot.used == Use::Quiet,
                tip: slot.reason.clone(),
            })
            .collect();
        vec![
            Picture {
                title: "Congestion by cluster and time of day".to_owned(),
                note: "Load of the access networks' bottleneck; rows are clusters with their number of networks, columns are \
                 slots of the local day"
                    .to_owned(),
                content: heat("Congestion by cluster and slot", &rows),
                class: "wide",
            },
            Picture {
                title: "Chosen slots over the load profile".to_owned(),
                note: format!(
                    "Cluster {}, the coming day in its local time, {PORTS} probes per address; columns of probes are relative to the slot with most",
                    first.cluster.cluster
                ),
                content: slots("Chosen slots", &columns),
                class: "wide",
            },
        ]
    }
}
