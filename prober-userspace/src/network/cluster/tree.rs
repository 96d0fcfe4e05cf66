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

/// What trees are grown of, and what it took.
struct Growth<'a> {
    config: &'a ClusterConfig,
    members: &'a [Member],
    operations: &'a mut u64,
}

/// The sum of members' likenesses.
type Sum = [f64; DIMENSIONS];

impl Tree {
    /// Grows and prunes over `list`, which it puts in the order of the leaves. Clusters are numbered from 0.
    pub(super) fn grow(
        config: &ClusterConfig,
        members: &[Member],
        list: &mut [u32],
        leaves: &mut Vec<Range<usize>>,
        operations: &mut u64,
    ) -> Self {
        let mut growth = Growth { config, members, operations };
        let sum = growth.sum(list);
        let grown = growth.grow(list, sum, 0, 0);
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

impl Growth<'_> {
    /// `sum` is that of the list, whose first member stands at `start` of the whole one.
    fn grow(&mut self, list: &mut [u32], sum: Sum, start: usize, depth: u32) -> Grown {
        let centre = centre_of(&sum, list.len());
        let as_one = list.len() as f64 * free_share(self.config, &centre);
        *self.operations += BINS as u64;
        let whole = start..start + list.len();
        let price = self.config.price;
        let one = |centre| Grown {
            tree: Tree { centre, below: Below::Cluster(0) },
            worth: as_one - price,
            leaves: vec![whole],
        };
        let fewest = self.config.fewest_members.max(1);
        if list.len() < 2 * fewest || depth >= DEEPEST {
            return one(centre);
        }
        let middle = self.halve(list, &centre);
        if middle < fewest || list.len() - middle < fewest {
            return one(centre);
        }
        let (left, right) = list.split_at_mut(middle);
        // Only the smaller half is summed up: the other is the rest.
        let smaller = self.sum(if left.len() <= right.len() { left } else { right });
        let rest = std::array::from_fn(|dimension| sum[dimension] - smaller[dimension]);
        *self.operations += DIMENSIONS as u64;
        let (left_sum, right_sum) = if left.len() <= right.len() { (smaller, rest) } else { (rest, smaller) };
        let left = self.grow(left, left_sum, start, depth + 1);
        let right = self.grow(right, right_sum, start + middle, depth + 1);
        if left.worth + right.worth <= as_one - price {
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
    fn halve(&mut self, list: &mut [u32], centre: &Likeness) -> usize {
        let members = self.members;
        let mut sample: Vec<u32> = list.iter().copied().step_by(list.len().div_ceil(SAMPLE)).collect();
        let mut spread = [0.0_f32; DIMENSIONS];
        for &member in &sample {
            let at = &members[member as usize].likeness.at;
            for ((spread, at), centre) in spread.iter_mut().zip(at).zip(&centre.at) {
                *spread += (at - centre) * (at - centre);
            }
        }
        let widest = (0..DIMENSIONS).max_by(|a, b| spread[*a].total_cmp(&spread[*b])).unwrap_or(0);
        let mut middle =
            partition(&mut sample, |member| members[member as usize].likeness.at[widest] < centre.at[widest]);
        *self.operations += (sample.len() * (DIMENSIONS + 1)) as u64;
        for _ in 0..ROUNDS {
            let Some(between) = self.between(&sample, middle) else { return 0 };
            middle = self.part(&mut sample, &between);
        }
        self.between(&sample, middle).map_or(0, |between| self.part(list, &between))
    }

    /// The plane between the centres of both halves; `None` if one is empty.
    fn between(&mut self, list: &[u32], middle: usize) -> Option<Between> {
        let (first, second) = list.split_at(middle);
        let centres = [first, second].map(|half| centre_of(&self.sum(half), half.len()));
        *self.operations += 2 * DIMENSIONS as u64;
        (!first.is_empty() && !second.is_empty()).then(|| Between::of(&centres))
    }

    /// Puts those before the plane first; where the others begin.
    fn part(&mut self, list: &mut [u32], between: &Between) -> usize {
        *self.operations += (list.len() * DIMENSIONS) as u64;
        partition(list, |member| between.is_before(&self.members[member as usize].likeness))
    }

    fn sum(&mut self, list: &[u32]) -> Sum {
        *self.operations += (list.len() * DIMENSIONS) as u64;
        let mut sum = [0.0_f64; DIMENSIONS];
        for &member in list {
            for (sum, at) in sum.iter_mut().zip(&self.members[member as usize].likeness.at) {
                *sum += f64::from(*at);
            }
        }
        sum
    }
}

/// The plane on which both centres are equally far: which side a point lies on takes one product, not two distances, since
/// |x - a|^2 < |x - b|^2 says x (b - a) < (|b|^2 - |a|^2) / 2.
struct Between {
    across: [f32; DIMENSIONS],
    limit: f32,
}

impl Between {
    fn of(centres: &[Likeness; 2]) -> Self {
        let [a, b] = centres;
        let square = |one: &Likeness| one.at.iter().map(|at| f64::from(*at) * f64::from(*at)).sum::<f64>();
        Self {
            across: std::array::from_fn(|dimension| b.at[dimension] - a.at[dimension]),
            limit: ((square(b) - square(a)) / 2.0) as f32,
        }
    }

    fn is_before(&self, likeness: &Likeness) -> bool {
        let product: f32 = self.across.iter().zip(&likeness.at).map(|(across, at)| across * at).sum();
        product < self.limit
    }
}

fn centre_of(sum: &Sum, members: usize) -> Likeness {
    Likeness { at: sum.map(|sum| (sum / members.max(1) as f64) as f32) }
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

/// What part of the probes of one plan would find the network free, in the quietest parts of a day of this mean load.
fn free_share(config: &ClusterConfig, centre: &Likeness) -> f64 {
    let mut parts = [0.0_f32; BINS];
    parts.copy_from_slice(centre.load());
    parts.sort_by(f32::total_cmp);
    let quiet = ((BINS as f64 * config.quiet_share).round() as usize).clamp(1, BINS);
    1.0 - parts[..quiet].iter().map(|load| f64::from(*load)).sum::<f64>() / quiet as f64
}
