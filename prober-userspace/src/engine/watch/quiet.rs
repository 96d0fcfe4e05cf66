//! What was learnt of networks, brought from the store to the watch: at its start, and while it runs after each night. The
//! limit of a slot is of one network, a /24; a cluster's is as many times that as it has networks.

use std::sync::Arc;

use super::Watch;
use crate::io::store::{Store, StoreError};
use crate::policy::grid::DayGrid;
use crate::policy::learnt_networks::LearntNetworks;
use crate::policy::quiet::QuietHours;

/// States that get their cluster in one turn of the deciding thread.
const SLICE: usize = 1 << 18;

/// All of it as it is stored. Time grows with the networks and clusters.
pub(in crate::engine) fn load(store: &Store) -> Result<LearntNetworks, StoreError> {
    let members = store.cluster_members()?;
    let mut quiet = Vec::new();
    for cluster in store.clusters(None)? {
        let Ok(grid) = DayGrid::new(cluster.slots, cluster.utc_offset_s) else { continue };
        let networks = f64::from(cluster.networks.max(1));
        let cells = store.slot_limits(&cluster)?.into_iter().map(|(cell, load, pps)| (cell, load, pps * networks));
        quiet.push((cluster.cluster, QuietHours::new(grid, cells)));
    }
    Ok(LearntNetworks::new(members, quiet))
}

impl Watch<'_> {
    /// Begins to take over what was learnt anew.
    pub(super) fn take_over(&mut self, networks: Arc<LearntNetworks>) {
        log::info!("{} networks in clusters are taken over", networks.len());
        self.planner.take_over(networks);
        // Their rates count at once.
        self.rated = None;
    }

    /// Goes on with it; whether there was anything to do.
    pub(super) fn take_over_some(&mut self) -> anyhow::Result<bool> {
        if !self.planner.is_taking_over() {
            return Ok(false);
        }
        let gone = self.planner.take_over_some(SLICE).into_iter().map(|cluster| (u32::from(cluster), 0.0));
        self.ends.errands.limit_groups(gone.collect())?;
        Ok(true)
    }
}
