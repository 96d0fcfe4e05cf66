//! The first probe against the later ones: whoever sleeps, or whose address must be resolved over the air, answers the first
//! one late (METHODS section 1: a pair separates them from everything else).

use super::features::View;
use crate::network::feature::Features;
use crate::network::sample::{log_with_room, signed_log};

/// Differences below this many milliseconds are noise.
const NOISE_MS: f64 = 0.05;

pub(super) fn push(view: &View<'_>, features: &mut Features) {
    let first = view.rtts_ms.first().copied().unwrap_or(f64::NAN);
    let rest = &view.rest;
    let slower = view.rtts_ms.iter().filter(|rtt| **rtt < first).count() as f64 / view.rtts_ms.len() as f64;
    features.push("first", log_with_room(first - view.sample.min(), 0.01));
    features.push("first_rank", slower);
    features.push("first_to_second", (first / view.rtts_ms.get(1).copied().unwrap_or(f64::NAN)).log10());
    features.push("first_over_median", signed_log(first - rest.median(), NOISE_MS));
    features.push("first_over_top", signed_log(first - rest.max(), NOISE_MS));
    let (distance, several) = (rest.median_distance() + 0.1, rest.len() > 1);
    features.push(
        "first_surprise",
        signed_log(if several { (first - rest.median()) / distance } else { f64::NAN }, NOISE_MS),
    );
    let delay = |share| if several { rest.quantile(share) - rest.min() } else { f64::NAN };
    features.push("rest_50", log_with_room(delay(0.5), 0.01));
    features.push("rest_90", log_with_room(delay(0.9), 0.01));
    features.push("rest_range", log_with_room(delay(1.0), 0.01));
    features.push("rest_even", delay(0.5) / (delay(1.0) + 1e-3));
    features.push("rest_even_90", delay(0.5) / (delay(0.9) + 1e-2));
}
