//! Trees and their sum.

use serde::{Deserialize, Serialize};

/// A binary tree. Places below `features.len()` are splits, the others leaves, counted on from there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// Which figure each split asks for.
    #[serde(rename = "f")]
    pub features: Vec<u16>,
    /// At most this goes left; NaN goes left as well.
    #[serde(rename = "t")]
    pub thresholds: Vec<f32>,
    /// Where left leads.
    #[serde(rename = "l")]
    pub left: Vec<u16>,
    /// Where right leads.
    #[serde(rename = "r")]
    pub right: Vec<u16>,
    /// What a leaf adds to the score.
    #[serde(rename = "v")]
    pub leaves: Vec<f32>,
}

impl Tree {
    /// The leaf's value.
    pub fn score(&self, values: &[f32]) -> f32 {
        let splits = self.features.len();
        let mut place = 0;
        // A checked tree has every child behind its parent, so this ends.
        while place < splits {
            let value = values.get(self.features[place] as usize).copied().unwrap_or(f32::NAN);
            let goes_right = value > self.thresholds[place];
            place = if goes_right { self.right[place] } else { self.left[place] } as usize;
        }
        self.leaves[place - splits]
    }

    /// Whether it is whole: lengths that fit, children behind their parents, figures that exist, numbers that are finite.
    pub fn is_sound(&self, features: usize) -> bool {
        let splits = self.features.len();
        let lengths_fit = [self.thresholds.len(), self.left.len(), self.right.len()].iter().all(|len| *len == splits)
            && self.leaves.len() == splits + 1;
        let behind = |children: &[u16]| {
            children.iter().enumerate().all(|(place, child)| {
                let child = *child as usize;
                child > place && child <= 2 * splits
            })
        };
        lengths_fit
            && behind(&self.left)
            && behind(&self.right)
            && self.features.iter().all(|feature| (*feature as usize) < features)
            && self.thresholds.iter().chain(&self.leaves).all(|value| value.is_finite())
    }
}

/// Trees whose leaves are added up for each class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    /// What each class starts with.
    pub start: Vec<f32>,
    /// Rounds of one tree for each class.
    pub rounds: Vec<Vec<Tree>>,
}

impl Ensemble {
    /// One score for each class.
    pub fn scores(&self, values: &[f32]) -> Vec<f64> {
        let mut scores: Vec<f64> = self.start.iter().map(|start| f64::from(*start)).collect();
        for round in &self.rounds {
            for (score, tree) in scores.iter_mut().zip(round) {
                *score += f64::from(tree.score(values));
            }
        }
        scores
    }

    /// Whether every tree is whole and each round has one for each class.
    pub fn is_sound(&self, features: usize) -> bool {
        let trees_are_sound =
            |round: &Vec<Tree>| round.len() == self.start.len() && round.iter().all(|tree| tree.is_sound(features));
        !self.start.is_empty()
            && self.start.iter().all(|start| start.is_finite())
            && self.rounds.iter().all(trees_are_sound)
    }
}
