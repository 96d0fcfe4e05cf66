//! Trains an ensemble: each round one tree per class, on a share of the examples and of the figures.

use super::bins::Bins;
use super::grow::{Grower, Slope};
use super::softmax;
use super::tree::{Ensemble, Tree};
use crate::target::splitmix::{nth, unit};

/// One labelled row.
#[derive(Clone, Debug)]
pub struct Example<'a> {
    /// The figures; NaN where missing.
    pub values: &'a [f32],
    /// Number of its class.
    pub class: usize,
    /// How much it counts.
    pub weight: f64,
}

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSettings {
    /// Rounds of one tree for each class.
    pub rounds: usize,
    /// Leaves of a tree.
    pub leaves: usize,
    /// How far each tree moves the scores.
    pub step: f64,
    /// Lambda: what large leaf values cost.
    pub penalty: f64,
    /// Least curvature on each side of a split.
    pub curvature_min: f64,
    /// Share of the examples that each round sees.
    pub row_share: f64,
    /// Share of the figures that each tree sees.
    pub feature_share: f64,
    /// Where chance begins.
    pub seed: u64,
}

/// Trains on `examples` of `classes` classes.
pub fn train(examples: &[Example<'_>], classes: usize, settings: &TrainSettings) -> Ensemble {
    let rows: Vec<&[f32]> = examples.iter().map(|example| example.values).collect();
    let bins = Bins::new(&rows);
    let start = vec![0.0; classes];
    let mut scores = vec![vec![0.0; classes]; examples.len()];
    let mut chance = Chance { seed: settings.seed, drawn: 0 };
    let mut rounds = Vec::with_capacity(settings.rounds);
    for _ in 0..settings.rounds {
        let drawn: Vec<u32> = (0..examples.len() as u32).filter(|_| chance.share() < settings.row_share).collect();
        let shares: Vec<Vec<f64>> = scores.iter().map(|scores| softmax(scores, 1.0)).collect();
        let mut round: Vec<Tree> = Vec::with_capacity(classes);
        for class in 0..classes {
            let slopes: Vec<Slope> = examples
                .iter()
                .zip(&shares)
                .map(|(example, shares)| slope(example, shares[class], class, classes))
                .collect();
            let features = chance.choose(bins.features(), settings.feature_share);
            let grower = Grower { bins: &bins, slopes: &slopes, features: &features, settings };
            round.push(grower.grow(drawn.clone()));
        }
        for (example, scores) in examples.iter().zip(&mut scores) {
            for (score, tree) in scores.iter_mut().zip(&round) {
                *score += f64::from(tree.score(example.values));
            }
        }
        rounds.push(round);
    }
    Ensemble { start, rounds }
}

/// Of the cross entropy; the curvature is that of one class against the others, spread over all.
fn slope(example: &Example<'_>, share: f64, class: usize, classes: usize) -> Slope {
    let truth = if example.class == class { 1.0 } else { 0.0 };
    let spread = classes as f64 / (classes.max(2) - 1) as f64;
    Slope {
        gradient: example.weight * (share - truth),
        curvature: example.weight * spread * (share * (1.0 - share)).max(1e-9),
    }
}

/// A seeded sequence.
struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    fn share(&mut self) -> f64 {
        self.drawn += 1;
        unit(nth(self.seed, self.drawn))
    }

    /// A share of the numbers below `all`, at least one, in order.
    fn choose(&mut self, all: usize, share: f64) -> Vec<usize> {
        let wanted = ((all as f64 * share).round() as usize).clamp(1, all.max(1));
        let mut numbers: Vec<usize> = (0..all).collect();
        for place in 0..wanted.min(all) {
            let other = place + (self.share() * (all - place) as f64) as usize;
            numbers.swap(place, other.min(all - 1));
        }
        numbers.truncate(wanted);
        numbers.sort_unstable();
        numbers
    }
}
