//! The schemes day by day as charts: probes against the standard scheme's, and what of its finds they have found. One curve
//! for each scheme and country.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use crate::cli::device::plot::{COLOURS, alone, style};
use crate::cli::report::chart::{Axis, Chart, Series, Shape};
use crate::model::text::escaped;
use crate::simulate::trial::Trial;
use crate::simulate::watch::WatchDay;

/// A chart's title, file, and what it shows of a day, in percent.
type Figure = (&'static str, &'static str, fn(&WatchDay) -> f64);

const FIGURES: [Figure; 2] = [
    ("Probes of a day, in % of the standard scheme's", "traffic", |day| 100.0 * day.traffic_ratio),
    ("Open ports found so far, in % of what the standard scheme has found", "detection", |day| {
        100.0 * day.ports_detected
    }),
];

/// Writes a page if the name ends in .html, else a folder with a page and a file for each chart.
pub(super) fn write(path: &Path, trials: &[Trial]) -> anyhow::Result<()> {
    let put =
        |path: &Path, text: &str| std::fs::write(path, text).with_context(|| format!("writing {}", path.display()));
    if path.extension().is_some_and(|extension| extension == "html") {
        return put(path, &page(trials));
    }
    std::fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
    put(&path.join("index.html"), &page(trials))?;
    for figure in FIGURES {
        put(&path.join(format!("{}.svg", figure.1)), &alone(&svg(figure, trials)))?;
    }
    Ok(())
}

/// Each scheme of each country, with its name.
fn curves(trials: &[Trial]) -> impl Iterator<Item = (String, &[WatchDay])> {
    trials.iter().flat_map(|trial| {
        trial.policies.iter().map(move |(policy, outcome)| {
            let name = format!("{policy:?}").to_lowercase();
            (
                format!("{name}, seed {}, churn {}, tail {}", trial.seed, trial.churn, trial.tail),
                outcome.days.as_slice(),
            )
        })
    })
}

fn svg((title, _, value): Figure, trials: &[Trial]) -> String {
    let series: Vec<Series> = curves(trials)
        .enumerate()
        .map(|(number, (name, days))| Series {
            name,
            class: format!("th{}", number % COLOURS.len()),
            points: days.iter().enumerate().map(|(day, of)| (day as f64 + 1.0, value(of))).collect(),
        })
        .collect();
    let length = curves(trials).map(|(_, days)| days.len()).max().unwrap_or(1);
    let highest = series.iter().flat_map(|series| &series.points).fold(0.0, |most: f64, point| most.max(point.1));
    let step = (length / 7).max(1);
    Chart {
        label: title,
        shape: Shape::Curves,
        x: Axis {
            from: 1.0,
            to: length as f64,
            log: false,
            ticks: (1..=length).step_by(step).map(|day| (day as f64, day.to_string())).collect(),
        },
        columns: Vec::new(),
        y_max: highest.max(1.0),
        y_text: |y| format!("{y:.0} %"),
        x_text: &|x| format!("day {x:.0}"),
        series,
    }
    .svg()
}

fn page(trials: &[Trial]) -> String {
    let legend = curves(trials).enumerate().fold(String::new(), |mut legend, (number, (name, _))| {
        let _ = write!(legend, "<li class=\"th{}\">{}</li>", number % COLOURS.len(), escaped(&name));
        legend
    });
    let mut page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>prober · schemes of watching</title><style>{}body{{margin:0 auto;\
         max-width:760px;padding:24px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}}\
         h2{{font-size:16px;margin:28px 0 4px}}svg{{width:100%;height:auto}}ul{{list-style:none;padding:0}}\
         li::before{{content:'';display:inline-block;width:16px;height:3px;margin-right:6px;vertical-align:4px;\
         background:var(--series)}}</style></head><body><h1>Schemes of watching, day by day</h1><p>Simulated countries; \
         the standard scheme probes every port of its set every 12 hours.</p><ul>{legend}</ul>",
        style()
    );
    for figure in FIGURES {
        let _ = write!(page, "<h2>{}</h2>{}", escaped(figure.0), svg(figure, trials));
    }
    page + "</body></html>\n"
}
