//! The tree of halves of one kind of network: grown from above, pruned from below.

use std::ops::Range;

use super::likeness::{BINS, DIMENSIONS, Likeness};
use super::{ClusterConfig, Member};

/// Rounds of 2-means per halving: more change little.
const ROUNDS: usize = 2;
/// Halves are looked for among this many members; then all are told apart once.
const SAMPLE: usize = 128;
/// Deeper is not cut: 65,536 leaves.
const DEEPEST: u32 = 16;

/// A node: its centre, and its halves or the number of its cluster.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    centre: Likeness,
    below: Below,
}

#[derive(Clone, Debug)]
enum Below {
    Cluster(u32),
    Halves(Box<[Tree; 2]>),
}

/// A subtree with what it is worth, its members still a range of the list.
struct Grown {
    tree: Tree,
    worth: f64,
    leaves: Vec<Range<usize>>,
}

impl Tree {
    /// Grows and prunes over `list`, which it puts in the order of the leaves. Clusters are numbered from 0.
    pub(super) fn grow(
        config: &ClusterConfig,
        members: &[Member],
        list: &mut [u32],
        leaves: &mut Vec<Range<usize>>,
        operations: &mut u64,
    ) -> Self {
        let grown = grow(config, members, list, 0, 0, operations);
        *leaves = grown.leaves;
        grown.tree.numbered_from(0)
    }

    /// One cluster around one network.
    pub(super) fn single(likeness: &Likeness, cluster: u32) -> Self {
        Self { centre: *likeness, below: Below::Cluster(cluster) }
    }

    /// Numbers the clusters from `first` on, in the order of the leaves.
    pub(super) fn numbered_from(mut self, first: u32) -> Self {
        let mut next = first;
        self.number(&mut next);
        self
    }

    /// The cluster that halves lead to, and the squared distance to its centre.
    pub(super) fn find(&self, likeness: &Likeness, operations: &mut u64) -> (u32, f32) {
        let mut node = self;
        loop {
            match &node.below {
                Below::Cluster(cluster) => {
                    *operations += DIMENSIONS as u64;
                    return (*cluster, node.centre.distance(likeness));
                }
                Below::Halves(halves) => {
                    *operations += 2 * DIMENSIONS as u64;
                    let [a, b] = &**halves;
                    node = if a.centre.distance(likeness) <= b.centre.distance(likeness) { a } else { b };
                }
            }
        }
    }

    /// Squared distance to the centre of a cluster; `None` if it is not in this tree.
    pub(super) fn distance_to(&self, cluster: u32, likeness: &Likeness, operations: &mut u64) -> Option<f32> {
        match &self.below {
            Below::Cluster(own) => (*own == cluster).then(|| {
                *operations += DIMENSIONS as u64;
                self.centre.distance(likeness)
            }),
            Below::Halves(halves) => halves.iter().find_map(|half| half.distance_to(cluster, likeness, operations)),
        }
    }

    fn number(&mut self, next: &mut u32) {
        match &mut self.below {
            Below::Cluster(cluster) => {
                *cluster = *next;
                *next += 1;
            }
            Below::Halves(halves) => halves.iter_mut().for_each(|half| half.number(next)),
        }
    }
}

fn grow(
    config: &ClusterConfig,
    members: &[Member],
    list: &mut [u32],
    start: usize,
    depth: u32,
    operations: &mut u64,
) -> Grown {
    let centre = centre_of(members, list);
    *operations += (list.len() * DIMENSIONS) as u64;
    let as_one = list.len() as f64 * free_share(config, &centre);
    *operations += BINS as u64;
    let whole = start..start + list.len();
    let one = |centre| Grown {
        tree: Tree { centre, below: Below::Cluster(0) },
        worth: as_one - config.price,
        leaves: vec![whole],
    };
    if list.len() < 2 * config.fewest_members.max(1) || depth >= DEEPEST {
        return one(centre);
    }
    let middle = halve(members, list, &centre, operations);
    if middle < config.fewest_members || list.len() - middle < config.fewest_members {
        return one(centre);
    }
    let (left, right) = list.split_at_mut(middle);
    let left = grow(config, members, left, start, depth + 1, operations);
    let right = grow(config, members, right, start + middle, depth + 1, operations);
    if left.worth + right.worth <= as_one - config.price {
        return one(centre);
    }
    let mut leaves = left.leaves;
    leaves.extend(right.leaves);
    Grown {
        tree: Tree { centre, below: Below::Halves(Box::new([left.tree, right.tree])) },
        worth: left.worth + right.worth,
        leaves,
    }
}

/// Puts the list in the order of two halves; where the second begins. Starts across the widest dimension.
fn halve(members: &[Member], list: &mut [u32], centre: &Likeness, operations: &mut u64) -> usize {
    let mut sample: Vec<u32> = list.iter().copied().step_by(list.len().div_ceil(SAMPLE)).collect();
    let mut spread = [0.0_f32; DIMENSIONS];
    for &member in &sample {
        let at = &members[member as usize].likeness.at;
        for ((spread, at), centre) in spread.iter_mut().zip(at).zip(&centre.at) {
            *spread += (at - centre) * (at - centre);
        }
    }
    let widest = (0..DIMENSIONS).max_by(|a, b| spread[*a].total_cmp(&spread[*b])).unwrap_or(0);
    let mut middle = partition(&mut sample, |member| members[member as usize].likeness.at[widest] < centre.at[widest]);
    *operations += (sample.len() * (DIMENSIONS + 1)) as u64;
    let mut centres = [*centre; 2];
    for round in 0..=ROUNDS {
        if middle == 0 || middle == sample.len() {
            return 0;
        }
        centres = [centre_of(members, &sample[..middle]), centre_of(members, &sample[middle..])];
        *operations += (sample.len() * DIMENSIONS) as u64;
        if round < ROUNDS {
            middle = partition(&mut sample, |member| is_nearer(members, member, &centres));
            *operations += (2 * sample.len() * DIMENSIONS) as u64;
        }
    }
    *operations += (2 * list.len() * DIMENSIONS) as u64;
    partition(list, |member| is_nearer(members, member, &centres))
}

fn is_nearer(members: &[Member], member: u32, centres: &[Likeness; 2]) -> bool {
    let likeness = &members[member as usize].likeness;
    likeness.distance(&centres[0]) < likeness.distance(&centres[1])
}

fn partition(list: &mut [u32], first: impl Fn(u32) -> bool) -> usize {
    let mut middle = 0;
    for index in 0..list.len() {
        if first(list[index]) {
            list.swap(index, middle);
            middle += 1;
        }
    }
    middle
}

fn centre_of(members: &[Member], list: &[u32]) -> Likeness {
    let mut sum = [0.0_f64; DIMENSIONS];
    for &member in list {
        for (sum, at) in sum.iter_mut().zip(&members[member as usize].likeness.at) {
            *sum += f64::from(*at);
        }
    }
    Likeness { at: sum.map(|sum| (sum / list.len().max(1) as f64) as f32) }
}

/// What part of the probes of one plan would find the network free, in the quietest parts of a day of this mean load.
fn free_share(config: &ClusterConfig, centre: &Likeness) -> f64 {
    let mut parts = [0.0_f32; BINS];
    parts.copy_from_slice(centre.load());
    parts.sort_by(f32::total_cmp);
    let quiet = ((BINS as f64 * config.quiet_share).round() as usize).clamp(1, BINS);
    1.0 - parts[..quiet].iter().map(|load| f64::from(*load)).sum::<f64>() / quiet as f64
}
