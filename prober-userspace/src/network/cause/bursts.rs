//! Between bursts: a weak signal drifts, so loss and level differ from burst to burst; a terminal that leaves the network loses
//! whole bursts; a collision with a hidden one is as likely in each.

use super::series::{ROOM_MS, Series};
use crate::network::feature::Features;
use crate::network::sample::{Sample, correlation, deviation, log_with_room, mean};

/// Fewest replies of a burst whose level is believed.
const REPLIES_MIN: usize = 5;

pub(super) fn push(series: &Series, features: &mut Features) {
    losses(series, features);
    levels(series, features);
}

fn losses(series: &Series, features: &mut Features) {
    let share = |burst| {
        let places = series.places(burst);
        places.clone().filter(|place| series.is_lost(*place)).count() as f64 / places.len() as f64
    };
    let shares: Vec<f64> = (0..series.bursts()).map(share).collect();
    let sample = Sample::new(shares.iter().copied());
    let of_bursts = |count: usize| count as f64 / shares.len() as f64;
    features.push("bursts_dead", of_bursts(shares.iter().filter(|share| **share >= 0.95).count()));
    features.push("bursts_clean", of_bursts(shares.iter().filter(|share| **share == 0.0).count()));
    features.push("burst_loss_max", sample.max());
    features.push("burst_loss_min", sample.min());
    features.push("burst_loss_median", sample.median());
    features.push("burst_loss_deviation", sample.deviation());
    // Against what independent losses would show.
    let loss = series.loss();
    let expected: Vec<f64> =
        (0..series.bursts()).map(|burst| loss * (1.0 - loss) / series.places(burst).len() as f64).collect();
    let (found, expected) = (sample.deviation().powi(2), mean(&expected));
    features.push("burst_loss_excess", ((found + 1e-4) / (expected + 1e-4)).log10());
    let drift = |range: std::ops::Range<usize>| mean(shares.get(range).unwrap_or(&[]));
    let half = shares.len() / 2;
    features.push("loss_trend", (drift(half..shares.len()) - drift(0..half)).abs());
    let steps: Vec<f64> = shares.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    features.push("burst_loss_step", mean(&steps));
}

fn levels(series: &Series, features: &mut Features) {
    let floor = Sample::new(series.live.iter().filter_map(|probe| probe.rtt_ms)).min();
    let (mut medians, mut lows, mut highs, mut spreads, mut losses) = (vec![], vec![], vec![], vec![], vec![]);
    for burst in 0..series.bursts() {
        let places = series.places(burst);
        let answered = series.live[places.clone()].iter().filter_map(|probe| probe.rtt_ms);
        let delays = Sample::new(answered.map(|rtt| rtt - floor));
        if delays.len() < REPLIES_MIN {
            continue;
        }
        let log = |share, room| log_with_room(delays.quantile(share), room);
        medians.push(log(0.5, ROOM_MS));
        lows.push(log(0.1, 0.05));
        highs.push(log(0.9, ROOM_MS));
        let logs: Vec<f64> = delays.sorted().iter().map(|delay| log_with_room(*delay, ROOM_MS)).collect();
        spreads.push(deviation(&logs));
        losses.push(1.0 - delays.len() as f64 / places.len() as f64);
    }
    features.push("inside_deviation", mean(&spreads));
    features.push("inside_deviation_spread", deviation(&spreads));
    features.push("between_to_inside", deviation(&medians) / (mean(&spreads) + 0.05));
    features.push("loss_with_delay", correlation(&losses, &highs));
    features.push("loss_with_level", correlation(&losses, &medians));
    features.push("floor_with_level", correlation(&lows, &medians));
}
