//! Charts as SVG text: curves and stacked columns over a linear or logarithmic axis, here; bars, boxes, heat maps and others in
//! files of their own. Colours come
//! from the page's style by class, so that one chart serves dark and light.

mod bars;
mod boxes;
mod confusion;
mod decades;
mod heat;
mod slots;
mod timeline;

use std::fmt::Write;

use crate::model::text::escaped;
pub(super) use bars::{Bar, bars};
pub(super) use boxes::{BoxRow, boxes};
pub(in crate::cli) use confusion::confusion;
pub(super) use heat::{HeatRow, heat};
pub(super) use slots::{SlotColumn, slots};
pub(super) use timeline::{TimelineProbe, timeline};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 28.0;
const PLOT_WIDTH: f64 = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT: f64 = HEIGHT - TOP - BOTTOM;

/// Points of one name and colour.
pub(in crate::cli) struct Series {
    pub(in crate::cli) name: String,
    /// Class that gives the colour.
    pub(in crate::cli) class: String,
    /// Ascending in x.
    pub(in crate::cli) points: Vec<(f64, f64)>,
}

/// A horizontal axis: where it begins and ends, and labelled ticks.
pub(in crate::cli) struct Axis {
    pub(in crate::cli) from: f64,
    pub(in crate::cli) to: f64,
    pub(in crate::cli) log: bool,
    pub(in crate::cli) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Where a value lies, 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let scale = |v: f64| if self.log { v.max(f64::MIN_POSITIVE).log10() } else { v };
        let (from, to) = (scale(self.from), scale(self.to));
        if to > from { ((scale(value) - from) / (to - from)).clamp(0.0, 1.0) } else { 0.5 }
    }

    /// In the units of the drawing.
    fn px(&self, value: f64) -> f64 {
        LEFT + self.place(value) * PLOT_WIDTH
    }
}

/// How the series are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Shape {
    /// From point to point.
    Curves,
    /// On top of each other, each column as wide as the distance to the next x of `columns`.
    Columns,
}

/// Series over a common axis; y starts at 0.
pub(in crate::cli) struct Chart<'a> {
    pub(in crate::cli) label: &'a str,
    pub(in crate::cli) shape: Shape,
    pub(in crate::cli) x: Axis,
    /// Left edges of the columns and the right edge of the last; empty for curves.
    pub(in crate::cli) columns: Vec<f64>,
    pub(in crate::cli) y_max: f64,
    pub(in crate::cli) y_text: fn(f64) -> String,
    pub(in crate::cli) x_text: &'a dyn Fn(f64) -> String,
    pub(in crate::cli) series: Vec<Series>,
}

impl Chart<'_> {
    /// The chart as an `svg` element.
    pub(in crate::cli) fn svg(&self) -> String {
        let y_step = nice_step(self.y_max / 5.0);
        let y_top = (self.y_max / y_step - 1e-9).ceil().max(1.0) * y_step;
        let py = |y: f64| TOP + PLOT_HEIGHT - (y / y_top).clamp(0.0, 1.0) * PLOT_HEIGHT;
        let mut svg = String::new();
        // Writing to a string cannot fail, here and below.
        let _ = write!(
            svg,
            r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}" data-tips="{}">"#,
            escaped(self.label),
            escaped(&self.tips()),
        );
        for step in 0..=(y_top / y_step).round() as u32 {
            let y = f64::from(step) * y_step;
            let (at, text) = (py(y), escaped(&(self.y_text)(y)));
            let (class, right) = (if step == 0 { "base" } else { "grid" }, WIDTH - RIGHT);
            let _ = write!(svg, r#"<line class="{class}" x1="{LEFT}" x2="{right}" y1="{at:.1}" y2="{at:.1}"/>"#);
            let (x, y) = (LEFT - 8.0, at + 4.0);
            let _ = write!(svg, r#"<text class="tick" x="{x}" y="{y:.1}" text-anchor="end">{text}</text>"#);
        }
        for (x, text) in &self.x.ticks {
            let (at, bottom, text) = (self.x.px(*x), HEIGHT - BOTTOM, escaped(text));
            let _ = write!(svg, r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{bottom}"/>"#);
            let y = bottom + 18.0;
            let _ = write!(svg, r#"<text class="tick" x="{at:.1}" y="{y}" text-anchor="middle">{text}</text>"#);
        }
        match self.shape {
            Shape::Curves => self.series.iter().for_each(|series| self.curve(&mut svg, series, &py)),
            Shape::Columns => self.stacks(&mut svg, &py),
        }
        let bottom = HEIGHT - BOTTOM;
        let _ = write!(svg, r#"<line class="cross" y1="{TOP}" y2="{bottom}" hidden="hidden"/></svg>"#);
        svg
    }

    fn curve(&self, svg: &mut String, series: &Series, py: &dyn Fn(f64) -> f64) {
        let mut path = String::new();
        for (index, &(x, y)) in series.points.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", self.x.px(x), py(y));
        }
        let _ = write!(svg, r#"<path class="line {}" d="{path}"/>"#, series.class);
    }

    /// One path per series: all its columns.
    fn stacks(&self, svg: &mut String, py: &dyn Fn(f64) -> f64) {
        let mut levels = vec![0.0; self.columns.len()];
        for series in &self.series {
            let mut path = String::new();
            for &(x, y) in &series.points {
                let column = self.columns.partition_point(|edge| *edge < x * 0.999_999);
                let (Some(level), Some(edge)) = (levels.get_mut(column), self.columns.get(column + 1)) else {
                    continue;
                };
                let (left, right) = (self.x.px(x) + 0.5, self.x.px(*edge) - 0.5);
                let (bottom, top) = (py(*level), py(*level + y));
                *level += y;
                let _ = write!(path, "M{left:.1} {bottom:.1}V{top:.1}H{right:.1}V{bottom:.1}Z");
            }
            let _ = write!(svg, r#"<path class="fill {}" d="{path}"/>"#, series.class);
        }
    }

    /// For each x of any series, the text shown when the pointer is near: `[[x, "text"], ...]`.
    fn tips(&self) -> String {
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
                    let value = match (at, self.shape) {
                        (0, _) => 0.0,
                        (at, Shape::Columns) if series.points[at - 1].0 < x => 0.0,
                        (at, _) => series.points[at - 1].1,
                    };
                    let _ = write!(text, "\n{}: {}", series.name, (self.y_text)(value));
                }
                serde_json::json!([(self.x.px(x) * 10.0).round() / 10.0, text])
            })
            .collect();
        serde_json::Value::Array(tips).to_string()
    }
}

/// 1, 2, 2.5 or 5 times a power of ten, not below `at_least`.
fn nice_step(at_least: f64) -> f64 {
    if at_least.is_nan() || at_least <= 0.0 {
        return 1.0;
    }
    let decade = 10f64.powf(at_least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
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
        let steps = [0.0, 0.3, 1.0, 1.1, 25.0, 51.0].map(|at_least| nice_step(at_least).to_string());
        assert_eq!(steps, ["1", "0.5", "1", "2", "25", "100"]);
    }

    #[test]
    fn log_axes_place_decades_evenly() {
        let axis = Axis { from: 1.0, to: 100.0, log: true, ticks: Vec::new() };
        assert!((axis.place(10.0) - 0.5).abs() < 1e-9);
        assert_eq!(axis.place(0.0).to_bits(), 0f64.to_bits());
    }
}
