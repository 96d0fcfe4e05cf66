//! The grid over th and a as charts, like figures 3 to 5 of the method's paper (seed 001): how many banners get an estimate,
//! false positives, false negatives; one curve for each th over a. As one page without outside parts, or as SVG files.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use super::super::report::chart::{Axis, Chart, Series, Shape};
use super::evaluate::Cell;
use crate::model::text::escaped;

/// Colours of the curves, in light and in dark.
pub(in crate::cli) const COLOURS: [(&str, &str); 5] = [
    ("#2569c9", "#5f9df2"),
    ("#12906a", "#3cc398"),
    ("#d9661f", "#f0904f"),
    ("#7d4fc4", "#ad86f0"),
    ("#c03a55", "#f0708a"),
];

/// What a chart shows of a cell, 0 to 1.
type Value = fn(&Cell) -> f64;

/// A chart's name, file and what it shows.
const FIGURES: [(&str, &str, Value); 3] = [
    ("Labelled banners with an estimate", "estimated", |cell| cell.estimated),
    ("False positives: negatives with an estimate", "false-positives", |cell| cell.false_positive_share),
    ("False negatives: labelled banners without an estimate, or with another device's", "false-negatives", |cell| {
        cell.false_negative_share
    }),
];

/// Writes a page if the name ends in .html, else a folder with a page and a file for each chart.
pub(super) fn write(path: &Path, grid: &[Cell]) -> anyhow::Result<()> {
    let put =
        |path: &Path, text: &str| std::fs::write(path, text).with_context(|| format!("writing {}", path.display()));
    if path.extension().is_some_and(|extension| extension == "html") {
        return put(path, &page(grid));
    }
    std::fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
    put(&path.join("index.html"), &page(grid))?;
    for (title, name, value) in FIGURES {
        put(&path.join(format!("{name}.svg")), &alone(&svg(title, grid, value)))?;
    }
    Ok(())
}

fn thresholds(grid: &[Cell]) -> Vec<f64> {
    let mut thresholds: Vec<f64> = grid.iter().map(|cell| cell.threshold).collect();
    thresholds.dedup();
    thresholds
}

fn svg(title: &str, grid: &[Cell], value: Value) -> String {
    let series = thresholds(grid).into_iter().enumerate().map(|(number, threshold)| {
        let cells = grid.iter().filter(|cell| cell.threshold.to_bits() == threshold.to_bits());
        Series {
            name: format!("th {threshold:.1}"),
            class: format!("th{}", number % COLOURS.len()),
            points: cells.map(|cell| (cell.banner_share, 100.0 * value(cell))).collect(),
        }
    });
    let series: Vec<Series> = series.collect();
    let highest = series.iter().flat_map(|series| &series.points).fold(0.0, |most: f64, point| most.max(point.1));
    let ticks = (0..=5).map(|tick| (f64::from(tick) / 5.0, format!("{:.1}", f64::from(tick) / 5.0)));
    Chart {
        label: title,
        shape: Shape::Curves,
        x: Axis { from: 0.0, to: 1.0, log: false, ticks: ticks.collect() },
        columns: Vec::new(),
        y_max: highest.max(1.0),
        y_text: |y| format!("{y:.0} %"),
        x_text: &|x| format!("a = {x:.1}"),
        series,
    }
    .svg()
}

/// Rules of the charts and of the classes `th0` and on, which have the colours.
pub(in crate::cli) fn style() -> String {
    let rules = |dark: bool| {
        COLOURS.iter().enumerate().fold(String::new(), |mut rules, (number, colours)| {
            let colour = if dark { colours.1 } else { colours.0 };
            let _ = write!(rules, ".th{number}{{--series:{colour}}}");
            rules
        })
    };
    format!(
        ":root{{color-scheme:light dark;--ink:#16191d;--soft:#5b636e;--grid:#e3e6ea;--page:#fff}}{}\
         @media(prefers-color-scheme:dark){{:root{{--ink:#e8ebee;--soft:#98a2ae;--grid:#2a3037;--page:#0f1215}}{}}}\
         .tick{{font:12px system-ui,sans-serif;fill:var(--soft)}}line.grid,line.base{{stroke:var(--grid)}}\
         .line{{fill:none;stroke:var(--series);stroke-width:2;stroke-linejoin:round}}.cross{{display:none}}",
        rules(false),
        rules(true)
    )
}

