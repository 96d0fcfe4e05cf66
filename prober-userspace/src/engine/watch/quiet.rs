//! The clusters that `prober plan update` has learnt, brought to the watch: which address is of which, and each one's quiet
//! hours. The limit of a slot is of one network, a /24; a cluster's is as many times that as it has networks.

use std::collections::HashMap;

use crate::io::store::Store;
use crate::policy::grid::DayGrid;
use crate::policy::quiet::QuietHours;
use crate::policy::target_state::TargetState;

/// Writes the cluster of each address into its state, and gives the clusters' quiet hours by that number.
pub(super) fn assign(store: &Store, states: &mut [TargetState]) -> anyhow::Result<Vec<(u16, QuietHours)>> {
    let members: HashMap<u32, u32> = store.cluster_members()?.into_iter().collect();
    // 0 stands for none; clusters beyond what a state can name have neither quiet hours nor a limit of their own.
    let number = |cluster: u32| u16::try_from(cluster + 1).unwrap_or(0);
    // Neighbours are looked up once: a country has as many states as its clusters have networks, 256 times.
    let mut last = (u32::MAX, 0);
    for state in states.iter_mut() {
        let network = state.address & !255;
        if network != last.0 {
            last = (network, members.get(&network).map_or(0, |cluster| number(*cluster)));
        }
        state.cluster = last.1;
    }
    let mut hours = Vec::new();
    for cluster in store.clusters(None)? {
        let Ok(grid) = DayGrid::new(cluster.slots, cluster.utc_offset_s) else { continue };
        let networks = f64::from(cluster.networks.max(1));
        let cells = store.slot_limits(&cluster)?.into_iter().map(|(cell, load, pps)| (cell, load, pps * networks));
        if number(cluster.cluster) > 0 {
            hours.push((number(cluster.cluster), QuietHours::new(grid, cells)));
        }
    }
    Ok(hours)
}
