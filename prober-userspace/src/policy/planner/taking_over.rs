//! Clusters that were learnt while the planner works: it takes them over slice by slice, so that a country's states hold up
//! nothing else for long. Where they come from is elsewhere.

use std::sync::Arc;

use super::{Cluster, Planner};
use crate::policy::learnt_networks::LearntNetworks;

/// Networks that are being taken over.
#[derive(Debug)]
pub(super) struct TakingOver {
    networks: Arc<LearntNetworks>,
    /// The number of the next state.
    next: usize,
}

impl Planner {
    /// Begins to take these over instead of all clusters that there were. Their quiet hours count from now on; those of
    /// clusters that are gone until no state is of them any more, so that no network is without its limit meanwhile.
    pub fn take_over(&mut self, networks: Arc<LearntNetworks>) {
        for (cluster, quiet) in networks.quiet_hours() {
            self.set_quiet_hours(*cluster, quiet.clone());
        }
        self.taking_over = Some(TakingOver { networks, next: 0 });
    }

    /// Whether there are states that were not looked at yet.
    pub const fn is_taking_over(&self) -> bool {
        self.taking_over.is_some()
    }

    /// Goes on with at most so many states: about 1 ms for 262,144. After the last one the clusters that are gone are given,
    /// which have no limit any more.
    pub fn take_over_some(&mut self, most: usize) -> Vec<u16> {
        let Some(TakingOver { networks, next }) = self.taking_over.take() else { return Vec::new() };
        let states = self.queue.states_mut();
        let until = states.len().min(next + most.max(1));
        networks.assign(&mut states[next..until]);
        if until < states.len() {
            self.taking_over = Some(TakingOver { networks, next: until });
            return Vec::new();
        }
        let mut gone = Vec::new();
        for (number, cluster) in (0..).zip(&mut self.clusters) {
            if cluster.quiet.is_some() && !networks.has_hours_of(number) {
                *cluster = Cluster::default();
                gone.push(number);
            }
        }
        gone
    }
}
