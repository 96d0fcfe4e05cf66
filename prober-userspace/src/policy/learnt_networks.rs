//! What was learnt of networks, as a watch uses it: which /24 is of which cluster, and the quiet hours of each. States name a
//! cluster by its number plus 1, since 0 stands for none; clusters beyond what they can name have neither quiet hours nor a
//! limit of their own. How it is learnt and stored is elsewhere.

use hashbrown::HashMap;

use super::quiet::QuietHours;
use super::target_state::TargetState;

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct LearntNetworks {
    /// By the first address of the /24: the cluster as states name it.
    members: HashMap<u32, u16>,
    /// By the cluster as states name it, in order.
    quiet: Vec<(u16, QuietHours)>,
}

impl LearntNetworks {
    /// Of networks (first address of the /24) with their clusters, and the clusters' quiet hours, both by the number that the
    /// store knows the cluster by.
    pub fn new(
        members: impl IntoIterator<Item = (u32, u32)>,
        quiet: impl IntoIterator<Item = (u32, QuietHours)>,
    ) -> Self {
        let members = members.into_iter().map(|(network, cluster)| (network, named(cluster))).collect();
        let quiet = quiet.into_iter().map(|(cluster, hours)| (named(cluster), hours));
        let mut quiet: Vec<_> = quiet.filter(|(cluster, _)| *cluster > 0).collect();
        quiet.sort_by_key(|(cluster, _)| *cluster);
        Self { members, quiet }
    }

    /// How many networks are of a cluster.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nothing was learnt.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.quiet.is_empty()
    }

    /// The clusters' quiet hours, by the cluster as states name it.
    pub fn quiet_hours(&self) -> &[(u16, QuietHours)] {
        &self.quiet
    }

    /// Whether it knows quiet hours of a cluster.
    pub fn has_hours_of(&self, cluster: u16) -> bool {
        self.quiet.binary_search_by_key(&cluster, |(number, _)| *number).is_ok()
    }

    /// Writes the cluster of each address into its state; fastest if they are in the order of their addresses.
    pub fn assign(&self, states: &mut [TargetState]) {
        // Neighbours are looked up once: a country has as many states as its clusters have networks, 256 times.
        let mut last = (u32::MAX, 0);
        for state in states {
            let network = state.address & !255;
            if network != last.0 {
                last = (network, self.members.get(&network).copied().unwrap_or(0));
            }
            state.cluster = last.1;
        }
    }
}

fn named(cluster: u32) -> u16 {
    u16::try_from(cluster.saturating_add(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::grid::DayGrid;

    #[test]
    fn each_address_is_of_the_cluster_of_its_24_and_clusters_beyond_all_numbers_are_none() {
        let hours = || QuietHours::new(DayGrid::new(24, 0).unwrap(), [(3, 0.1, 5.0)]);
        let learnt = LearntNetworks::new(
            [(0x0a00_0000, 0), (0x0a00_0200, 7), (0x0a00_0300, 65_535)],
            [(7, hours()), (65_535, hours()), (u32::MAX, hours()), (0, hours())],
        );
        let mut states: Vec<TargetState> =
            (0..5 * 256).map(|number| TargetState::new(0x0a00_0000 + number, 0)).collect();
        states[4 * 256].cluster = 9;
        learnt.assign(&mut states);
        let clusters: Vec<u16> = states.chunks(256).map(|states| states[0].cluster).collect();
        assert_eq!(clusters, [1, 0, 8, 0, 0]);
        assert!(states.chunks(256).all(|states| states.iter().all(|state| state.cluster == states[0].cluster)));
        assert_eq!(learnt.quiet_hours().iter().map(|(cluster, _)| *cluster).collect::<Vec<_>>(), [1, 8]);
        assert!(learnt.has_hours_of(8) && !learnt.has_hours_of(0) && !learnt.has_hours_of(2));
    }
}
