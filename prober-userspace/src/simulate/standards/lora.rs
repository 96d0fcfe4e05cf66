//! LoRa: twice the time on air and a gateway (METHODS section 3; Semtech AN1200.13): always the same for one size, so the spread is small
//! beside the delay; with others on the channel a reply waits for whole frames.

use super::{Backlog, Course, Delays};
use crate::simulate::draws::Draws;

/// In kHz.
const BANDWIDTHS_KHZ: [f64; 10] = [7.8, 10.4, 15.6, 20.8, 31.25, 41.7, 62.5, 125.0, 250.0, 500.0];

pub(super) fn delays(course: &Course, draws: &mut Draws) -> Delays {
    let spreading = 7 + draws.below(6) as i32;
    // Wide channels are the usual ones; the narrow ones leave room for short frames only.
    let usual = draws.chance(0.7);
    let bandwidth_khz = BANDWIDTHS_KHZ[if usual { 7 + draws.below(3) } else { draws.below(7) }];
    let payload_bytes = if usual { draws.between(10.0, 60.0) } else { draws.between(4.0, 24.0) };
    let air_ms = air_ms(f64::from(spreading), bandwidth_khz, payload_bytes.round());
    let (gateway_ms, jitter_ms) = (draws.between(5.0, 80.0), draws.between(1.0, 15.0));
    let spread = draws.between(0.001, 0.02);
    let ways = if draws.chance(0.5) { 2.0 } else { 1.0 };
    let (busy, loss) = (if draws.chance(0.4) { draws.between(0.05, 0.5) } else { 0.0 }, draws.between(0.0, 0.05));
    // A frame at a time; a gateway keeps a handful.
    let mut backlog = Backlog::new(ways * air_ms, 2.0 + draws.below(14) as f64);
    let mut delay = |place| {
        let queue = backlog.wait_ms(course.gap_s(place))?;
        if draws.chance(loss) {
            return None;
        }
        let waits = queue + if draws.chance(busy) { draws.between(0.0, 2.0) * air_ms } else { 0.0 };
        Some(
            (ways * air_ms * (1.0 + spread * draws.normal().abs()) + gateway_ms + draws.exponential(jitter_ms) + waits)
                .min(120_000.0),
        )
    };
    (0..course.len()).map(&mut delay).collect()
}

/// Time on air of a frame, in milliseconds: the formula of METHODS section 3 (Semtech SX1276 data sheet, section 4.1.1.7), coding rate 4/5,
/// explicit header, checksum.
fn air_ms(spreading: f64, bandwidth_khz: f64, payload_bytes: f64) -> f64 {
    let symbol_ms = spreading.exp2() / bandwidth_khz;
    let slow = if symbol_ms >= 16.0 { 1.0 } else { 0.0 };
    let blocks = ((8.0 * payload_bytes - 4.0 * spreading + 28.0 + 16.0) / (4.0 * (spreading - 2.0 * slow))).ceil();
    (8.0 + 4.25 + 8.0 + 5.0 * blocks.max(0.0)) * symbol_ms
}

#[cfg(test)]
mod tests {
    #[test]
    fn time_on_air_is_that_of_the_data_sheet() {
        for (spreading, expected_ms) in [(7.0, 103.0), (9.0, 329.0), (12.0, 2466.0)] {
            let found = super::air_ms(spreading, 125.0, 53.0);
            assert!((found - expected_ms).abs() < 1.0, "SF{spreading}: {found}");
        }
    }
}
