//! Charts as SVG text: lines over a linear or logarithmic axis, and horizontal bars. Colours come from the page's style
//! by class, so that one chart serves dark and light.

use std::fmt::Write;

use super::html::escape;

const WIDTH: f64 = 680.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;

/// One curve.
pub(super) struct Series {
    pub(super) name: String,
    /// Class that gives the colour.
    pub(super) class: String,
    /// Ascending in x.
    pub(super) points: Vec<(f64, f64)>,
}

/// A horizontal axis: where it begins and ends, and labelled ticks.
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) log: bool,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Where a value lies, 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let scale = |v: f64| if self.log { v.max(f64::MIN_POSITIVE).log10() } else { v };
        let (from, to) = (scale(self.from), scale(self.to));
        if to > from { ((scale(value) - from) / (to - from)).clamp(0.0, 1.0) } else { 0.5 }
    }
}

/// Curves over a common axis; y starts at 0.
pub(super) struct Lines<'a> {
    pub(super) label: &'a str,
    pub(super) x: Axis,
    pub(super) y_max: f64,
    pub(super) y_text: fn(f64) -> String,
    pub(super) x_text: &'a dyn Fn(f64) -> String,
    pub(super) series: Vec<Series>,
    /// Draw steps from point to point, filled below.
    pub(super) filled: bool,
}

impl Lines<'_> {
    /// The chart as an `svg` element.
    pub(super) fn svg(&self) -> String {
        let (plot_width, plot_height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        let px = |x: f64| LEFT + self.x.place(x) * plot_width;
        let y_step = nice_step(self.y_max / 4.0);
        let y_top = (self.y_max / y_step).ceil().max(1.0) * y_step;
        let py = |y: f64| TOP + plot_height - (y / y_top).clamp(0.0, 1.0) * plot_height;
        let mut svg = String::new();
        // Writing to a string cannot fail, here and below.
        let _ = write!(
            svg,
            r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}" data-tips="{}">"#,
            escape(self.label),
            escape(&self.tips(&px)),
        );
        for step in 0..=(y_top / y_step).round() as u32 {
            let y = f64::from(step) * y_step;
            let (at, text) = (py(y), escape(&(self.y_text)(y)));
            let class = if step == 0 { "base" } else { "grid" };
            let _ = write!(
                svg,
                r#"<line class="{class}" x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/>"#,
                WIDTH - RIGHT
            );
            let _ = write!(
                svg,
                r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{text}</text>"#,
                LEFT - 8.0,
                at + 4.0
            );
        }
        for (x, text) in &self.x.ticks {
            let at = px(*x);
            let _ =
                write!(svg, r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{:.1}"/>"#, HEIGHT - BOTTOM);
            let _ = write!(
                svg,
                r#"<text class="tick" x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                HEIGHT - BOTTOM + 18.0,
                escape(text)
            );
        }
        for series in &self.series {
            self.curve(&mut svg, series, &px, &py);
        }
        svg.push_str(r#"<line class="cross" y1="12" y2="220" hidden="hidden"/></svg>"#);
        svg
    }

    fn curve(&self, svg: &mut String, series: &Series, px: &dyn Fn(f64) -> f64, py: &dyn Fn(f64) -> f64) {
        let mut path = String::new();
        let mut level = py(0.0);
        for (index, &(x, y)) in series.points.iter().enumerate() {
            let (x, y) = (px(x), py(y));
            let _ = match (index, self.filled) {
                (0, _) => write!(path, "M{x:.1} {y:.1}"),
                (_, true) => write!(path, "L{x:.1} {level:.1}L{x:.1} {y:.1}"),
                (_, false) => write!(path, "L{x:.1} {y:.1}"),
            };
            level = y;
        }
        if let (true, Some(first), Some(last)) = (self.filled, series.points.first(), series.points.last()) {
            let base = py(0.0);
            let (first, last) = (px(first.0), px(last.0));
            let _ = write!(
                svg,
                r#"<path class="area {}" d="{path}L{last:.1} {base:.1}L{first:.1} {base:.1}Z"/>"#,
                series.class
            );
        }
        let _ = write!(svg, r#"<path class="line {}" d="{path}"/>"#, series.class);
    }

    /// For each x of any series, the text shown when the pointer is near: `[[x, "text"], ...]`.
    fn tips(&self, px: &dyn Fn(f64) -> f64) -> String {
        let mut xs: Vec<f64> =
            self.series.iter().flat_map(|series| series.points.iter().map(|point| point.0)).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let tips: Vec<serde_json::Value> = xs
            .into_iter()
            .map(|x| {
                let mut text = (self.x_text)(x);
                for series in &self.series {
                    let at = series.points.partition_point(|point| point.0 <= x);
                    let value = if at == 0 { 0.0 } else { series.points[at - 1].1 };
                    let _ = write!(text, "\n{}: {}", series.name, (self.y_text)(value));
                }
                serde_json::json!([(px(x) * 10.0).round() / 10.0, text])
            })
            .collect();
        serde_json::Value::Array(tips).to_string()
    }
}

/// A horizontal bar.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) text: String,
    pub(super) tip: String,
}

/// Bars below each other, labels to the left, values at their ends.
pub(super) fn bars(label: &str, bars: &[Bar]) -> String {
    const ROW: f64 = 24.0;
    const LABELS: f64 = 96.0;
    const VALUES: f64 = 120.0;
    let height = bars.len() as f64 * ROW + 4.0;
    let longest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let mut svg =
        format!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">"#, escape(label));
    for (index, bar) in bars.iter().enumerate() {
        let top = index as f64 * ROW + 4.0;
        let width = (bar.value / longest * (WIDTH - LABELS - VALUES)).max(2.0);
        let middle = top + 13.0;
        let _ = write!(
            svg,
            r#"<g><title>{}</title><text class="label" x="{:.1}" y="{middle:.1}" text-anchor="end">{}</text><rect class="bar" x="{LABELS}" y="{top:.1}" width="{width:.1}" height="17" rx="3"/><text class="tick" x="{:.1}" y="{middle:.1}">{}</text></g>"#,
            escape(&bar.tip),
            LABELS - 10.0,
            escape(&bar.label),
            LABELS + width + 8.0,
            escape(&bar.text),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// 1, 2 or 5 times a power of ten, not below `at_least`.
pub(super) fn nice_step(at_least: f64) -> f64 {
    if at_least.is_nan() || at_least <= 0.0 {
        return 1.0;
    }
    let decade = 10f64.powf(at_least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|step| *step >= at_least * 0.999_999)
        .unwrap_or(decade * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!([0.0, 0.3, 1.0, 1.1, 37.0, 51.0].map(nice_step), [1.0, 0.5, 1.0, 2.0, 50.0, 100.0]);
    }

    #[test]
    fn log_axes_place_decades_evenly() {
        let axis = Axis { from: 1.0, to: 100.0, log: true, ticks: Vec::new() };
        assert!((axis.place(10.0) - 0.5).abs() < 1e-9);
        assert_eq!(axis.place(0.0).to_bits(), 0f64.to_bits());
    }
}
