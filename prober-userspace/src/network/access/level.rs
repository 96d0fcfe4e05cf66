//! How slow a terminal is beyond the way to it. A mesh shows itself by hops between neighbours. Floors and hop counts as such
//! are left out on purpose: they tell prefixes apart, and a model that has them learns the prefixes it was trained on.

use super::features::View;
use crate::network::feature::Features;
use crate::network::sample::{Sample, deviation, log_with_room, signed_log};

/// Typical milliseconds for each hop, there and back: only a scale for comparing terminals at different distances.
pub(super) const HOP_MS: f64 = 1.9;
/// Differences of floors below this many milliseconds are noise.
const NOISE_MS: f64 = 0.05;
/// Room for logarithms of delays, in milliseconds.
const ROOM_MS: f64 = 0.01;

pub(super) fn push(view: &View<'_>, features: &mut Features) {
    let floor = view.sample.min();
    let over_hops = floor - HOP_MS * view.hops;
    features.push("floor_over_hops", coarse(signed_log(over_hops, NOISE_MS)));
    let routers = view.surroundings.gateway.iter().flat_map(|gateway| gateway.rtts_ms.iter().copied());
    let over_gateway = floor - Sample::new(routers).min();
    let access = if over_gateway.is_nan() { over_hops } else { over_gateway };
    features.push("access_floor", coarse(signed_log(access, NOISE_MS)));
    features.push("floor_steps", (2.0 * log_with_room(floor, ROOM_MS)).round() / 2.0);
    gateway(view, features);
    neighbours(view, features);
}

/// In steps of a quarter: what all terminals of a prefix share must not tell prefixes apart.
fn coarse(value: f64) -> f64 {
    (value * 4.0).round() / 4.0
}

fn gateway(view: &View<'_>, features: &mut Features) {
    let gateway = view.surroundings.gateway.as_ref();
    let rtts = Sample::new(gateway.iter().flat_map(|gateway| gateway.rtts_ms.iter().copied()));
    let own = &view.sample;
    let above_floor = |sample: &Sample, share| sample.quantile(share) - sample.min();
    features.push("over_gateway", coarse(signed_log(own.min() - rtts.min(), NOISE_MS)));
    features.push("median_over_gateway", coarse(log_with_room(own.median() - rtts.median(), ROOM_MS)));
    for (name, share) in [("net_50", 0.5), ("net_90", 0.9)] {
        let queue = above_floor(&rtts, share);
        let net = above_floor(own, share) - if queue.is_nan() { 0.0 } else { queue };
        features.push(name, log_with_room(net, ROOM_MS));
    }
    for (name, share) in [("queue_over_gateway_50", 0.5), ("queue_over_gateway_90", 0.9)] {
        features.push(name, signed_log(above_floor(own, share) - above_floor(&rtts, share), NOISE_MS));
    }
    for (name, share) in [("gateway_50", 0.5), ("gateway_90", 0.9), ("gateway_top", 1.0)] {
        features.push(name, coarse(log_with_room(above_floor(&rtts, share), ROOM_MS)));
    }
    let hops = gateway.and_then(|gateway| gateway.hops).map_or(f64::NAN, f64::from);
    features.push("hops_over_gateway", view.hops - hops);
}

fn neighbours(view: &View<'_>, features: &mut Features) {
    let terminals = &view.surroundings.terminals;
    let samples: Vec<Sample> = terminals.iter().map(|other| Sample::new(other.rtts_ms.iter().copied())).collect();
    let floors = Sample::new(samples.iter().map(Sample::min));
    let own = view.sample.min();
    features.push("over_fastest", signed_log(own - floors.min(), NOISE_MS));
    features.push("over_neighbours", signed_log(own - floors.median(), NOISE_MS));
    let nearest = Sample::new(floors.sorted().iter().map(|floor| (own - floor).abs())).min();
    features.push("to_nearest", log_with_room(nearest, NOISE_MS));
    let spread = floors.max().max(own) - floors.min().min(own);
    features.push("floor_spread", if floors.is_empty() { f64::NAN } else { coarse(log_with_room(spread, NOISE_MS)) });
    for (name, share) in [("calmest_50", 0.5), ("calmest_90", 0.9)] {
        let several = samples.iter().filter(|sample| sample.len() > 1);
        let calm = Sample::new(several.map(|sample| sample.quantile(share) - sample.min())).min();
        features.push(name, coarse(log_with_room(calm, ROOM_MS)));
    }
    let gateway = view.surroundings.gateway.iter().flat_map(|gateway| gateway.rtts_ms.iter().copied());
    features.push("fastest_over_gateway", coarse(signed_log(floors.min() - Sample::new(gateway).min(), NOISE_MS)));
    let mut hops: Vec<f64> = terminals.iter().filter_map(|other| other.hops).map(f64::from).collect();
    features.push("hops_over_nearest", view.hops - Sample::new(hops.iter().copied()).min());
    let alone = hops.is_empty();
    hops.push(view.hops);
    features.push("hop_spread", if alone { f64::NAN } else { deviation(&hops) });
}
