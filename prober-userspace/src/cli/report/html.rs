//! The report as one page without outside parts: style, charts and a little script are inside.

mod tables;

use std::fmt::Write;

use super::Picture;
use super::causes::CauseTimeline;
use super::chart::{Axis, Bar, Chart, Series, Shape, bars, confusion};
use super::figures::{BINS_PER_DECADE, Bin, Report};
use super::models::ModelFigures;
use super::networks::TypeRtt;
use crate::cli::figure::{duration, grouped, millis, percent, rate, scaled};
use crate::model::text::escaped;
use crate::network::evaluation::Evaluation;
use tables::{accounting, icmp_table, metadata, rtt_table};

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let mut body = String::new();
    header(&mut body, report);
    tiles(&mut body, report);
    body.push_str(r#"<div class="grid">"#);
    body.push_str(&card(
        "Round-trip time",
        "Replies per bin, kinds on top of each other; 20 bins per factor of ten",
        &histogram(report),
        "",
    ));
    body.push_str(&card(
        "Round-trip time, cumulative",
        "Share of each kind's replies that came at least as fast",
        &cumulative(report),
        "",
    ));
    body.push_str(&card("Probes sent", "Per second", &over_time(report, "sent"), ""));
    body.push_str(&card("Replies", "Per second, without duplicates", &over_time(report, "replies"), ""));
    body.push_str(&card("Round-trip time by kind, ms", "Exact percentiles", &rtt_table(report), "wide"));
    body.push_str(&card("Open ports", "Addresses with the port open", &port_bars(report), ""));
    body.push_str(&card("Accounting", "Where every reply went that the kernel accepted", &accounting(report), ""));
    body.push_str(&card("ICMP errors", "Quoting our probes", &icmp_table(report), ""));
    for picture in pictures(report) {
        body.push_str(&card(&picture.title, &picture.note, &picture.content, picture.class));
    }
    body.push_str(&card("Scan", "As it was asked for", &metadata(report), ""));
    body.push_str(&left_out(report));
    body.push_str("</div>");
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>prober · scan {}</title><style>\n{}</style></head><body><main>\n{body}\
         <footer>prober {} · times are UTC</footer></main><div id=\"tip\" hidden></div><script>\n{}</script></body></html>\n",
        report.scan.id,
        include_str!("page.css"),
        escaped(&report.scan.program_version),
        include_str!("page.js"),
    )
}

/// A page of one confusion table.
pub(in crate::cli) fn confusion_page(title: &str, evaluation: &Evaluation) -> String {
    let note = format!(
        "{} terminals: {:.1} % right, {:.1} % unknown, calibration error {:.3}",
        evaluation.terminals,
        100.0 * evaluation.accuracy,
        100.0 * evaluation.unknown,
        evaluation.calibration_error
    );
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>\n{}</style></head><body><main>\n{}</main></body></html>\n",
        include_str!("page.css"),
        card(title, &note, &confusion(evaluation), ""),
    )
}

