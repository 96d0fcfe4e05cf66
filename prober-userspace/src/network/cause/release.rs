//! Replies that arrive together or overtake each other: a queue that was held and released at once.

use super::series::Series;
use crate::network::feature::Features;

/// Arrivals nearer than this, of probes sent further apart, were released together; in seconds.
const TOGETHER_S: f64 = 0.02;
/// In seconds.
const APART_S: f64 = 0.04;

pub(super) fn push(series: &Series, features: &mut Features) {
    let (mut pairs, mut together, mut overtaken) = (0, 0, 0);
    for (earlier, later) in series.pairs(1) {
        let (earlier, later) = (&series.live[earlier], &series.live[later]);
        let (Some(first), Some(second)) = (earlier.rtt_ms, later.rtt_ms) else { continue };
        let sent_s = later.sent_s - earlier.sent_s;
        let arrived_s = sent_s + (second - first) / 1e3;
        pairs += 1;
        together += i32::from(sent_s > APART_S && arrived_s.abs() < TOGETHER_S);
        overtaken += i32::from(arrived_s < 0.0);
    }
    features.push("released_together", f64::from(together) / f64::from(pairs.max(1)));
    features.push("overtaken", f64::from(overtaken) / f64::from(pairs.max(1)));
}
