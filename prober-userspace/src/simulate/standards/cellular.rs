//! Cellular broadband: a connected phone sleeps in cycles of 40 to 320 ms (discontinuous reception, 3GPP TS 36.321, section
//! 5.7); an idle one must be paged, in cycles of 0.32 to 1.28 s (TS 36.304, section 7), and connect again first. Frequent probes
//! keep it awake.

use super::{Course, Delays};
use crate::simulate::draws::Draws;

/// Cycles of connected sleep, in milliseconds.
const SLEEP_MS: [f64; 4] = [40.0, 80.0, 160.0, 320.0];
/// Cycles of paging, in milliseconds.
const PAGING_MS: [f64; 3] = [320.0, 640.0, 1280.0];
/// A retransmission on the air costs one round of eight subframes (TS 36.321, section 5.4).
const RETRANSMISSION_MS: f64 = 8.0;

pub(super) fn delays(course: &Course, draws: &mut Draws) -> Delays {
    let base_ms = 25.0 * 4_f64.powf(draws.unit());
    let grant_ms = draws.between(3.0, 25.0);
    let sleep_ms = SLEEP_MS[draws.below(SLEEP_MS.len())];
    let paging_ms = PAGING_MS[draws.below(PAGING_MS.len())];
    let (awake_s, connected_s) = (draws.between(0.1, 0.5), draws.between(4.0, 12.0));
    let connect_ms = draws.between(40.0, 250.0);
    let load_ms = if draws.chance(0.4) { draws.between(5.0, 80.0) } else { 0.0 };
    let loss = if draws.chance(0.5) { 0.0 } else { draws.between(0.0, 0.04) };
    let mut delay = |place| {
        if draws.chance(loss) {
            return None;
        }
        let gap_s = course.gap_s(place);
        let repeats = draws.exponential(0.3).floor();
        let mut delay = base_ms + draws.between(0.0, grant_ms) + RETRANSMISSION_MS * repeats;
        delay += if load_ms > 0.0 { draws.exponential(load_ms) } else { 0.0 };
        if gap_s > connected_s {
            delay += draws.between(0.0, paging_ms) + connect_ms * draws.between(0.8, 1.3);
        } else if gap_s > awake_s {
            delay += draws.between(0.0, sleep_ms);
        }
        Some(delay)
    };
    (0..course.len()).map(&mut delay).collect()
}
