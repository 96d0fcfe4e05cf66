//! What may be said of a series whatever the trees say: causes that what was seen contradicts are ruled out, and none is
//! named on too little. Estimates and their evaluation keep the same bounds. Types of networks have none.

use super::cause::{Seen, is_enough, rules_out};
use super::feature::Features;
use crate::model::cause::Cause;

/// Of one series, for each class; empty where anything may be said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    ruled_out: Vec<bool>,
    named: Vec<bool>,
}

impl Bounds {
    /// Of a series with these figures.
    pub(super) fn of_cause(classes: &[String], features: &Features, seen: Seen) -> Self {
        Self { named: of_each(classes, |cause| is_enough(cause, seen)), ..Self::ruling_out(classes, features) }
    }

    /// Of figures alone: any class may be named that they do not rule out.
    pub(super) fn ruling_out(classes: &[String], features: &Features) -> Self {
        Self { ruled_out: of_each(classes, |cause| rules_out(cause, features)), named: Vec::new() }
    }

    /// Nothing is left of what is ruled out; the rest adds up to 1 again.
    pub fn keep(&self, shares: &[f64]) -> Vec<f64> {
        if self.ruled_out.is_empty() {
            return shares.to_vec();
        }
        let is_out = |class: usize| self.ruled_out.get(class).copied().unwrap_or(false);
        let left: f64 = shares.iter().enumerate().filter(|(class, _)| !is_out(*class)).map(|(_, share)| share).sum();
        let kept = |(class, share): (usize, &f64)| match left {
            left if left > 0.0 && is_out(class) => 0.0,
            left if left > 0.0 => share / left,
            // It contradicts everything: nothing is known.
            _ => 1.0 / shares.len() as f64,
        };
        shares.iter().enumerate().map(kept).collect()
    }

    /// Whether enough was seen to name the class.
    pub fn allow(&self, class: usize) -> bool {
        self.named.get(class).copied().unwrap_or(true)
    }
}

fn of_each(classes: &[String], test: impl Fn(Cause) -> bool) -> Vec<bool> {
    classes.iter().map(|class| class.parse::<Cause>().is_ok_and(&test)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(answered: usize, probes: usize) -> Bounds {
        let mut features = Features::default();
        features.push("answered", answered as f64);
        let classes = [Cause::Normal, Cause::Congestion, Cause::Disconnected].map(|cause| cause.name().to_owned());
        Bounds::of_cause(&classes, &features, Seen { probes, answered, neighbours_answer: true })
    }

    #[test]
    fn what_is_ruled_out_leaves_its_share_to_the_rest() {
        assert_eq!(bounds(3, 40).keep(&[0.25, 0.25, 0.5]), [0.5, 0.5, 0.0]);
        assert_eq!(Bounds::default().keep(&[0.25, 0.75]), [0.25, 0.75]);
    }

    #[test]
    fn causes_need_different_evidence() {
        let few = bounds(3, 40);
        assert!(few.allow(0) && !few.allow(1) && few.allow(2));
        assert!(!bounds(3, 5).allow(0) && Bounds::default().allow(7));
    }
}
