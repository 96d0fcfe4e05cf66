//! All figures of one trace, in their order.

use super::{contact, grid, level, shape, size};
use crate::model::trace::TraceProbe;
use crate::network::feature::Features;
use crate::network::sample::Sample;
use crate::network::transit::{Surroundings, hops_of};

/// Replies after which further ones no longer change how sure one can be.
const ANSWERED_MAX: usize = 40;

/// What the other files of this folder look at: answered probes in the order of sending.
pub(super) struct View<'a> {
    pub(super) answered: Vec<&'a TraceProbe>,
    /// Their round-trip times, in milliseconds, in that order.
    pub(super) rtts_ms: Vec<f64>,
    /// The same, sorted.
    pub(super) sample: Sample,
    /// The same without the first.
    pub(super) rest: Sample,
    pub(super) hops: f64,
    pub(super) surroundings: &'a Surroundings,
}

/// Figures of a terminal's probes. Neither names nor absolute times are among them.
pub fn access_features(probes: &[TraceProbe], surroundings: &Surroundings) -> Features {
    let answered: Vec<&TraceProbe> = probes.iter().filter(|probe| probe.rtt_ms.is_some()).collect();
    let rtts_ms: Vec<f64> = answered.iter().filter_map(|probe| probe.rtt_ms).collect();
    let view = View {
        sample: Sample::new(rtts_ms.iter().copied()),
        rest: Sample::new(rtts_ms.iter().skip(1).copied()),
        hops: hops_of(probes).map_or(f64::NAN, f64::from),
        answered,
        rtts_ms,
        surroundings,
    };
    let mut features = Features::default();
    features.push("answered", view.rtts_ms.len().min(ANSWERED_MAX) as f64);
    features.push("loss", (probes.len() - view.rtts_ms.len()) as f64 / probes.len().max(1) as f64);
    let first_is_lost = probes.first().is_some_and(|probe| probe.rtt_ms.is_none());
    features.push("first_lost", f64::from(u8::from(first_is_lost)));
    level::push(&view, &mut features);
    shape::push(&view, &mut features);
    contact::push(&view, &mut features);
    grid::push(&view, &mut features);
    size::push(&view, &mut features);
    features
}
