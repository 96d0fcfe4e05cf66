//! Makes probabilities honest: among estimates of confidence p, a share p is right. One temperature for each length of series
//! (Guo et al. 2017, "On calibration of modern neural networks", section 4.2), fitted on estimates of terminals that the model
//! was not trained on.

use serde::{Deserialize, Serialize};

use super::boost::softmax;
use super::novelty::widened;

/// Bins of the calibration error.
const BINS: usize = 10;
/// Temperatures that are tried, as powers of this many steps.
const STEPS: i32 = 60;

/// A temperature, from a number of answered probes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// Fewest answered probes.
    pub probes_from: usize,
    /// For series of which hops are not known.
    #[serde(default)]
    pub is_bare: bool,
    /// What scores are divided by.
    pub temperature: f64,
}

/// Scores of one estimate, what is true, and how many probes it is of.
#[derive(Clone, Debug)]
pub struct Scored {
    /// One for each class.
    pub scores: Vec<f64>,
    /// Number of the true class.
    pub class: usize,
    /// Probes.
    pub probes: usize,
    /// Whether hops are not known.
    pub is_bare: bool,
    /// How far it is like anything learnt from, 0 to 1.
    pub belief: f64,
    /// How much it counts.
    pub weight: f64,
}

/// One temperature for each range that begins at a number of `lengths`, bare or not, each the best by likelihood.
pub fn fit(estimates: &[Scored], lengths: &[usize]) -> Vec<Temperature> {
    let range = |index: usize| lengths[index]..lengths.get(index + 1).copied().unwrap_or(usize::MAX);
    let mut temperatures = Vec::new();
    for is_bare in [false, true] {
        for (index, &probes_from) in lengths.iter().enumerate() {
            let is_of = |scored: &&Scored| scored.is_bare == is_bare && range(index).contains(&scored.probes);
            let part: Vec<&Scored> = estimates.iter().filter(is_of).collect();
            if part.is_empty() {
                continue;
            }
            // Collections that nobody has seen are stranger than scenarios left out: they are never made surer.
            let coldest = if is_bare { 0 } else { -STEPS / 2 };
            let temperature = best(&part, coldest);
            temperatures.push(Temperature { probes_from, is_bare, temperature });
        }
    }
    temperatures
}

fn best(part: &[&Scored], coldest: i32) -> f64 {
    let loss = |temperature: f64| -> f64 {
        let loss = |scored: &&Scored| {
            let shares = widened(&softmax(&scored.scores, temperature), scored.belief);
            -scored.weight * shares[scored.class].max(1e-12).ln()
        };
        part.iter().map(loss).sum()
    };
    let tried = (coldest..=STEPS).map(|step| 2f64.powf(f64::from(step) / 20.0));
    let losses = tried.map(|temperature| (loss(temperature), temperature));
    let (_, best) = losses.min_by(|a, b| a.0.total_cmp(&b.0)).expect("many are tried");
    (best * 1e3).round() / 1e3
}

/// The one for a number of probes; 1 if there is none.
pub fn temperature_for(temperatures: &[Temperature], probes: usize, is_bare: bool) -> f64 {
    // Where nothing was learnt of bare series, they are as the others.
    let is_known = temperatures.iter().any(|temperature| temperature.is_bare == is_bare);
    let alike = |temperature: &&Temperature| !is_known || temperature.is_bare == is_bare;
    let (fitting, shortest) = (
        temperatures.iter().filter(alike).rfind(|temperature| temperature.probes_from <= probes),
        temperatures.iter().find(alike),
    );
    fitting.or(shortest).map_or(1.0, |chosen| chosen.temperature)
}

/// Expected calibration error: how far confidence and the share that is right lie apart, over ten bins of confidence,
/// weighted by their size. NaN of nothing.
pub fn expected_error(estimates: impl IntoIterator<Item = (f64, bool)>) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    let mut count = 0;
    for (confidence, is_right) in estimates {
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += confidence;
        bin.1 += f64::from(u8::from(is_right));
        count += 1;
    }
    bins.iter().map(|(confidence, right): &(f64, f64)| (confidence - right).abs()).sum::<f64>() / f64::from(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfident_scores_are_cooled_down() {
        // Right three times of four, whatever the scores say.
        let scored = |index: usize| Scored {
            scores: vec![8.0, 0.0],
            class: usize::from(index.is_multiple_of(4)),
            probes: 5,
            is_bare: false,
            belief: 1.0,
            weight: 1.0,
        };
        let estimates: Vec<Scored> = (0..400).map(scored).collect();
        let temperatures = fit(&estimates, &[1, 3, 30]);
        assert_eq!(temperatures.len(), 1, "nothing is known of other lengths");
        let at = |temperature| {
            expected_error(estimates.iter().map(|scored| (softmax(&scored.scores, temperature)[0], scored.class == 0)))
        };
        assert!(at(1.0) > 0.2);
        assert!(at(temperature_for(&temperatures, 5, true)) < at(2.0));
        assert!((temperature_for(&[], 5, false) - 1.0).abs() < 1e-12);
    }
}
