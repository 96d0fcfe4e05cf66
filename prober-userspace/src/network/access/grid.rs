//! Grids in time. A cellular downlink delivers at the beginning of a subframe, so replies arrive on a grid of 1 ms (3GPP TS
//! 36.211, section 4); back-off of 802.15.4 counts whole unit periods (IEEE 802.15.4, section 6.2.5), so delays repeat.

use std::f64::consts::TAU;

use super::features::View;
use crate::network::feature::Features;

/// Fewest replies in which a grid can be seen.
const REPLIES_MIN: usize = 5;
/// Coarsest time in which a grid of 1 ms is not an artefact, in milliseconds.
const ROUNDED_MS: f64 = 0.05;
/// Neighbours nearer than this share of the usual distance are one point of a lattice.
const SAME_SHARE: f64 = 0.08;

pub(super) fn push(view: &View<'_>, features: &mut Features) {
    // Rounded times lie on a grid that is not the network's.
    let enough = view.rtts_ms.len() >= REPLIES_MIN && !is_rounded(view);
    let subframe = if enough { subframe(view) } else { f64::NAN };
    features.push("subframe", subframe);
    features.push("subframe_share", subframe / ((view.rtts_ms.len().max(2) - 1) as f64).sqrt());
    features.push("lattice", if enough { lattice(view) } else { f64::NAN });
}

/// Whether all round-trip times are multiples of [`ROUNDED_MS`].
fn is_rounded(view: &View<'_>) -> bool {
    let off = |rtt: &f64| (rtt / ROUNDED_MS - (rtt / ROUNDED_MS).round()).abs();
    view.rtts_ms.iter().all(|rtt| off(rtt) < 1e-6 * (1.0 + rtt))
}

/// Rayleigh's statistic of the arrivals' phase within 1 ms: about 1 if they are anywhere, the root of their number on a grid.
fn subframe(view: &View<'_>) -> f64 {
    let (mut cosines, mut sines) = (0.0, 0.0);
    // The first reply often waits for something else.
    let later = view.answered.iter().zip(&view.rtts_ms).skip(1);
    for (probe, rtt) in later {
        let phase = TAU * (probe.sent_s * 1e3 + rtt).rem_euclid(1.0);
        cosines += phase.cos();
        sines += phase.sin();
    }
    cosines.hypot(sines) / ((view.rtts_ms.len() - 1) as f64).sqrt()
}

/// Share of neighbouring delays that are practically equal.
fn lattice(view: &View<'_>) -> f64 {
    let rest = &view.rest;
    let usual = (rest.quantile(0.9) - rest.quantile(0.1)) / (0.8 * (rest.len() - 1) as f64);
    let gaps = rest.sorted().windows(2).filter(|pair| pair[1] - pair[0] < SAME_SHARE * usual).count();
    gaps as f64 / (rest.len() - 1) as f64
}