/// A chart as a file of its own.
pub(in crate::cli) fn alone(svg: &str) -> String {
    let svg = svg.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    match svg.find('>') {
        Some(end) => format!("{}<style>{}</style>{}\n", &svg[..=end], style(), &svg[end + 1..]),
        None => svg,
    }
}

fn page(grid: &[Cell]) -> String {
    let thresholds = thresholds(grid);
    let legend = thresholds.iter().enumerate().fold(String::new(), |mut legend, (number, threshold)| {
        let _ = write!(legend, "<li class=\"th{}\">th {threshold:.1}</li>", number % COLOURS.len());
        legend
    });
    let mut page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>prober · device estimation over th and a</title><style>{}body{{margin:0 auto;\
         max-width:760px;padding:24px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}}\
         h2{{font-size:16px;margin:28px 0 4px}}svg{{width:100%;height:auto}}ul{{display:flex;gap:18px;list-style:none;padding:0}}\
         li::before{{content:'';display:inline-block;width:16px;height:3px;margin-right:6px;vertical-align:4px;\
         background:var(--series)}}table{{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%}}\
         th,td{{text-align:right;padding:3px 8px;border-bottom:1px solid var(--grid);font-weight:400}}\
         th{{color:var(--soft)}}</style></head><body><h1>Device estimation over th and a</h1><p>Horizontal: a, the share of \
         the banners in the score; the rest is the ports'. One curve for each threshold th.</p><ul>{legend}</ul>",
        style()
    );
    for (title, _, value) in FIGURES {
        let _ = write!(page, "<h2>{}</h2>{}{}", escaped(title), svg(title, grid, value), table(grid, value));
    }
    page + "</body></html>\n"
}

fn table(grid: &[Cell], value: Value) -> String {
    let mut text = "<table><tr><th>th \\ a</th>".to_owned();
    let thresholds = thresholds(grid);
    let row = |threshold: f64| grid.iter().filter(move |cell| cell.threshold.to_bits() == threshold.to_bits());
    for cell in thresholds.first().into_iter().flat_map(|threshold| row(*threshold)) {
        let _ = write!(text, "<th>{:.1}</th>", cell.banner_share);
    }
    text.push_str("</tr>");
    for threshold in &thresholds {
        let _ = write!(text, "<tr><th>{threshold:.1}</th>");
        for cell in row(*threshold) {
            let _ = write!(text, "<td>{:.1} %</td>", 100.0 * value(cell));
        }
        text.push_str("</tr>");
    }
    text + "</table>"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Vec<Cell> {
        let cell = |threshold: f64, banner_share: f64| Cell::example(threshold, banner_share);
        [0.5, 0.8].into_iter().flat_map(|threshold| [0.0, 0.5, 1.0].map(|a| cell(threshold, a))).collect()
    }

    #[test]
    fn a_curve_for_each_threshold() {
        let svg = svg("x", &grid(), |cell| cell.estimated);
        assert_eq!(svg.matches("class=\"line th").count(), 2);
        assert_eq!(table(&grid(), |cell| cell.estimated).matches("<td>").count(), 6);
    }

    #[test]
    fn a_page_or_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a.html"), &grid()).unwrap();
        write(&folder.path().join("plots"), &grid()).unwrap();
        let page = std::fs::read_to_string(folder.path().join("a.html")).unwrap();
        assert_eq!(page, std::fs::read_to_string(folder.path().join("plots/index.html")).unwrap());
        assert_eq!(page.matches("<svg ").count(), 3);
        let chart = std::fs::read_to_string(folder.path().join("plots/false-negatives.svg")).unwrap();
        assert!(chart.starts_with("<svg xmlns=") && chart.contains("<style>"), "{chart}");
    }
}
