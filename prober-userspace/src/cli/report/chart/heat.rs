//! A heat map: rows of values from 0 to 1, each a rectangle whose strength is the value.

use std::fmt::Write;

use crate::cli::report::html::escape;

const WIDTH: f64 = 1160.0;
const LABELS: f64 = 96.0;
const ROW: f64 = 18.0;
const HEAD: f64 = 18.0;

/// A row: a name, and values where they are known.
pub(in crate::cli::report) struct HeatRow {
    pub(in crate::cli::report) label: String,
    pub(in crate::cli::report) values: Vec<Option<f64>>,
}

/// The map; the first half of a row's values are of working days, the second of weekends.
pub(in crate::cli::report) fn heat(label: &str, rows: &[HeatRow]) -> String {
    let height = HEAD + rows.len() as f64 * ROW + 4.0;
    let mut svg =
        format!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">"#, escape(label));
    for (part, day) in ["working day", "weekend"].iter().enumerate() {
        let left = LABELS + (WIDTH - LABELS) / 2.0 * part as f64;
        // Writing to a string cannot fail, here and below.
        let _ = write!(svg, r#"<text class="tick" x="{left:.1}" y="12">{day}, from 00:00</text>"#);
    }
    for (index, row) in rows.iter().enumerate() {
        let top = HEAD + index as f64 * ROW;
        let (right, middle) = (LABELS - 10.0, top + 13.0);
        let name = escape(&row.label);
        let _ = write!(svg, r#"<text class="label" x="{right}" y="{middle:.1}" text-anchor="end">{name}</text>"#);
        let width = (WIDTH - LABELS) / row.values.len().max(1) as f64;
        let slots = row.values.len() / 2;
        for (column, value) in row.values.iter().enumerate() {
            let Some(value) = value.filter(|value| value.is_finite()) else { continue };
            let left = LABELS + column as f64 * width;
            let minutes = column % slots.max(1) * 1440 / slots.max(1);
            let _ = write!(
                svg,
                r#"<rect class="rst fill" x="{left:.1}" y="{top:.1}" width="{:.1}" height="{:.1}" fill-opacity="{:.2}"><title>{:02}:{:02} load {value:.2}</title></rect>"#,
                width - 0.5,
                ROW - 1.0,
                value.clamp(0.04, 1.0),
                minutes / 60,
                minutes % 60,
            );
        }
    }
    svg + "</svg>"
}
