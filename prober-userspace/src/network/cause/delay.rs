//! Delays over the floor, all together: how long the tail is, and how much one delay tells of the next. Small delays are left out
//! on purpose: they are of the access line and the radio's rate, and a model that has them learns the cells it was trained on.

use super::series::Series;
use crate::network::feature::Features;
use crate::network::sample::{Sample, autocorrelation, deviation, log_with_room};

pub(super) fn push(series: &Series, features: &mut Features) {
    let delays = &series.delays;
    let quantile = |share| log_with_room(delays.quantile(share), 0.01);
    for (name, share) in [("delay_90", 0.9), ("delay_95", 0.95), ("delay_99", 0.99)] {
        features.push(name, quantile(share));
    }
    let answered: Vec<f64> = series.logs.iter().copied().filter(|log| log.is_finite()).collect();
    let rtts: Vec<f64> = series.live.iter().filter_map(|probe| probe.rtt_ms).collect();
    let log_rtts: Vec<f64> = rtts.iter().map(|rtt| log_with_room(*rtt, 1e-3)).collect();
    let ranks = ranks(&rtts);
    features.push("delay_deviation", deviation(&answered));
    features.push("rtt_deviation", deviation(&log_rtts));
    features.push("delay_memory", autocorrelation(&answered, 1));
    features.push("delay_memory_2", autocorrelation(&answered, 2));
    features.push("rtt_memory", autocorrelation(&log_rtts, 1));
    features.push("rank_memory", autocorrelation(&ranks, 1));
    features.push("rank_memory_5", autocorrelation(&ranks, 5));
    features.push("above_100_ms", delays.share_within(100.0, f64::INFINITY));
    features.push("above_500_ms", delays.share_within(500.0, f64::INFINITY));
    // An address that could not be resolved is asked for again after a second.
    features.push("about_1_s", delays.share_within(850.0, 1200.0));
}

/// Place of each number in the sorted order.
fn ranks(values: &[f64]) -> Vec<f64> {
    let sorted = Sample::new(values.iter().copied());
    values.iter().map(|value| sorted.sorted().partition_point(|other| other < value) as f64).collect()
}
