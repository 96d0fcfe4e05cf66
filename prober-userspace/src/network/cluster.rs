//! Access networks that are near each other and alike over the day, so that they are planned as one (seed 000 ③).
//!
//! Kinds of network and time zones are never mixed. Within them a tree of halves is grown (bisecting 2-means over load
//! profile, prefix, hops and place), then pruned from below: two halves stay apart only if planning them apart recovers
//! more of the objective than one more plan is worth (cost-complexity pruning, Breiman et al. 1984). That is the stated
//! trade: objective = part of the probes that find their network free; price = networks' worth of it per plan.

mod identity;
mod likeness;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;

pub use self::identity::keep_numbers;
pub use self::likeness::{BINS, Likeness};
use self::tree::Tree;
use super::congestion::medium::Medium;

/// How clusters are made.
#[derive(Clone, Copy, Debug)]
pub struct ClusterConfig {
    /// What one more plan must recover: so many networks' whole objective.
    pub price: f64,
    /// Halves smaller than this are not formed.
    pub fewest_members: usize,
    /// Part of the day's slots that probing needs: quality is judged over the quietest of that many.
    pub quiet_share: f64,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self { price: 2.0, fewest_members: 24, quiet_share: 0.25 }
    }
}

/// An access network as clusters see it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its kind.
    pub medium: Medium,
    /// Its time zone's offset from UTC, s.
    pub utc_offset_s: i32,
    /// Nearness and load over the day.
    pub likeness: Likeness,
}

/// Number of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub u32);

/// All clusters, and who is in which.
#[derive(Clone, Debug)]
pub struct Clusters {
    config: ClusterConfig,
    trees: BTreeMap<(Medium, i32), Tree>,
    of_member: Vec<ClusterId>,
    sizes: Vec<u32>,
    /// Members that came or went since the clusters were made.
    moved: u64,
    operations: u64,
}

impl Clusters {
    /// Makes clusters of all members. About 3 us per member, on one core.
    pub fn make(config: ClusterConfig, members: &[Member]) -> Self {
        let mut groups: BTreeMap<(Medium, i32), Vec<u32>> = BTreeMap::new();
        for (index, member) in members.iter().enumerate() {
            groups.entry((member.medium, member.utc_offset_s)).or_default().push(index as u32);
        }
        let mut clusters = Self {
            config,
            trees: BTreeMap::new(),
            of_member: vec![ClusterId(0); members.len()],
            sizes: Vec::new(),
            moved: 0,
            operations: 0,
        };
        for (kind, mut group) in groups {
            let mut leaves = Vec::new();
            let tree = Tree::grow(&config, members, &mut group, &mut leaves, &mut clusters.operations);
            let first = clusters.sizes.len() as u32;
            for leaf in leaves {
                let id = ClusterId(clusters.sizes.len() as u32);
                clusters.sizes.push(leaf.len() as u32);
                for &member in &group[leaf] {
                    clusters.of_member[member as usize] = id;
                }
            }
            clusters.trees.insert(kind, tree.numbered_from(first));
        }
        clusters
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// The cluster of each member, in their order.
    pub fn of_members(&self) -> &[ClusterId] {
        &self.of_member
    }

    /// Members of each cluster.
    pub fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// Elementary steps so far: one dimension of a distance, or one slot of a comparison, each.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// A member's estimates changed, or it is new (`index` one past the last): finds its cluster without touching the
    /// others. About 1 us. A change of cluster needs a clear reason, so that plans do not flap.
    pub fn update(&mut self, index: usize, member: &Member) -> ClusterId {
        let kind = (member.medium, member.utc_offset_s);
        let present = self.of_member.get(index).copied();
        let Some(tree) = self.trees.get(&kind) else {
            // The first of its kind.
            let id = ClusterId(self.sizes.len() as u32);
            self.sizes.push(0);
            self.trees.insert(kind, Tree::single(&member.likeness, id.0));
            return self.enter(index, present, id);
        };
        let (found, distance) = tree.find(&member.likeness, &mut self.operations);
        if let Some(present) = present
            && let Some(now) = tree.distance_to(present.0, &member.likeness, &mut self.operations)
            && now <= distance * 1.2
        {
            return present;
        }
        self.enter(index, present, ClusterId(found))
    }

    /// Whether so many members have moved that making them anew is worth it: a fifth.
    pub fn is_stale(&self) -> bool {
        self.moved * 5 > self.of_member.len() as u64
    }

    /// How they were made.
    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    fn enter(&mut self, index: usize, present: Option<ClusterId>, id: ClusterId) -> ClusterId {
        if let Some(present) = present {
            if present == id {
                return id;
            }
            self.sizes[present.0 as usize] -= 1;
            self.of_member[index] = id;
        } else {
            self.of_member.push(id);
        }
        self.sizes[id.0 as usize] += 1;
        self.moved += 1;
        id
    }
}
