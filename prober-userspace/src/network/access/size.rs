//! What a longer reply costs: a SYN-ACK carries options, a refusal does not, and on slow links that is seen.

use std::collections::BTreeMap;

use super::features::View;
use crate::model::trace::Answer;
use crate::network::feature::Features;
use crate::network::sample::{Sample, log_with_room, signed_log};

/// Differences below this many milliseconds are noise.
const NOISE_MS: f64 = 0.05;

pub(super) fn push(view: &View<'_>, features: &mut Features) {
    let of = |answer| {
        let alike = view.answered.iter().zip(&view.rtts_ms).filter(move |(probe, _)| probe.answer == answer);
        Sample::new(alike.map(|(_, rtt)| *rtt))
    };
    let (long, short) = (of(Answer::Open), of(Answer::Refused));
    features.push("size_floor", signed_log(long.min() - short.min(), 0.02));
    let several = long.len() > 1 && short.len() > 1 && view.rtts_ms.len() > 4;
    let difference = if several { long.median() - short.median() } else { f64::NAN };
    features.push("size_median", signed_log(difference, NOISE_MS));
    features.push("size_surprise", signed_log(difference / (view.sample.median_distance() + 0.05), 0.1));
    features.push(
        "size_25",
        signed_log(if several { long.quantile(0.25) - short.quantile(0.25) } else { f64::NAN }, NOISE_MS),
    );
    features.push("size_share", signed_log(difference / view.sample.min(), 1e-3));
    features
        .push("port_spread", if view.rtts_ms.len() > 3 { log_with_room(port_spread(view), 1e-3) } else { f64::NAN });
}

/// Between the floors of the ports.
fn port_spread(view: &View<'_>) -> f64 {
    let mut floors: BTreeMap<u16, f64> = BTreeMap::new();
    for (probe, rtt) in view.answered.iter().zip(&view.rtts_ms) {
        let floor = floors.entry(probe.port).or_insert(f64::INFINITY);
        *floor = floor.min(*rtt);
    }
    let floors = Sample::new(floors.into_values());
    floors.max() - floors.min()
}
