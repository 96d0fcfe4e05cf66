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

    /// Without the classes that cannot be; what they had goes to the others in proportion. Even over those left if they had
    /// nothing; as it is if none is left.
    #[must_use]
    pub fn without(mut self, cannot_be: impl Fn(&str) -> bool) -> Self {
        let left: Vec<bool> = self.0.iter().map(|share| !cannot_be(&share.class)).collect();
        let count = left.iter().filter(|is_left| **is_left).count();
        if count == 0 || count == left.len() {
            return self;
        }
        let sum: f64 = self.0.iter().zip(&left).filter(|(_, left)| **left).map(|(share, _)| share.probability).sum();
        for (share, is_left) in self.0.iter_mut().zip(left) {
            share.probability = match (is_left, sum > 0.0) {
                (true, true) => share.probability / sum,
                (true, false) => 1.0 / count as f64,
                (false, _) => 0.0,
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
        assert_eq!(shares([0.25, 0.5, 0.25], &["wlan"]), [0.5, 0.0, 0.5]);
        assert_eq!(shares([0.0, 1.0, 0.0], &["wlan"]), [0.5, 0.0, 0.5]);
        assert_eq!(shares([0.25, 0.5, 0.25], &[]), [0.25, 0.5, 0.25]);
        assert_eq!(shares([0.25, 0.5, 0.25], &["wired", "wlan", "lora"]), [0.25, 0.5, 0.25]);
    }
}
