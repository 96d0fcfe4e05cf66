//! What an estimate says: a probability for each class, and a label only where one of them stands out.

use serde::Serialize;

/// Below this the label is `unknown`, unless another limit is asked for.
pub const CONFIDENCE_MIN: f64 = 0.4;
/// Classes that are left must have had this many times their even share to be believed.
const THOUGHT_OF: f64 = 1.05;

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

    /// Without the classes that cannot be: what they had goes to the others in proportion. If those were hardly thought of
    /// before, or none is left, nothing is known: all are as probable.
    #[must_use]
    pub fn without(mut self, cannot_be: impl Fn(&str) -> bool) -> Self {
        let left: Vec<bool> = self.0.iter().map(|share| !cannot_be(&share.class)).collect();
        let (all, count) = (left.len(), left.iter().filter(|is_left| **is_left).count());
        if count == all {
            return self;
        }
        let sum: f64 = self.0.iter().zip(&left).filter(|(_, left)| **left).map(|(share, _)| share.probability).sum();
        let is_thought_of = sum > THOUGHT_OF * count as f64 / all as f64;
        for (share, is_left) in self.0.iter_mut().zip(left) {
            share.probability = match (is_thought_of, is_left) {
                (true, true) => share.probability / sum,
                (true, false) => 0.0,
                (false, _) => 1.0 / all as f64,
            };
        }
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_leaves_its_share() {
        let classes = ["wired", "wlan", "lora"].map(str::to_owned);
        let shares = |shares: [f64; 3], without: &[&str]| -> Vec<f64> {
            let posterior = Posterior::new(&classes, &shares).without(|class| without.contains(&class));
            posterior.0.iter().map(|share| share.probability).collect()
        };
        let even = [1.0 / 3.0; 3];
        assert_eq!(shares([0.5, 0.25, 0.25], &["lora"]), [2.0 / 3.0, 1.0 / 3.0, 0.0]);
        assert_eq!(shares([0.5, 0.25, 0.25], &[]), [0.5, 0.25, 0.25]);
        assert_eq!(shares(even, &["wlan", "lora"]), even, "nothing is known");
        assert_eq!(shares([0.0, 1.0, 0.0], &["wlan"]), even, "what was believed cannot be");
        assert_eq!(shares([0.5, 0.25, 0.25], &["wired", "wlan", "lora"]), even);
    }
}
