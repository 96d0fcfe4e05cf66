//! Random numbers of the simulators: a sequence that its seed determines for ever.

use crate::target::splitmix;

/// A sequence of draws.
#[derive(Clone, Debug)]
pub struct Draws {
    seed: u64,
    index: u64,
}

impl Draws {
    /// The sequence of a seed and a purpose; different purposes give independent ones.
    pub fn new(seed: u64, purpose: u64) -> Self {
        Self { seed: splitmix::nth(splitmix::mix(seed), purpose), index: 0 }
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.index += 1;
        splitmix::nth(self.seed, self.index)
    }

    /// 0 (included) to 1 (not).
    pub fn unit(&mut self) -> f64 {
        splitmix::unit(self.bits())
    }

    /// `low` to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        self.unit().mul_add(high - low, low)
    }

    /// One of `count`, 0 if there are none.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Pareto with this mean and a heavy tail (shape above 1), cut off at 100 times the mean.
    pub fn pareto(&mut self, mean: f64, shape: f64) -> f64 {
        let smallest = mean * (shape - 1.0) / shape;
        (smallest * (1.0 - self.unit()).powf(-1.0 / shape)).min(100.0 * mean)
    }

    /// Standard normal (Box, Muller 1958).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Around `median`, its logarithm with this standard deviation.
    pub fn lognormal(&mut self, median: f64, log_sd: f64) -> f64 {
        median * (log_sd * self.normal()).exp()
    }
}
