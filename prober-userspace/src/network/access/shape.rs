//! How delays are spread over the floor: evenly between two ends (a grant that is waited for), or with a long tail
//! (contention, queues).

use super::features::View;
use crate::network::feature::Features;
use crate::network::sample::{Sample, autocorrelation, log_with_room, mean, signed_log};

/// Room for logarithms of delays, in milliseconds.
const ROOM_MS: f64 = 0.01;

pub(super) fn push(view: &View<'_>, features: &mut Features) {
    let sample = &view.sample;
    let floor = sample.min();
    let delay = |share| sample.quantile(share) - floor;
    let log = |value| log_with_room(value, ROOM_MS);
    for (name, share) in [
        ("delay_10", 0.1),
        ("delay_25", 0.25),
        ("delay_50", 0.5),
        ("delay_75", 0.75),
        ("delay_90", 0.9),
        ("range", 1.0),
    ] {
        features.push(name, log(delay(share)));
    }
    features.push("deviation", log(sample.deviation()));
    features.push("variation", log_with_room(sample.deviation() / sample.mean(), 1e-4));
    features.push("delay_to_floor", log_with_room(delay(0.75) / floor, 1e-4));
    for (name, share) in [("even_25", 0.25), ("even_50", 0.5), ("even_75", 0.75), ("even_90", 0.9)] {
        features.push(name, delay(share) / (delay(1.0) + 1e-3));
    }
    let middle = |low, mid, high| {
        (sample.quantile(mid) - sample.quantile(low)) / (sample.quantile(high) - sample.quantile(low) + 1e-2)
    };
    features.push("middle_10_50_90", if sample.len() > 4 { middle(0.1, 0.5, 0.9) } else { f64::NAN });
    features.push("middle_0_25_75", if sample.len() > 4 { middle(0.0, 0.25, 0.75) } else { f64::NAN });
    features.push("tail", log(delay(0.9)) - log(delay(0.5)));
    features.push("tail_top", log(delay(1.0)) - log(delay(0.75)));
    let sorted = sample.sorted();
    let from_end = |place: usize| sorted.len().checked_sub(place).map_or(f64::NAN, |place| sorted[place]);
    let second = sorted.get(1).copied().unwrap_or(f64::NAN);
    features.push("floor_gap", log_with_room(second - floor, 1e-3));
    features.push("top_gap", log_with_room(if sorted.len() > 1 { from_end(1) - from_end(2) } else { f64::NAN }, 1e-3));
    features.push("range_without_top", log(if sorted.len() > 2 { from_end(2) - floor } else { f64::NAN }));
    let distance = sample.median_distance();
    features.push("median_distance", log(distance));
    let median = sample.median();
    let outliers = sorted.iter().filter(|rtt| **rtt - median > 5.0 * (distance + 0.05)).count();
    features.push("outliers", outliers as f64 / sorted.len() as f64);
    let third = mean(&sorted.iter().map(|rtt| (rtt - sample.mean()).powi(3)).collect::<Vec<_>>());
    features.push("skew", signed_log(third / (sample.deviation() + 1e-3).powi(3), 0.1));
    series(view, features);
}

/// What depends on the order.
fn series(view: &View<'_>, features: &mut Features) {
    let steps = Sample::new(view.rtts_ms.windows(2).map(|pair| (pair[1] - pair[0]).abs()));
    features.push("step_median", log_with_room(steps.median(), ROOM_MS));
    features.push("step_mean", log_with_room(steps.mean(), ROOM_MS));
    features.push("roughness", steps.mean() / (view.sample.deviation() + 1e-3));
    let logs: Vec<f64> = view.rtts_ms.iter().map(|rtt| log_with_room(*rtt, 1e-3)).collect();
    features.push("memory", autocorrelation(&logs, 1));
}
