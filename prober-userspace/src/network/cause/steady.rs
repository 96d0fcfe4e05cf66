//! Between outages: what a terminal is like while it is there. One that left the network and came back is as good as any other
//! in between; behind a weak link or beside a hidden terminal, single probes go on failing and delays scatter.

use super::series::Series;
use crate::network::feature::Features;
use crate::network::sample::{Sample, autocorrelation, log_with_room};

/// Losses in a row from which on they are an outage; they may go on over the ends of bursts.
const OUTAGE_LOSSES: usize = 4;
/// Replies after an outage that may still wait for the way back.
const RECOVERY: usize = 3;

pub(super) fn push(series: &Series, features: &mut Features) {
    let (steady, outages) = steady_places(series);
    let lost = steady.iter().filter(|place| series.is_lost(**place)).count() as f64;
    let rtts: Vec<f64> = steady.iter().filter_map(|place| series.live[*place].rtt_ms).collect();
    let sample = Sample::new(rtts.iter().copied());
    let over_floor = |share| log_with_room(sample.quantile(share) - sample.min(), 0.05);
    features.push("outages", outages as f64);
    features.push("steady_share", steady.len() as f64 / series.live.len() as f64);
    features.push("steady_loss", lost / steady.len() as f64);
    features.push("steady_50", over_floor(0.5));
    features.push("steady_90", over_floor(0.9));
    features.push("steady_99", over_floor(0.99));
    features.push("steady_tail_90", over_floor(0.9) - over_floor(0.5));
    features.push("steady_tail_97", over_floor(0.97) - over_floor(0.75));
    // Delays far out, on the scale of the ordinary ones: what waits for a grant or a queue of the wide area has none.
    let scale = sample.quantile(0.5) - sample.quantile(0.1) + 0.3;
    let far = |times: f64| sample.share_within(sample.median() + times * scale, f64::INFINITY);
    features.push("steady_far_3", far(3.0));
    features.push("steady_far_8", far(8.0));
    let logs: Vec<f64> = rtts.iter().map(|rtt| log_with_room(rtt - sample.min(), 0.1)).collect();
    features.push("steady_memory", autocorrelation(&logs, 1));
}

/// Places of probes that are neither in an outage nor just after one, and how many outages there were.
fn steady_places(series: &Series) -> (Vec<usize>, usize) {
    let (mut places, mut outages, mut recovering) = (Vec::new(), 0, 0);
    let mut place = 0;
    while place < series.live.len() {
        let losses = (place..series.live.len()).take_while(|place| series.is_lost(*place)).count();
        if losses >= OUTAGE_LOSSES {
            outages += 1;
            recovering = RECOVERY;
            place += losses;
        } else if recovering > 0 {
            recovering -= 1;
            place += 1;
        } else {
            places.extend(place..place + losses.max(1));
            place += losses.max(1);
        }
    }
    (places, outages)
}
