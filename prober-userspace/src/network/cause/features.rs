//! All figures of one series, in their order.

use super::series::Series;
use super::{bursts, chain, delay, ports, release, steady, way};
use crate::model::trace::TraceProbe;
use crate::network::feature::Features;

/// Probes after which further ones no longer change how sure one can be.
const PROBES_MAX: usize = 200;

/// Figures of a terminal's probes, silent ones among them. Neither names nor absolute times nor other terminals count.
pub fn cause_features(probes: &[TraceProbe]) -> Features {
    let series = Series::of(probes);
    let mut features = Features::default();
    let answered = probes.iter().filter(|probe| probe.rtt_ms.is_some()).count();
    features.push("probes", series.probes.min(PROBES_MAX) as f64);
    features.push("answered", answered.min(PROBES_MAX) as f64);
    features.push("loss", 1.0 - answered as f64 / probes.len() as f64);
    features.push("live_loss", series.loss());
    ports::push(&series, &mut features);
    delay::push(&series, &mut features);
    bursts::push(&series, &mut features);
    chain::push(&series, &mut features);
    release::push(&series, &mut features);
    steady::push(&series, &mut features);
    way::push(probes, &mut features);
    features
}
