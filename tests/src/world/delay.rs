//! How long an answer takes. Pure: chance comes in as a number. Rough on purpose - the shapes that an estimator must
//! cope with, not a model of any one network.

use prober_common::lab::mix;

/// No answer takes longer than this: the probe's clock comes round after 67 s.
pub const LONGEST_NS: u64 = 33_000_000_000;
const SHORTEST_NS: u64 = 100_000;

/// A distribution of delays, in ns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delay {
    /// Always the same.
    Constant {
        /// The delay.
        ns: u64,
    },
    /// Logarithm normally distributed.
    LogNormal {
        /// Half of the delays are longer.
        median_ns: u64,
        /// Standard deviation of the logarithm: 0.1 is a quiet wire, 1 a busy radio.
        sigma: f64,
    },
    /// Awake or asleep, as with paging and power saving.
    TwoState {
        /// The delay when awake.
        awake_ns: u64,
        /// Waking takes up to this much longer.
        wake_ns: u64,
        /// Probability of being asleep.
        asleep: f64,
    },
    /// Pareto: congested.
    HeavyTail {
        /// The shortest delay.
        least_ns: u64,
        /// The tail's exponent; the smaller, the heavier.
        alpha: f64,
    },
    /// Logarithm uniformly distributed over a range.
    LogUniform {
        /// The shortest delay.
        least_ns: u64,
        /// The longest delay.
        most_ns: u64,
    },
}

impl Delay {
    /// The model of one address, from 64 random bits.
    pub fn choose(chance: u64) -> Self {
        let scale = |least: f64, most: f64| (least * (most / least).powf(unit(mix(chance ^ 1)))) as u64;
        match chance % 100 {
            0..35 => Self::LogNormal { median_ns: scale(1e6, 30e6), sigma: 0.1 },
            35..50 => Self::Constant { ns: scale(0.5e6, 10e6) },
            50..65 => Self::LogNormal { median_ns: scale(5e6, 200e6), sigma: 0.8 },
            65..80 => Self::TwoState { awake_ns: scale(50e6, 200e6), wake_ns: 1_280_000_000, asleep: 0.4 },
            80..90 => Self::HeavyTail { least_ns: scale(10e6, 300e6), alpha: 1.1 },
            _ => Self::LogNormal { median_ns: scale(0.5e9, 8e9), sigma: 0.3 },
        }
    }

    /// One delay, from 64 random bits.
    pub fn sample(self, chance: u64) -> u64 {
        let first = unit(chance);
        let second = unit(mix(chance ^ 2));
        let ns = match self {
            Self::Constant { ns } => ns as f64,
            Self::LogNormal { median_ns, sigma } => {
                // Box, Muller 1958.
                let normal = (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos();
                median_ns as f64 * (sigma * normal).exp()
            }
            Self::TwoState { awake_ns, wake_ns, asleep } => {
                let waking = if first < asleep { wake_ns as f64 * second } else { 0.0 };
                awake_ns as f64 + waking
            }
            Self::HeavyTail { least_ns, alpha } => least_ns as f64 * first.powf(-1.0 / alpha),
            Self::LogUniform { least_ns, most_ns } => least_ns as f64 * (most_ns as f64 / least_ns as f64).powf(first),
        };
        (ns as u64).clamp(SHORTEST_NS, LONGEST_NS)
    }
}

/// A number in (0, 1].
fn unit(chance: u64) -> f64 {
    ((chance >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(delay: Delay) -> Vec<u64> {
        let mut samples: Vec<u64> = (0..4001).map(|i| delay.sample(mix(i))).collect();
        samples.sort_unstable();
        samples
    }

    #[test]
    fn medians_are_where_they_should_be() {
        let near = |value: u64, wanted: u64| assert!(value.abs_diff(wanted) < wanted / 20, "{value} for {wanted}");
        near(sorted(Delay::Constant { ns: 5_000_000 })[2000], 5_000_000);
        near(sorted(Delay::LogNormal { median_ns: 20_000_000, sigma: 0.3 })[2000], 20_000_000);
        near(sorted(Delay::HeavyTail { least_ns: 10_000_000, alpha: 1.0 })[2000], 20_000_000);
        near(sorted(Delay::TwoState { awake_ns: 50_000_000, wake_ns: 1_000_000_000, asleep: 0.4 })[2000], 50_000_000);
        let wide = sorted(Delay::LogUniform { least_ns: 500_000, most_ns: 30_000_000_000 });
        assert!(wide[0] < 600_000 && wide[4000] > 29_000_000_000);
    }

    #[test]
    fn nothing_outlasts_the_probes_clock() {
        for i in 0..20_000 {
            let delay = Delay::choose(mix(i)).sample(mix(!i));
            assert!((SHORTEST_NS..=LONGEST_NS).contains(&delay));
        }
    }
}
