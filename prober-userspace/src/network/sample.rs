//! Figures of a sample of numbers. Every one is NaN where the sample is too small to have it, never a panic.

use std::cmp::Ordering;

/// Numbers, sorted, none NaN.
#[derive(Clone, Debug, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Of finite numbers; others are left out.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        Self(values)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, rising.
    pub fn sorted(&self) -> &[f64] {
        &self.0
    }

    /// The smallest.
    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The largest.
    pub fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    /// By linear interpolation between neighbours; `share` in 0..=1.
    pub fn quantile(&self, share: f64) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else { return f64::NAN };
        let place = share.clamp(0.0, 1.0) * last as f64;
        let (low, high) = (place.floor() as usize, place.ceil() as usize);
        self.0[low] + (self.0[high] - self.0[low]) * (place - low as f64)
    }

    /// The quantile in the middle.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Their mean.
    pub fn mean(&self) -> f64 {
        mean(&self.0)
    }

    /// Of the population: divided by n.
    pub fn deviation(&self) -> f64 {
        deviation(&self.0)
    }

    /// Median distance from the median.
    pub fn median_distance(&self) -> f64 {
        let median = self.median();
        Self::new(self.0.iter().map(|value| (value - median).abs())).median()
    }

    /// Share of the sample in `from..to`.
    pub fn share_within(&self, from: f64, to: f64) -> f64 {
        let below = |limit| self.0.partition_point(|value| value.total_cmp(&limit) == Ordering::Less);
        if self.0.is_empty() { f64::NAN } else { (below(to) - below(from)) as f64 / self.0.len() as f64 }
    }
}

/// NaN of nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { f64::NAN } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Standard deviation of the population.
pub fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// Autocorrelation at `lag`; 0 of a constant, NaN of fewer than `lag + 4` numbers.
pub fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    if values.len() < lag + 4 {
        return f64::NAN;
    }
    let mean = mean(values);
    let power: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let product: f64 = values.iter().zip(&values[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum();
    if power > 1e-12 { product / power } else { 0.0 }
}

/// Correlation of two series; 0 if either is constant, NaN of fewer than two pairs.
pub fn correlation(left: &[f64], right: &[f64]) -> f64 {
    if left.len() < 2 || left.len() != right.len() {
        return f64::NAN;
    }
    let (mean_left, mean_right) = (mean(left), mean(right));
    let product: f64 = left.iter().zip(right).map(|(a, b)| (a - mean_left) * (b - mean_right)).sum();
    let scale = deviation(left) * deviation(right) * left.len() as f64;
    if scale > 1e-12 { product / scale } else { 0.0 }
}

/// Logarithm to base 10 of a number that may be 0: `room` is added first, negative ones count as 0.
pub fn log_with_room(value: f64, room: f64) -> f64 {
    if value.is_nan() { value } else { (value.max(0.0) + room).log10() }
}

/// Logarithm that keeps the sign: linear below `unit`, logarithmic above.
pub fn signed_log(value: f64, unit: f64) -> f64 {
    value.signum() * (1.0 + value.abs() / unit).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let sample = Sample::new([4.0, 1.0, f64::NAN, 3.0, 2.0]);
        assert_eq!(sample.len(), 4);
        assert!((sample.median() - 2.5).abs() < 1e-12);
        assert!((sample.quantile(1.0) - 4.0).abs() < 1e-12);
        assert!((sample.share_within(2.0, 4.0) - 0.5).abs() < 1e-12);
        assert!(Sample::default().median().is_nan());
    }

    #[test]
    fn a_series_that_alternates_is_anticorrelated() {
        let series: Vec<f64> = (0..40).map(|index| f64::from(index % 2)).collect();
        assert!(autocorrelation(&series, 1) < -0.9);
        assert!(autocorrelation(&series, 2) > 0.9);
        assert!(autocorrelation(&[1.0; 9], 1).abs() < 1e-12);
        assert!(autocorrelation(&series[..4], 1).is_nan());
    }
}
