//! The tables of the page: percentiles, the accounting, ICMP errors, and what the scan was asked for.

use std::fmt::Write;

use super::{nothing, shortened};
use crate::cli::figure::{grouped, millis, percent};
use crate::cli::report::figures::Report;
use crate::cli::report::text::percentiles;
use crate::model::text::escaped;

/// A table; heads that end in `>` and their columns are aligned right.
pub(super) fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let class = |column: usize| match heads.get(column) {
        Some(head) if head.ends_with('>') => " class=\"num\"",
        Some(_) if column > 0 => " class=\"text\"",
        _ => "",
    };
    let mut html = "<table><thead><tr>".to_owned();
    for (column, head) in heads.iter().enumerate() {
        let _ = write!(html, "<th{}>{}</th>", class(column), escaped(head.trim_end_matches('>')));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let _ = write!(html, "<td{}>{}</td>", class(column), escaped(cell));
        }
        html.push_str("</tr>");
    }
    html + "</tbody></table>"
}

pub(super) fn rtt_table(report: &Report) -> String {
    if report.kinds.is_empty() {
        return nothing("No replies.");
    }
    let heads = [
        "kind", "replies>", "of sent>", "min>", "p1>", "p5>", "p25>", "p50>", "p75>", "p95>", "p99>", "p99.9>", "max>",
    ];
    table(
        &heads,
        report.kinds.iter().map(|kind| {
            let counts = [kind.kind.clone(), grouped(kind.replies), percent(kind.replies, report.sent)];
            counts.into_iter().chain(percentiles(&kind.rtt_ms).map(millis)).collect()
        }),
    )
}

pub(super) fn accounting(report: &Report) -> String {
    let account = &report.accounting;
    let (class, verdict) = match (account.balanced, report.scan.status.as_str()) {
        (true, _) => ("good", "balanced"),
        (false, "running") => ("warn", "replies under way, or killed"),
        (false, _) => ("bad", "not balanced"),
    };
    let equation = format!(
        r#"<p class="equation">accepted <b>{}</b> = stored <b>{}</b> + duplicates <b>{}</b> + lost <b>{}</b> · <span class="{class}">{verdict}</span></p>"#,
        grouped(account.accepted),
        grouped(account.stored),
        grouped(account.duplicates),
        grouped(account.lost),
    );
    let rows = report
        .counters
        .iter()
        .filter(|counter| counter.value > 0 || counter.role == "loss")
        .map(|counter| vec![counter.name.clone(), grouped(counter.value), counter.meaning.clone()]);
    equation + &table(&["counter", "events>", "meaning"], rows)
}

pub(super) fn icmp_table(report: &Report) -> String {
    if report.icmp_errors.is_empty() {
        return nothing("None.");
    }
    let rows = report.icmp_errors.iter().map(|error| {
        let [replies, addresses, responders] = [error.replies, error.addresses, error.responders].map(grouped);
        vec![error.name.clone(), format!("{}/{}", error.r#type, error.code), replies, addresses, responders]
    });
    table(&["error", "type/code>", "replies>", "addresses>", "responders>"], rows)
}

pub(super) fn metadata(report: &Report) -> String {
    let scan = &report.scan;
    let source = scan.source_address.as_deref().unwrap_or("-");
    let ended = scan.ended_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let rows = [
        ("command", shortened(&scan.command, 400)),
        ("ports", shortened(&scan.ports, 400)),
        ("started", scan.started_at.to_string()),
        ("ended", ended),
        ("engine", format!("{} on {} from {source}", scan.engine, scan.interface)),
        (
            "planned",
            format!("{} probes, shard {} of {}", grouped(scan.probes_planned), scan.shard_index + 1, scan.shard_count),
        ),
        ("seed", scan.seed.to_string()),
        ("plan", scan.plan_fingerprint.clone()),
        ("resumed", scan.resumed.to_string()),
    ];
    table(&["setting", "value"], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]))
}
