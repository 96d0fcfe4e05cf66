//! What one probe's fate says of the next one's: p_c = P(OD | previous OD) against p_u = P(OD), OD = lost or far too late
//! (METHODS section 4), and the same for loss alone, within bursts.

use super::series::Series;
use crate::network::feature::Features;
use crate::network::sample::{Sample, mean};

pub(super) fn push(series: &Series, features: &mut Features) {
    loss_chain(series, features);
    outage_chain(series, features);
    runs(series, features);
    delay_chain(series, features);
    around_losses(series, features);
    first_of_burst(series, features);
}

/// P(event), P(event | event before), P(event | none before), drawn towards P(event) by one pair.
fn chain(series: &Series, is_event: impl Fn(usize) -> bool) -> (f64, f64, f64) {
    let (mut pairs, mut events, mut before, mut both) = (0.0, 0.0, 0.0, 0.0);
    for (earlier, later) in series.pairs(1) {
        let (was, is) = (is_event(earlier), is_event(later));
        pairs += 1.0;
        events += f64::from(u8::from(is));
        before += f64::from(u8::from(was));
        both += f64::from(u8::from(was && is));
    }
    let share = (events + 0.5) / (pairs + 1.0);
    (share, (both + share) / (before + 1.0), (events - both + share) / (pairs - before + 1.0))
}

fn loss_chain(series: &Series, features: &mut Features) {
    let (share, after_loss, after_reply) = chain(series, |place| series.is_lost(place));
    features.push("loss_after_loss", after_loss);
    features.push("loss_after_reply", after_reply);
    features.push("loss_clustering", after_loss - share);
    features.push("loss_odds", ((after_loss + 0.01) / (after_reply + 0.01)).ln());
    // Within bursts: what the drift between bursts explains is taken out first.
    let burst_loss: Vec<f64> = (0..series.bursts())
        .map(|burst| {
            mean(&series.places(burst).map(|place| f64::from(u8::from(series.is_lost(place)))).collect::<Vec<_>>())
        })
        .collect();
    let rest = |place: usize| f64::from(u8::from(series.is_lost(place))) - burst_loss[series.burst[place]];
    let power: f64 = (0..series.live.len()).map(|place| rest(place).powi(2)).sum();
    let product: f64 = series.pairs(1).map(|(earlier, later)| rest(earlier) * rest(later)).sum();
    features.push("loss_memory", if power > 1e-9 { product / power } else { 0.0 });
}

fn outage_chain(series: &Series, features: &mut Features) {
    let rtts = Sample::new(series.live.iter().filter_map(|probe| probe.rtt_ms));
    // The deviation without its outliers; 1 ms is never far too late.
    let late = rtts.median() + 3.0 * 1.4826 * rtts.median_distance() + 1.0;
    let (share, conditional, _) = chain(series, |place| series.live[place].rtt_ms.is_none_or(|rtt| rtt > late));
    features.push("outage", share);
    features.push("outage_after_outage", conditional);
    features.push("outage_clustering", conditional - share);
}

/// Losses in a row, within bursts.
fn runs(series: &Series, features: &mut Features) {
    let (mut runs, mut run) = (Vec::new(), 0);
    for place in 0..series.live.len() {
        let is_new_burst = place > 0 && series.burst[place] != series.burst[place - 1];
        if run > 0 && (is_new_burst || !series.is_lost(place)) {
            runs.push(f64::from(run));
            run = 0;
        }
        run += i32::from(series.is_lost(place));
    }
    if run > 0 {
        runs.push(f64::from(run));
    }
    let longest = runs.iter().copied().fold(0.0, f64::max);
    let usual = if runs.is_empty() { 0.0 } else { mean(&runs) };
    features.push("loss_run_max", longest);
    features.push("loss_run_mean", usual);
    // 1 if losses are independent of each other.
    features.push("loss_run_excess", usual * (1.0 - series.loss()));
}

/// Autocorrelation of the delay's logarithm within bursts, each burst's level taken out.
fn delay_chain(series: &Series, features: &mut Features) {
    let level = |burst| {
        let logs: Vec<f64> = series.logs[series.places(burst)].iter().copied().filter(|log| log.is_finite()).collect();
        mean(&logs)
    };
    let levels: Vec<f64> = (0..series.bursts()).map(level).collect();
    let rest: Vec<f64> = series.logs.iter().zip(&series.burst).map(|(log, burst)| log - levels[*burst]).collect();
    let known = |place: &usize| rest[*place].is_finite();
    let answered = (0..rest.len()).filter(known).count() as f64;
    let power: f64 = (0..rest.len()).filter(known).map(|place| rest[place].powi(2)).sum();
    for (name, distance) in [("inside_memory", 1), ("inside_memory_2", 2)] {
        let pairs: Vec<f64> = series
            .pairs(distance)
            .filter(|(earlier, later)| known(earlier) && known(later))
            .map(|(earlier, later)| rest[earlier] * rest[later])
            .collect();
        let memory = pairs.iter().sum::<f64>() / power * answered / pairs.len().max(1) as f64;
        features.push(name, if power > 1e-9 { memory } else { 0.0 });
    }
}

/// Delays next to losses against all delays.
fn around_losses(series: &Series, features: &mut Features) {
    let all: Vec<f64> = series.logs.iter().copied().filter(|log| log.is_finite()).collect();
    let usual = mean(&all);
    let next_to = |is_after: bool| {
        let pairs = series.pairs(1).map(|(earlier, later)| if is_after { (earlier, later) } else { (later, earlier) });
        let logs: Vec<f64> = pairs
            .filter(|(lost, answered)| series.is_lost(*lost) && !series.is_lost(*answered))
            .map(|(_, answered)| series.logs[answered])
            .collect();
        if logs.is_empty() { 0.0 } else { mean(&logs) - usual }
    };
    features.push("delay_after_loss", next_to(true));
    features.push("delay_before_loss", next_to(false));
}

/// The first probe of a burst finds the terminal as others left it.
fn first_of_burst(series: &Series, features: &mut Features) {
    let firsts: Vec<usize> = (0..series.bursts()).map(|burst| series.places(burst).start).collect();
    let logs = Sample::new(firsts.iter().map(|place| series.logs[*place]));
    features.push("first_delay", logs.median() - Sample::new(series.logs.iter().copied()).median());
    let lost = firsts.iter().filter(|place| series.is_lost(**place)).count() as f64 / firsts.len() as f64;
    features.push("first_loss", lost - series.loss());
}
