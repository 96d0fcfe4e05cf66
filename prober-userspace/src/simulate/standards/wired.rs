//! Lines: 1 to 40 ms and steady (METHODS section 3), at any distance; under load the queue of the slowest link fills and drains slowly
//! (bufferbloat: Gettys, Nichols 2011), so that neighbouring delays are alike.

use super::{Course, Delays};
use crate::simulate::draws::Draws;

pub(super) fn delays(course: &Course, draws: &mut Draws) -> Delays {
    let base_ms = 0.5 * 80_f64.powf(draws.unit()) + if draws.chance(0.4) { draws.between(0.0, 350.0) } else { 0.0 };
    let scatter_ms = 0.02 * 40_f64.powf(draws.unit());
    let loaded = draws.chance(0.5);
    let queue_ms = 2.0 * 250_f64.powf(draws.unit());
    // Queues change within seconds.
    let turn_s = draws.between(0.5, 20.0);
    let (mut fill, mut goal) = (draws.unit(), draws.unit());
    let mut delay = |place| {
        let kept = if loaded { (-course.gap_s(place).min(1e3) / turn_s).exp() } else { 0.0 };
        if draws.chance(1.0 - kept) {
            goal = draws.unit();
        }
        fill = kept * fill + (1.0 - kept) * goal;
        let queue = if loaded { queue_ms * fill } else { 0.0 };
        if loaded && fill > 0.95 && draws.chance(0.2) {
            return None;
        }
        Some(base_ms + draws.exponential(scatter_ms) + queue)
    };
    (0..course.len()).map(&mut delay).collect()
}
