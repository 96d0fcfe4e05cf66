//! Wireless LAN: fast where the air is free; a sleeping station answers when it next listens, after a multiple of the beacon
//! interval (IEEE 802.11, section 11.2.3); interferers delay each frame by chance of its own, others' traffic by queues.

use super::{Course, Delays};
use crate::simulate::draws::Draws;

/// Usual time between beacons.
const BEACON_MS: f64 = 102.4;

pub(super) fn delays(course: &Course, draws: &mut Draws) -> Delays {
    let base_ms = draws.between(0.8, 4.0);
    let scatter_ms = draws.between(0.3, 3.0);
    let sleeps = draws.chance(0.4);
    let (awake_s, interval) = (draws.between(0.05, 0.5), 1.0 + draws.below(3) as f64);
    let disturbed = draws.chance(0.5);
    let (median_ms, log_sd) = (3.0 * 60_f64.powf(draws.unit()), draws.between(0.5, 1.3));
    // How much one delay tells of the next: little with interferers, much in a queue.
    let memory = if draws.chance(0.6) { draws.between(0.0, 0.4) } else { draws.between(0.6, 0.95) };
    let loss = if disturbed { draws.between(0.0, 0.08) } else { draws.between(0.0, 0.01) };
    let mut level = draws.normal();
    let mut delay = |place| {
        level = memory * level + (1.0 - memory * memory).sqrt() * draws.normal();
        if draws.chance(loss) {
            return None;
        }
        let mut delay = base_ms + draws.exponential(scatter_ms);
        if disturbed {
            delay += median_ms * (log_sd * level).exp();
        }
        if sleeps && course.gap_s(place) > awake_s && draws.chance(0.7) {
            delay += draws.between(0.0, interval * BEACON_MS);
        }
        Some(delay.min(5_000.0))
    };
    (0..course.len()).map(&mut delay).collect()
}
