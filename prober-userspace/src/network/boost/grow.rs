//! Grows one tree: again and again the leaf that gains most is split, until there are enough leaves.

use super::bins::Bins;
use super::train::TrainSettings;
use super::tree::Tree;

/// First and second derivative of the loss, for one class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slope {
    pub(super) gradient: f64,
    pub(super) curvature: f64,
}

impl std::ops::AddAssign for Slope {
    fn add_assign(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.curvature += other.curvature;
    }
}

impl Slope {
    fn without(self, other: Self) -> Self {
        Self { gradient: self.gradient - other.gradient, curvature: self.curvature - other.curvature }
    }

    /// What a leaf of these examples gains (Chen and Guestrin 2016, equation 6).
    fn gain(self, penalty: f64) -> f64 {
        self.gradient * self.gradient / (self.curvature + penalty)
    }
}

/// A leaf that may still be split.
struct Leaf {
    rows: Vec<u32>,
    all: Slope,
    best: Option<Split>,
    /// The split above it, and whether it lies on its right.
    above: Option<(usize, bool)>,
}

#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    feature: usize,
    range: usize,
    threshold: f32,
    left: Slope,
}

/// What does not change while a tree grows.
pub(super) struct Grower<'a> {
    pub(super) bins: &'a Bins,
    pub(super) slopes: &'a [Slope],
    pub(super) features: &'a [usize],
    pub(super) settings: &'a TrainSettings,
}

impl Grower<'_> {
    /// Over the examples `rows`.
    pub(super) fn grow(&self, rows: Vec<u32>) -> Tree {
        let mut leaves = vec![self.leaf(rows, None)];
        let mut splits: Vec<(Split, [Child; 2])> = Vec::new();
        while leaves.len() < self.settings.leaves {
            let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |best| best.gain);
            let Some(place) = (0..leaves.len()).max_by(|a, b| gain(&leaves[*a]).total_cmp(&gain(&leaves[*b]))) else {
                break;
            };
            let Some(split) = leaves[place].best else { break };
            let leaf = leaves.swap_remove(place);
            let number = splits.len();
            if let Some((above, is_right)) = leaf.above {
                splits[above].1[usize::from(is_right)] = Child::Split(number);
            }
            splits.push((split, [Child::Leaf(0.0); 2]));
            let column = self.bins.column(split.feature);
            let (left, right) = leaf.rows.iter().partition(|row| usize::from(column[**row as usize]) <= split.range);
            leaves.push(self.leaf(left, Some((number, false))));
            leaves.push(self.leaf(right, Some((number, true))));
        }
        for leaf in &leaves {
            let value = self.value(leaf.all);
            match leaf.above {
                Some((above, is_right)) => splits[above].1[usize::from(is_right)] = Child::Leaf(value),
                None => return Tree { leaves: vec![value], ..Tree::default() },
            }
        }
        flatten(&splits)
    }

    fn value(&self, all: Slope) -> f32 {
        let value = -self.settings.step * all.gradient / (all.curvature + self.settings.penalty);
        // Few digits keep model files short; the error is far below a step.
        ((value * 1e4).round() / 1e4) as f32
    }

    fn leaf(&self, rows: Vec<u32>, above: Option<(usize, bool)>) -> Leaf {
        let mut all = Slope::default();
        for row in &rows {
            all += self.slopes[*row as usize];
        }
        let best = self.best_split(&rows, all);
        Leaf { rows, all, best, above }
    }

    fn best_split(&self, rows: &[u32], all: Slope) -> Option<Split> {
        let mut best: Option<Split> = None;
        let mut ranges = [(Slope::default(), 0_u32); 256];
        for &feature in self.features {
            ranges.fill((Slope::default(), 0));
            let column = self.bins.column(feature);
            for row in rows {
                let range = &mut ranges[usize::from(column[*row as usize])];
                range.0 += self.slopes[*row as usize];
                range.1 += 1;
            }
            let mut left = Slope::default();
            let mut count = 0;
            for (range, (slope, rows_of_range)) in ranges.iter().enumerate() {
                let Some(threshold) = self.bins.end(feature, range) else { break };
                left += *slope;
                count += rows_of_range;
                let right = all.without(left);
                let is_thin = |slope: Slope| slope.curvature < self.settings.curvature_min;
                if *rows_of_range == 0 || count as usize == rows.len() || is_thin(left) || is_thin(right) {
                    continue;
                }
                let penalty = self.settings.penalty;
                let gain = left.gain(penalty) + right.gain(penalty) - all.gain(penalty);
                if gain > best.map_or(1e-6, |best| best.gain) {
                    best = Some(Split { gain, feature, range, threshold, left });
                }
            }
        }
        best.filter(|best| best.left.curvature > 0.0)
    }
}

#[derive(Clone, Copy)]
enum Child {
    Split(usize),
    Leaf(f32),
}

fn flatten(splits: &[(Split, [Child; 2])]) -> Tree {
    let mut tree = Tree::default();
    for (split, children) in splits {
        tree.features.push(split.feature as u16);
        tree.thresholds.push(split.threshold);
        let mut place = |child| match child {
            Child::Split(number) => number as u16,
            Child::Leaf(value) => {
                tree.leaves.push(value);
                (splits.len() + tree.leaves.len() - 1) as u16
            }
        };
        let [left, right] = [place(children[0]), place(children[1])];
        tree.left.push(left);
        tree.right.push(right);
    }
    tree
}
