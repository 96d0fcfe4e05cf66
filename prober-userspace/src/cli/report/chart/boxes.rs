//! Boxes below each other over a logarithmic axis: 5 to 95 % as a line, the middle half as a box, the median as a mark.

use std::fmt::Write;

use crate::cli::figure::millis;
use crate::model::text::escaped;

const WIDTH: f64 = 560.0;
const LABELS: f64 = 84.0;
const RIGHT: f64 = 116.0;
const ROW: f64 = 30.0;
const TOP: f64 = 4.0;
const BOTTOM: f64 = 24.0;

/// One box.
pub(in crate::cli::report) struct BoxRow {
    pub(in crate::cli::report) label: String,
    /// At 5, 25, 50, 75 and 95 %, rising, above 0; ms.
    pub(in crate::cli::report) quantiles_ms: [f64; 5],
    /// Behind it.
    pub(in crate::cli::report) note: String,
}

/// All of them over one axis of whole factors of ten.
pub(in crate::cli::report) fn boxes(label: &str, rows: &[BoxRow]) -> String {
    let ends = || rows.iter().flat_map(|row| row.quantiles_ms).map(|ms| ms.max(1e-3).log10());
    let low = ends().fold(f64::INFINITY, f64::min).min(9.0).floor();
    let high = ends().fold(low + 1.0, f64::max).ceil();
    let plot = WIDTH - LABELS - RIGHT;
    let x = |ms: f64| LABELS + (ms.max(1e-3).log10() - low) / (high - low) * plot;
    let (height, floor) = (TOP + rows.len() as f64 * ROW + BOTTOM, TOP + rows.len() as f64 * ROW);
    let mut svg =
        format!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">"#, escaped(label));
    for decade in low as i32..=high as i32 {
        let (at, text) = (x(10f64.powi(decade)), decade_text(decade));
        // Writing to a string cannot fail, here and below.
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{floor}"/><text class="tick" x="{at:.1}" y="{:.1}" text-anchor="middle">{text}</text>"#,
            floor + 17.0
        );
    }
    for (index, row) in rows.iter().enumerate() {
        let middle = TOP + (index as f64 + 0.5) * ROW;
        let [p5, p25, p50, p75, p95] = row.quantiles_ms.map(x);
        let [t5, t25, t50, t75, t95] = row.quantiles_ms.map(millis);
        let (name, note) = (escaped(&row.label), escaped(&row.note));
        let _ = write!(
            svg,
            r#"<g class="syn_ack"><title>{name}: median {t50} ms, half of them {t25} to {t75} ms, 5 to 95 % {t5} to {t95} ms</title><text class="label" x="{:.1}" y="{:.1}" text-anchor="end">{name}</text><line class="whisker" x1="{p5:.1}" x2="{p95:.1}" y1="{middle:.1}" y2="{middle:.1}"/><rect class="box" x="{p25:.1}" y="{:.1}" width="{:.1}" height="16" rx="2"/><line class="median" x1="{p50:.1}" x2="{p50:.1}" y1="{:.1}" y2="{:.1}"/><text class="tick" x="{:.1}" y="{:.1}">{note}</text></g>"#,
            LABELS - 10.0,
            middle + 4.0,
            middle - 8.0,
            (p75 - p25).max(1.0),
            middle - 8.0,
            middle + 8.0,
            WIDTH - RIGHT + 10.0,
            middle + 4.0,
        );
    }
    svg + "</svg>"
}

fn decade_text(decade: i32) -> String {
    match decade {
        ..=-1 => format!("{:.0} µs", 10f64.powi(decade + 3)),
        0..=2 => format!("{:.0} ms", 10f64.powi(decade)),
        _ => format!("{:.0} s", 10f64.powi(decade - 3)),
    }
}
