//! What an estimate says: a probability for each class, and a label only where one of them stands out.

use serde::Serialize;

/// Below this the label is `unknown`, unless another limit is asked for.
pub const CONFIDENCE_MIN: f64 = 0.4;

/// One class of an estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Name of the class.
    pub class: String,
    /// Its probability, 0 to 1.
    pub probability: f64,
}

/// A probability for each class; they add up to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Posterior(pub Vec<Share>);

impl Posterior {
    /// Of probabilities in the order of `classes`. What is not a number counts as nothing known.
    pub fn new(classes: &[String], shares: &[f64]) -> Self {
        let sound = shares.len() == classes.len() && shares.iter().all(|share| share.is_finite());
        let even = 1.0 / classes.len().max(1) as f64;
        let share = |(place, class): (usize, &String)| Share {
            class: class.clone(),
            probability: if sound { shares[place] } else { even },
        };
        Self(classes.iter().enumerate().map(share).collect())
    }

    /// The most probable class and its probability.
    pub fn best(&self) -> Option<&Share> {
        self.0.iter().max_by(|a, b| a.probability.total_cmp(&b.probability))
    }

    /// Its name, if it is probable enough; else `None`: unknown.
    pub fn label(&self, confidence_min: f64) -> Option<&str> {
        self.best().filter(|best| best.probability >= confidence_min).map(|best| best.class.as_str())
    }
}
