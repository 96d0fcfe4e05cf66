//! A series as collections of measurements have it: without hop counts and ports, taken from nearer by, its times rounded. So a
//! model learns to do without, and the shape of delays over their own floor more than what the way to a prefix costs.

use super::level::HOP_MS;
use crate::model::trace::{Answer, TraceProbe};
use crate::network::transit::{Neighbour, hops_of};

/// Shares of the way that are taken away, in turn.
const NEARER: [f64; 3] = [0.9, 0.0, 0.6];
/// Times are rounded to this many milliseconds, in turn; 0: not at all.
const ROUNDED_TO_MS: [f64; 4] = [0.0, 0.1, 1.0, 0.5];
/// Most of a floor that can be taken for the way, where no gateway tells.
const WAY_SHARE_MAX: f64 = 0.9;

/// The series `turn` of many.
pub(super) fn bare(probes: &[TraceProbe], gateway: Option<&Neighbour>, turn: usize) -> Vec<TraceProbe> {
    let floor = |rtts: &mut dyn Iterator<Item = f64>| rtts.fold(f64::INFINITY, f64::min);
    let own = floor(&mut probes.iter().filter_map(|probe| probe.rtt_ms));
    let way_ms = match gateway {
        Some(gateway) => floor(&mut gateway.rtts_ms.iter().copied()),
        None => hops_of(probes).map_or(0.0, |hops| HOP_MS * f64::from(hops)),
    };
    let nearer_ms = NEARER[turn % NEARER.len()] * way_ms.min(WAY_SHARE_MAX * own);
    let rounded_to_ms = ROUNDED_TO_MS[turn / NEARER.len() % ROUNDED_TO_MS.len()];
    let near = |rtt: f64| {
        let rtt = rtt - nearer_ms;
        if rounded_to_ms > 0.0 { (rtt / rounded_to_ms).round() * rounded_to_ms } else { rtt }
    };
    let bare = |probe: &TraceProbe| TraceProbe {
        rtt_ms: probe.rtt_ms.map(near),
        ttl: None,
        port: 0,
        answer: if probe.rtt_ms.is_some() { Answer::Open } else { Answer::Silent },
        ..*probe
    };
    probes.iter().map(bare).collect()
}
