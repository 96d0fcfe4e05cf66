//! The picture of the harm: throughput of the flows and probes by slot, for each arm, medians over the repeats.

use std::fmt::Write;

use super::{Arm, DayFigures, Harm, SLOTS, median};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 60.0;
const COLOURS: [(Arm, &str); 3] = [(Arm::None, "#6b7280"), (Arm::Random, "#d9661f"), (Arm::Ours, "#2569c9")];

/// The picture.
pub fn svg(harm: &Harm) -> String {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {}" font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#ffffff"/>"##,
        2.0 * HEIGHT + 40.0
    );
    panel(&mut svg, harm, 20.0, "throughput of the others, kbit/s", |day| {
        day.bits_s_by_slot.iter().map(|bits_s| bits_s / 1e3).collect()
    });
    panel(&mut svg, harm, HEIGHT + 30.0, "probes/s", |day| day.probes_by_slot.clone());
    svg + "</svg>\n"
}

fn panel(svg: &mut String, harm: &Harm, top: f64, title: &str, values: impl Fn(&DayFigures) -> Vec<f64>) {
    let height = HEIGHT - 50.0;
    let by_arm = COLOURS.map(|(arm, colour)| {
        let days: Vec<Vec<f64>> = harm.days.iter().filter(|day| day.arm == arm).map(&values).collect();
        let points: Vec<f64> = (0..SLOTS).map(|slot| median(days.iter().map(|day| day[slot]).collect())).collect();
        (arm, colour, points)
    });
    let most = by_arm.iter().flat_map(|(_, _, points)| points).copied().fold(1.0, f64::max);
    let x = |slot: f64| LEFT + slot / SLOTS as f64 * (WIDTH - LEFT - 20.0);
    let y = |value: f64| top + 20.0 + height * (1.0 - value / most);
    // Writing to a string cannot fail, here and below.
    let _ = write!(svg, r#"<text x="{LEFT}" y="{}">{title}</text>"#, top + 10.0);
    for part in 0..=4 {
        let value = most * f64::from(part) / 4.0;
        let (at, right, label) = (y(value), WIDTH - 20.0, LEFT - 6.0);
        let _ = write!(svg, r##"<path d="M{LEFT} {at:.1}H{right}" stroke="#e3e6ea"/>"##);
        let _ = write!(svg, r#"<text x="{label}" y="{:.1}" text-anchor="end">{value:.0}</text>"#, at + 4.0);
    }
    for (place, (arm, colour, points)) in by_arm.iter().enumerate() {
        let mut path = String::new();
        for (slot, value) in points.iter().enumerate() {
            let command = if slot == 0 { 'M' } else { 'L' };
            let at = y(*value);
            let _ = write!(path, "{command}{:.1} {at:.1}H{:.1}", x(slot as f64), x(slot as f64 + 1.0));
        }
        let _ = write!(svg, r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>"#);
        let name = format!("{arm:?}").to_lowercase();
        let right = WIDTH - 220.0 + place as f64 * 70.0;
        let _ = write!(svg, r#"<text x="{right}" y="{}" fill="{colour}">{name}</text>"#, top + 10.0);
    }
    for hour in (0..=SLOTS).step_by(4) {
        let (at, bottom) = (x(hour as f64), top + height + 36.0);
        let _ = write!(svg, r#"<text x="{at:.1}" y="{bottom}" text-anchor="middle">{hour}:00</text>"#);
    }
}
