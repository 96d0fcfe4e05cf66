//! Horizontal bars below each other, labels to the left, values at their ends.

use std::fmt::Write;

use super::WIDTH;
use crate::model::text::escaped;

/// A horizontal bar.
pub(in crate::cli::report) struct Bar {
    pub(in crate::cli::report) label: String,
    pub(in crate::cli::report) value: f64,
    pub(in crate::cli::report) text: String,
    pub(in crate::cli::report) tip: String,
}

/// Bars below each other, labels to the left, values at their ends.
pub(in crate::cli::report) fn bars(label: &str, bars: &[Bar]) -> String {
    const ROW: f64 = 24.0;
    const VALUES: f64 = 120.0;
    // A letter of the page's font is about so wide.
    let letters = bars.iter().map(|bar| bar.label.chars().count()).max().unwrap_or(0);
    let labels = (10.0 + 7.0 * letters as f64).clamp(96.0, WIDTH / 2.0);
    let height = bars.len() as f64 * ROW + 4.0;
    let longest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let mut svg =
        format!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">"#, escaped(label));
    for (index, bar) in bars.iter().enumerate() {
        let top = index as f64 * ROW + 4.0;
        let width = (bar.value / longest * (WIDTH - labels - VALUES)).max(2.0);
        let middle = top + 13.0;
        let _ = write!(
            svg,
            r#"<g><title>{}</title><text class="label" x="{:.1}" y="{middle:.1}" text-anchor="end">{}</text><rect class="bar" x="{labels:.1}" y="{top:.1}" width="{width:.1}" height="17" rx="3"/><text class="tick" x="{:.1}" y="{middle:.1}">{}</text></g>"#,
            escaped(&bar.tip),
            labels - 10.0,
            escaped(&bar.label),
            labels + width + 8.0,
            escaped(&bar.text),
        );
    }
    svg.push_str("</svg>");
    svg
}
