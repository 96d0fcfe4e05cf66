//! A mixture of Gaussians with diagonal covariances, fitted by expectation and maximisation (Dempster, Laird, Rubin 1977).
//! Figures that are missing are left out of the density.

use serde::{Deserialize, Serialize};

use crate::target::splitmix::nth;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 25;
/// Narrowest component: nothing is known more exactly from so few series.
const DEVIATION_MIN: f64 = 0.12;

/// One Gaussian.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Component {
    #[serde(rename = "w")]
    weight: f64,
    #[serde(rename = "m")]
    means: Vec<f64>,
    #[serde(rename = "d")]
    deviations: Vec<f64>,
}

/// Several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Mixture(Vec<Component>);

impl Mixture {
    /// Of weighted points, NaN where a figure is missing. The same points and seed give the same mixture.
    pub(super) fn fit(points: &[(Vec<f64>, f64)], components: usize, seed: u64) -> Self {
        let all = Component::of(&points.iter().map(|(point, weight)| (point.as_slice(), *weight)), None);
        let start = |number: usize| {
            let drawn = nth(seed, number as u64) % points.len().max(1) as u64;
            let place = |(mean, found): (&f64, &f64)| if found.is_nan() { *mean } else { *found };
            let means = all.means.iter().zip(&points[drawn as usize].0).map(place).collect();
            Component { weight: 1.0 / components as f64, means, deviations: all.deviations.clone() }
        };
        let mut mixture = Self((0..components).map(start).collect());
        for _ in 0..ROUNDS {
            let shares: Vec<Vec<f64>> = points.iter().map(|(point, _)| mixture.shares(point)).collect();
            let component = |number: usize| {
                let weighted = points.iter().zip(&shares);
                Component::of(
                    &weighted.map(|((point, weight), shares)| (point.as_slice(), weight * shares[number])),
                    Some(&all),
                )
            };
            let mut next: Vec<Component> = (0..components).map(component).collect();
            let sum: f64 = next.iter().map(|component| component.weight).sum();
            for component in &mut next {
                component.weight /= sum;
            }
            mixture = Self(next);
        }
        mixture.0.retain(|component| component.weight > 1e-3);
        mixture.0.iter_mut().for_each(Component::round);
        mixture
    }

    pub(super) fn log_density(&self, point: &[f64]) -> f64 {
        let logs: Vec<f64> = self.0.iter().map(|component| component.log_density(point)).collect();
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        top + logs.iter().map(|log| (log - top).exp()).sum::<f64>().ln()
    }

    pub(super) fn is_sound(&self, figures: usize) -> bool {
        let is_sound = |component: &Component| {
            component.means.len() == figures
                && component.deviations.len() == figures
                && component.weight > 0.0
                && component.means.iter().all(|mean| mean.is_finite())
                && component.deviations.iter().all(|deviation| *deviation > 0.0 && deviation.is_finite())
        };
        !self.0.is_empty() && self.0.iter().all(is_sound)
    }

    fn shares(&self, point: &[f64]) -> Vec<f64> {
        let all = self.log_density(point);
        self.0.iter().map(|component| (component.log_density(point) - all).exp()).collect()
    }
}

impl Component {
    /// Of weighted points, drawn a little towards `prior` so that it cannot collapse.
    fn of<'a>(points: &(impl Iterator<Item = (&'a [f64], f64)> + Clone), prior: Option<&Self>) -> Self {
        let figures = points.clone().next().map_or(0, |(point, _)| point.len());
        let (mut sums, mut squares, mut known) = (vec![0.0; figures], vec![0.0; figures], vec![1e-9; figures]);
        let mut weight_sum = 0.0;
        for (point, weight) in points.clone() {
            weight_sum += weight;
            for (place, value) in point.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
                sums[place] += weight * value;
                squares[place] += weight * value * value;
                known[place] += weight;
            }
        }
        let own = |place: usize| {
            let mean = sums[place] / known[place];
            (mean, (squares[place] / known[place] - mean * mean).max(0.0))
        };
        let blend = |place: usize| {
            let (mean, variance) = own(place);
            let Some(prior) = prior else { return (mean, variance.sqrt().max(DEVIATION_MIN)) };
            let part = known[place] / (known[place] + 1.0);
            let mean = part * mean + (1.0 - part) * prior.means[place];
            let variance = part * variance + (1.0 - part) * prior.deviations[place].powi(2);
            (mean, variance.sqrt().max(DEVIATION_MIN))
        };
        let (means, deviations) = (0..figures).map(blend).unzip();
        Self { weight: weight_sum.max(1e-12), means, deviations }
    }

    fn log_density(&self, point: &[f64]) -> f64 {
        let term = |((value, mean), deviation): ((&f64, &f64), &f64)| {
            if value.is_nan() { 0.0 } else { -0.5 * ((value - mean) / deviation).powi(2) - deviation.ln() }
        };
        self.weight.ln() + point.iter().zip(&self.means).zip(&self.deviations).map(term).sum::<f64>()
    }

    /// Few digits keep model files short.
    fn round(&mut self) {
        let short = |value: &mut f64| *value = (*value * 1e3).round() / 1e3;
        self.means.iter_mut().for_each(short);
        self.deviations.iter_mut().for_each(short);
        self.weight = (self.weight * 1e4).round() / 1e4;
    }
}
