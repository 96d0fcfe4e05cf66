//! Meshes of 802.15.4 radios: each hop waits for its turn in whole back-off periods and sends at 50 to 250 kbit/s (IEEE
//! 802.15.4, section 6.2.5); measured Wi-SUN meshes need 213 ms and 134 ms more for each hop, real ones far more, and lose more with
//! each hop (METHODS section 3).

use super::{Backlog, Course, Delays};
use crate::simulate::draws::Draws;

pub(super) fn delays(course: &Course, draws: &mut Draws) -> Delays {
    let hops = 1.0 + draws.below(8) as f64;
    let is_fast = draws.chance(0.3);
    let (first_ms, hop_ms) = if is_fast {
        (draws.between(8.0, 25.0), draws.between(5.0, 20.0))
    } else {
        (draws.between(20.0, 250.0), draws.between(40.0, 160.0))
    };
    let base_ms = first_ms + hop_ms * (hops - 1.0);
    let is_troubled = !is_fast && draws.chance(0.5);
    let (median_ms, log_sd) = (200.0 * 150_f64.powf(draws.unit()), draws.between(0.8, 2.0));
    let loss = if is_troubled { (0.08 * hops).min(0.8) } else { 0.005 * hops };
    let tries = draws.between(0.1, 0.8);
    // The air near the border router carries one frame at a time, on to the third hop.
    let mut backlog = Backlog::new(hop_ms * hops.min(3.0) * draws.between(0.3, 1.0), 4.0 + draws.below(28) as f64);
    let mut delay = |place| {
        let queue = backlog.wait_ms(course.gap_s(place))?;
        if draws.chance(loss) {
            return None;
        }
        let waits: f64 = (0..hops as usize).map(|_| draws.exponential(0.35 * hop_ms)).sum();
        let repeats = draws.exponential(tries).floor();
        let mut delay = base_ms + queue + waits + repeats * draws.between(0.5, 1.5) * hop_ms;
        if is_troubled {
            delay += draws.lognormal(median_ms, log_sd).min(120_000.0);
        }
        Some(delay)
    };
    (0..course.len()).map(&mut delay).collect()
}
