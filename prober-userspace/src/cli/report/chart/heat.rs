//! A heat map: rows of values from 0 to 1, each a rectangle whose strength is the value; what is not known is an outline.

use std::fmt::Write;

use crate::model::text::escaped;

const WIDTH: f64 = 1160.0;
const LABELS: f64 = 96.0;
const ROW: f64 = 20.0;
const HEAD: f64 = 20.0;
const FOOT: f64 = 20.0;
/// Between working days and weekends.
const GAP: f64 = 14.0;
/// Hours between two times below.
const HOURS: u32 = 3;

/// A row: a name, and values where they are known.
pub(in crate::cli::report) struct HeatRow {
    pub(in crate::cli::report) label: String,
    pub(in crate::cli::report) values: Vec<Option<f64>>,
}

/// The map; the first half of a row's values are of working days, the second of weekends.
pub(in crate::cli::report) fn heat(label: &str, rows: &[HeatRow]) -> String {
    let half = (WIDTH - LABELS - GAP) / 2.0;
    let left_of = |part: usize| LABELS + part as f64 * (half + GAP);
    let floor = HEAD + rows.len() as f64 * ROW;
    let height = floor + FOOT;
    let mut svg = scale();
    // Writing to a string cannot fail, here and below.
    let _ =
        write!(svg, r#"<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">"#, escaped(label));
    for (part, day) in ["Working days", "Weekends"].iter().enumerate() {
        let left = left_of(part);
        let _ = write!(svg, r#"<text class="label" x="{left:.1}" y="13">{day}</text>"#);
        for hour in (0..24).step_by(HOURS as usize) {
            let (at, base) = (left + half * f64::from(hour) / 24.0, floor + 15.0);
            let _ = write!(svg, r#"<text class="tick" x="{at:.1}" y="{base}">{hour:02}:00</text>"#);
        }
    }
    for (index, row) in rows.iter().enumerate() {
        let top = HEAD + index as f64 * ROW;
        let (right, middle) = (LABELS - 10.0, top + 14.0);
        let name = escaped(&row.label);
        let _ = write!(svg, r#"<text class="label" x="{right}" y="{middle:.1}" text-anchor="end">{name}</text>"#);
        let slots = (row.values.len() / 2).max(1);
        let width = half / slots as f64;
        for (column, value) in row.values.iter().enumerate() {
            let left = left_of(column / slots) + (column % slots) as f64 * width;
            cell(&mut svg, (left, top, width - 1.0), *value, column % slots * 1440 / slots);
        }
    }
    svg + "</svg>"
}

/// At `left` and `top`, so wide; `minutes` after midnight.
fn cell(svg: &mut String, (left, top, width): (f64, f64, f64), value: Option<f64>, minutes: usize) {
    let (hour, minute, high) = (minutes / 60, minutes % 60, ROW - 2.0);
    let place = format!(r#"x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{high:.1}""#);
    let _ = match value.filter(|value| value.is_finite()) {
        Some(value) => write!(
            svg,
            r#"<rect class="rst fill" {place} fill-opacity="{:.2}"><title>{hour:02}:{minute:02} load {value:.2}</title></rect>"#,
            opacity(value)
        ),
        None => {
            write!(svg, r#"<rect class="empty" {place}><title>{hour:02}:{minute:02} nothing known</title></rect>"#)
        }
    };
}

/// An idle slot is still told from one of which nothing is known.
fn opacity(value: f64) -> f64 {
    0.08 + 0.92 * value.clamp(0.0, 1.0)
}

/// What the strengths mean.
fn scale() -> String {
    let mut html = r#"<ul class="legend swatches">"#.to_owned();
    for (value, text) in [(0.0, "idle"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "always busy")] {
        let _ = write!(html, r#"<li class="rst" style="--strength:{:.2}">{text}</li>"#, opacity(value));
    }
    html + r#"<li class="empty">nothing known</li></ul>"#
}
