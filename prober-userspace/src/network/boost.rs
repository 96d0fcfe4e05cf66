//! Gradient boosted trees over classes (Friedman 2001, "Greedy function approximation"; second order as in Chen and
//! Guestrin 2016, section 2.2): one score per class, a softmax over them. Training is seeded and gives the same trees on
//! every machine. Knows nothing of what the figures mean.

mod bins;
mod grow;
mod train;
mod tree;

#[cfg(test)]
mod tests;

pub use train::{Example, TrainSettings, train};
pub use tree::{Ensemble, Tree};

/// Probabilities of scores; `temperature` above 1 makes them more even.
pub fn softmax(scores: &[f64], temperature: f64) -> Vec<f64> {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| ((score - most) / temperature).exp()).collect();
    let all: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / all).collect()
}
