//! A cluster's plan for the coming slots, from what the store holds of it.

use anyhow::Result;

use crate::io::store::{ClusterRow, Store};
use crate::model::utc::UtcMicros;
use crate::network::congestion::service::{PROBE_BYTES, ServiceTime};
use crate::policy::grid::DayGrid;
use crate::policy::plan::{Demand, Plan, PlanConfig};
use crate::policy::profile::Profile;

/// A plan, and the day that it is made for.
pub(crate) struct Coming {
    /// The day.
    pub(crate) grid: DayGrid,
    /// Probes per network.
    pub(crate) probes: f64,
    /// The plan.
    pub(crate) plan: Plan,
}

/// Plans `ports` probes to each address of one of the cluster's networks within so many hours from `now`.
pub(crate) fn coming(
    store: &Store,
    cluster: &ClusterRow,
    config: &PlanConfig,
    ports: u32,
    within_h: f64,
    now: UtcMicros,
) -> Result<Coming> {
    let grid = DayGrid::new(cluster.slots, cluster.utc_offset_s)?;
    let service = ServiceTime::of(cluster.medium, PROBE_BYTES);
    let mut profile = Profile::new(grid, &service, cluster.half_life_days as f32);
    for (weekend, slot, delays, day) in store.slot_delays(cluster.cluster)? {
        profile.set(usize::from(slot) + if weekend { usize::from(grid.slots()) } else { 0 }, &delays, day);
    }
    let slots = (within_h * 3600.0 / grid.slot_s()).ceil().max(1.0) as usize;
    let probes = cluster.addresses as f64 / f64::from(cluster.networks.max(1)) * f64::from(ports);
    let demand = Demand { probes, due: slots - 1 };
    let plan = Plan::make(config, grid, grid.place(now), &service, &profile, &[demand]);
    Ok(Coming { grid, probes, plan })
}