fn header(body: &mut String, report: &Report) {
    let scan = &report.scan;
    // Writing to a string cannot fail, here and below.
    let _ = write!(
        body,
        r#"<header><h1>Scan {}</h1><span class="chip {status}">{status}</span><p>{} · {} · by {} on {} · {} {}, ports {}</p></header>"#,
        scan.id,
        escaped(scan.started_at.to_string().replace('T', " ").split('.').next().unwrap_or_default()),
        duration(scan.seconds),
        escaped(&scan.operator),
        escaped(&scan.host),
        grouped(scan.targets),
        if scan.session.is_some() { "addresses" } else { "targets" },
        escaped(&shortened(&scan.ports, 80)),
        status = escaped(&scan.status),
    );
    if let Some(error) = &scan.error {
        let _ = write!(body, r#"<p class="bad">{}</p>"#, escaped(error));
    }
}

fn tiles(body: &mut String, report: &Report) {
    let stored = report.accounting.stored;
    let lost = report.accounting.lost;
    let tiles = [
        (
            "Probes sent",
            grouped(report.sent),
            match &report.scan.session {
                Some(purpose) => format!("by the {}", escaped(purpose)),
                None => format!("{} of the plan", percent(report.sent, report.scan.probes_planned)),
            },
        ),
        ("Mean rate", rate(report.sent_pps), format!("asked for {}", rate(report.scan.rate_pps))),
        ("Replies", grouped(stored), format!("{} of probes", percent(stored, report.sent))),
        ("Hosts", grouped(report.hosts), "answered themselves".to_owned()),
        ("Open ports", grouped(report.open), "address and port pairs".to_owned()),
        ("Replies lost", grouped(lost), percent(lost, report.accounting.accepted) + " of accepted"),
    ];
    body.push_str(r#"<section class="tiles">"#);
    for (label, value, note) in tiles {
        let _ = write!(
            body,
            r#"<div class="card tile"><div class="label">{label}</div><div class="value">{value}</div><div class="label">{note}</div></div>"#
        );
    }
    body.push_str("</section>");
}

/// What was estimated, as far as it was.
fn pictures(report: &Report) -> Vec<Picture> {
    let mut pictures = report.met.pictures();
    pictures.extend(TypeRtt::picture(&report.networks));
    pictures.extend(report.models.iter().map(ModelFigures::picture));
    pictures.extend(report.causes.iter().map(CauseTimeline::picture));
    pictures.extend(report.congestion.pictures());
    pictures
}

/// How to get the pictures that are not there.
fn left_out(report: &Report) -> String {
    let scan = report.scan.id;
    let estimate = |what: &str| format!("prober {what} estimate --scan {scan}");
    let mut missing = Vec::new();
    if report.networks.is_empty() {
        missing.push(format!("Round-trip times by access network: none is estimated ({}).", estimate("network")));
    }
    if report.causes.is_empty() {
        let how = format!("prober study, then {}", estimate("cause"));
        missing.push(format!("Terminals over time: no cause is estimated of a terminal under study ({how})."));
    }
    if report.congestion.is_empty() {
        missing.push("Congestion by time of day: nothing is learnt yet (prober plan update).".to_owned());
    }
    if missing.is_empty() { String::new() } else { card("Not drawn", "", &nothing(&missing.join(" ")), "") }
}

fn card(title: &str, note: &str, content: &str, class: &str) -> String {
    format!(r#"<section class="card {class}"><h2>{title}</h2><p class="note">{note}</p>{content}</section>"#)
}

fn nothing(what: &str) -> String {
    format!(r#"<p class="note">{what}</p>"#)
}

fn legend(series: &[Series]) -> String {
    let mut list = r#"<ul class="legend">"#.to_owned();
    for one in series {
        let _ = write!(list, r#"<li class="{}">{}</li>"#, one.class, escaped(&one.name));
    }
    list + "</ul>"
}

/// The bins of each kind, kinds in the order of their replies.
fn bins_by_kind(report: &Report) -> Vec<(String, u64, Vec<&Bin>)> {
    report
        .kinds
        .iter()
        .map(|kind| {
            let bins = report.rtt_histogram.iter().filter(|bin| bin.kind == kind.kind).collect();
            (kind.kind.clone(), kind.replies.max(1), bins)
        })
        .collect()
}

fn bin_ms(bin: i32) -> f64 {
    10f64.powf(f64::from(bin) / f64::from(BINS_PER_DECADE)) / 1000.0
}

/// A logarithmic axis in ms over the bins that are used, whole decades at both ends when they are near.
fn rtt_axis(report: &Report) -> Axis {
    let bins = || report.rtt_histogram.iter().map(|bin| bin.bin);
    let (first, last) = (bins().min().unwrap_or(0), bins().max().unwrap_or(20));
    let (from, to) = (bin_ms(first - 1), bin_ms(last + 2));
    let ticks = [
        (0.001, "1 µs"),
        (0.01, "10 µs"),
        (0.1, "0.1 ms"),
        (1.0, "1 ms"),
        (10.0, "10 ms"),
        (100.0, "100 ms"),
        (1e3, "1 s"),
        (1e4, "10 s"),
    ];
    let ticks: Vec<(f64, String)> =
        ticks.into_iter().filter(|(at, _)| (from..=to).contains(at)).map(|(at, text)| (at, text.to_owned())).collect();
    let ends = || vec![(from, format!("{} ms", millis(from))), (to, format!("{} ms", millis(to)))];
    Axis { from, to, log: true, ticks: if ticks.len() < 2 { ends() } else { ticks } }
}

fn share_text(share: f64) -> String {
    match share {
        share if share >= 10.0 || share.fract() == 0.0 => format!("{share:.0} %"),
        share => format!("{share:.1} %"),
    }
}

fn histogram(report: &Report) -> String {
    let series: Vec<Series> = bins_by_kind(report)
        .into_iter()
        .map(|(kind, _, bins)| {
            let points = bins.into_iter().map(|bin| (bin.from_ms, bin.replies as f64)).collect();
            Series { name: kind.clone(), class: kind, points }
        })
        .collect();
    let bins = || report.rtt_histogram.iter().map(|bin| bin.bin);
    let (Some(first), Some(last)) = (bins().min(), bins().max()) else {
        return nothing("No replies.");
    };
    let total = |column: i32| -> u64 {
        report.rtt_histogram.iter().filter(|bin| bin.bin == column).map(|bin| bin.replies).sum()
    };
    let legend = legend(&series);
    let chart = Chart {
        label: "RTT histogram",
        shape: Shape::Columns,
        x: rtt_axis(report),
        columns: (first..=last + 1).map(bin_ms).collect(),
        y_max: (first..=last).map(total).max().unwrap_or(1) as f64,
        y_text: count_text,
        x_text: &|x: f64| format!("from {} ms", millis(x)),
        series,
    };
    legend + &chart.svg()
}

fn count_text(value: f64) -> String {
    scaled(value).trim_end().to_owned()
}

fn cumulative(report: &Report) -> String {
    let series: Vec<Series> = bins_by_kind(report)
        .into_iter()
        .map(|(kind, replies, bins)| {
            let mut sum = 0;
            let mut points: Vec<(f64, f64)> = bins.first().map(|bin| (bin.from_ms, 0.0)).into_iter().collect();
            for bin in bins {
                points.push((bin.from_ms, sum as f64 / replies as f64 * 100.0));
                sum += bin.replies;
                points.push((bin_ms(bin.bin + 1), sum as f64 / replies as f64 * 100.0));
            }
            points.dedup();
            Series { name: kind.clone(), class: kind, points }
        })
        .collect();
    if series.is_empty() {
        return nothing("No replies.");
    }
    let legend = legend(&series);
    let chart = Chart {
        label: "RTT distribution",
        shape: Shape::Curves,
        x: rtt_axis(report),
        columns: Vec::new(),
        y_max: 100.0,
        y_text: share_text,
        x_text: &|x: f64| format!("within {} ms", millis(x)),
        series,
    };
    legend + &chart.svg()
}

/// Probes or replies per second against the time since the start.
fn over_time(report: &Report, what: &str) -> String {
    let start_us = report.scan.started_at.0;
    let since = |at: crate::model::utc::UtcMicros| (at.0 - start_us) as f64 / 1e6;
    let curve = |name: &str, class: &str, value: &dyn Fn(&super::figures::Rate) -> f64| Series {
        name: name.to_owned(),
        class: class.to_owned(),
        points: report.rate.iter().map(|rate| (since(rate.at), value(rate))).collect(),
    };
    let mut series = match what {
        "sent" => vec![curve("sent", "sent", &|rate| rate.sent_pps)],
        _ => vec![curve("replies", "replies", &|rate| rate.replies_per_second)],
    };
    if what != "sent" && report.rate.iter().any(|rate| rate.lost_per_second > 0.0) {
        series.push(curve("lost", "lost", &|rate| rate.lost_per_second));
    }
    let (Some(first), Some(last)) = (report.rate.first(), report.rate.last()) else {
        return nothing("Not recorded.");
    };
    let (from, to) = (since(first.at).min(0.0), since(last.at).max(1.0));
    let step = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0, 86_400.0]
        .into_iter()
        .find(|step| (to - from) / step <= 8.0)
        .unwrap_or(604_800.0);
    let ticks = (0..=8)
        .map(|tick| f64::from(tick) * step)
        .filter(|at| *at <= to)
        .map(|at| (at, if at == 0.0 { "0".to_owned() } else { elapsed(at) }))
        .collect();
    let y_max = series.iter().flat_map(|one| &one.points).map(|point| point.1).fold(1.0, f64::max);
    let legend = if series.len() > 1 { legend(&series) } else { String::new() };
    let chart = Chart {
        label: what,
        shape: Shape::Curves,
        x: Axis { from, to, log: false, ticks },
        columns: Vec::new(),
        y_max,
        y_text: count_text,
        x_text: &|x: f64| format!("after {}", duration(x)),
        series,
    };
    legend + &chart.svg()
}

/// A time on the axis: `30 s`, `5 min`, `2 h`.
fn elapsed(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.0} s"),
        s if s < 3_600.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3_600.0),
    }
}

fn port_bars(report: &Report) -> String {
    if report.ports.is_empty() {
        return nothing("None.");
    }
    let items: Vec<Bar> = report
        .ports
        .iter()
        .take(15)
        .map(|port| {
            let prefix = if port.probe == "udp" { "udp " } else { "" };
            Bar {
                label: format!("{prefix}{}", port.port),
                value: port.addresses as f64,
                text: format!("{} ({})", grouped(port.addresses), percent(port.addresses, report.hosts)),
                tip: format!(
                    "port {}: {} addresses, median RTT {} ms",
                    port.port,
                    grouped(port.addresses),
                    millis(port.rtt_median_ms)
                ),
            }
        })
        .collect();
    bars("Open ports", &items)
}

pub(super) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}
