//! Slots of the coming day: a column of load for each, and before it the probes that it gets. What explores or exceeds the
//! limits has another colour than what goes into quiet slots.

use std::fmt::Write;

use crate::model::text::escaped;

const WIDTH: f64 = 1160.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 40.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;

const LEGEND: &str = concat!(
    r#"<ul class="legend swatches"><li class="icmp_other" style="--strength:0.6">load</li>"#,
    r#"<li class="icmp_other" style="--strength:0.25">its careful end</li>"#,
    r#"<li class="sent">probes in quiet slots</li><li class="rst">probes to learn, or over the limit</li></ul>"#
);

/// A slot.
pub(in crate::cli::report) struct SlotColumn {
    pub(in crate::cli::report) label: String,
    pub(in crate::cli::report) load: f64,
    pub(in crate::cli::report) load_high: f64,
    pub(in crate::cli::report) probes: f64,
    pub(in crate::cli::report) is_quiet: bool,
    pub(in crate::cli::report) tip: String,
}

/// The columns; probes are scaled to the slot with most.
pub(in crate::cli::report) fn slots(label: &str, columns: &[SlotColumn]) -> String {
    let plot = HEIGHT - TOP - BOTTOM;
    let most = columns.iter().map(|column| column.probes).fold(f64::MIN_POSITIVE, f64::max);
    let width = (WIDTH - LEFT) / columns.len().max(1) as f64;
    let mut svg = LEGEND.to_owned();
    // Writing to a string cannot fail, here and below.
    let _ =
        write!(svg, r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#, escaped(label));
    for part in [0.0, 0.5, 1.0] {
        let at = TOP + plot * (1.0 - part);
        let (tick, text) = (LEFT - 6.0, at + 4.0);
        let _ = write!(svg, r#"<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{at:.1}" y2="{at:.1}"/>"#);
        let _ = write!(svg, r#"<text class="tick" x="{tick}" y="{text:.1}" text-anchor="end">{part:.1}</text>"#);
    }
    for (index, column) in columns.iter().enumerate() {
        let left = LEFT + index as f64 * width;
        let _ = write!(svg, "<g><title>{} {}</title>", escaped(&column.label), escaped(&column.tip));
        let bars = [
            ("icmp_other", column.load_high, 0.25, 0.0),
            ("icmp_other", column.load, 0.5, 0.0),
            (if column.is_quiet { "sent" } else { "rst" }, column.probes / most, 0.9, 0.3),
        ];
        for (class, value, opacity, inset) in bars {
            // Few probes are still some.
            let height = if value > 0.0 { (plot * value.min(1.0)).max(1.5) } else { 0.0 };
            let _ = write!(
                svg,
                r#"<rect class="{class} fill" x="{:.1}" y="{:.1}" width="{:.1}" height="{height:.1}" fill-opacity="{opacity}"/>"#,
                left + width * inset,
                TOP + plot - height,
                width * (1.0 - 2.0 * inset) - 0.5,
            );
        }
        svg.push_str("</g>");
        if index % columns.len().div_ceil(12).max(1) == 0 {
            let (middle, y) = (left + width / 2.0, HEIGHT - 6.0);
            let text = escaped(&column.label);
            let _ = write!(svg, r#"<text class="tick" x="{middle:.1}" y="{y}" text-anchor="middle">{text}</text>"#);
        }
    }
    svg + "</svg>"
}
