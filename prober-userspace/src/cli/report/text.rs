//! The report as text for a terminal.

use std::fmt::Write;

use super::figures::{Percentiles, Report};
use super::html::shortened;
use crate::cli::figure::{duration, grouped, millis, percent, rate};
use crate::cli::table::Table;

/// Longer lists of ports are cut.
const LONGEST_PORTS: usize = 80;

/// The whole report.
pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    heading(&mut text, report);
    kinds(&mut text, report);
    rtt(&mut text, report);
    ports(&mut text, report);
    icmp_errors(&mut text, report);
    for (title, table) in report.met.tables() {
        section(&mut text, title);
        text.push_str(&table.render());
    }
    accounting(&mut text, report);
    text
}

fn heading(text: &mut String, report: &Report) {
    let scan = &report.scan;
    let mut line = |label: &str, value: String| {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "  {label:<10} {value}");
    };
    line("scan", format!("{} · {}", scan.id, scan.status));
    line("started", format!("{} by {} on {}", scan.started_at, scan.operator, scan.host));
    let resumed = if scan.resumed > 0 { format!(", resumed {} x", scan.resumed) } else { String::new() };
    line("took", format!("{}{resumed}", duration(scan.seconds)));
    let part = match scan.shard_count {
        1 => String::new(),
        count => format!(", shard {}/{count}", scan.shard_index),
    };
    let ports = shortened(&scan.ports, LONGEST_PORTS);
    match &scan.session {
        Some(purpose) => line(purpose, format!("{} addresses; to begin with, ports {ports}", grouped(scan.targets))),
        None => line("plan", format!("{} targets (address and port), ports {ports}{part}", grouped(scan.targets))),
    }
    let source = scan.source_address.as_ref().map(|address| format!(" from {address}")).unwrap_or_default();
    line("way", format!("{} on {}{source}, prober {}", scan.engine, scan.interface, scan.program_version));
    line("sent", sent(report));
    line("rate", format!("{} (asked for {})", rate(report.sent_pps), rate(scan.rate_pps)));
    line("found", format!("{} hosts, {} open ports", grouped(report.hosts), grouped(report.open)));
    if let Some(error) = &scan.error {
        line("failed", error.clone());
    }
}

/// A session plans as it goes.
fn sent(report: &Report) -> String {
    let (sent, planned) = (report.sent, report.scan.probes_planned);
    if report.scan.session.is_some() {
        return format!("{} probes", grouped(sent));
    }
    format!("{} of {} probes ({})", grouped(sent), grouped(planned), percent(sent, planned))
}

fn kinds(text: &mut String, report: &Report) {
    section(text, "Replies");
    if report.kinds.is_empty() {
        text.push_str("  none\n");
        return;
    }
    let mut table = Table::of(&["kind", "replies>", "of sent>"]).indented(2);
    for kind in &report.kinds {
        table.row([kind.kind.clone(), grouped(kind.replies), percent(kind.replies, report.sent)]);
    }
    let stored = report.accounting.stored;
    table.row(["all".to_owned(), grouped(stored), percent(stored, report.sent)]);
    text.push_str(&table.render());
}

fn rtt(text: &mut String, report: &Report) {
    if report.kinds.is_empty() {
        return;
    }
    section(text, "Round-trip time, ms");
    let heads = ["kind", "min>", "p1>", "p5>", "p25>", "p50>", "p75>", "p95>", "p99>", "p99.9>", "max>"];
    let mut table = Table::of(&heads).indented(2);
    for kind in &report.kinds {
        table.row(std::iter::once(kind.kind.clone()).chain(percentiles(&kind.rtt_ms).map(millis)));
    }
    text.push_str(&table.render());
}

/// In the order of the columns.
pub(super) fn percentiles(rtt: &Percentiles) -> [f64; 10] {
    [rtt.min, rtt.p1, rtt.p5, rtt.p25, rtt.p50, rtt.p75, rtt.p95, rtt.p99, rtt.p99_9, rtt.max]
}

fn ports(text: &mut String, report: &Report) {
    if report.ports.is_empty() {
        return;
    }
    section(text, "Open ports");
    let mut table = Table::of(&["port>", "probe", "addresses>", "of hosts>", "RTT p50 ms>"]).indented(2);
    for port in &report.ports {
        let share = percent(port.addresses, report.hosts);
        table.row([
            port.port.to_string(),
            port.probe.clone(),
            grouped(port.addresses),
            share,
            millis(port.rtt_median_ms),
        ]);
    }
    text.push_str(&table.render());
}

fn icmp_errors(text: &mut String, report: &Report) {
    if report.icmp_errors.is_empty() {
        return;
    }
    section(text, "ICMP errors");
    let mut table = Table::of(&["error", "type>", "code>", "replies>", "addresses>", "responders>"]).indented(2);
    for error in &report.icmp_errors {
        table.row([
            error.name.clone(),
            error.r#type.to_string(),
            error.code.to_string(),
            grouped(error.replies),
            grouped(error.addresses),
            grouped(error.responders),
        ]);
    }
    text.push_str(&table.render());
}

fn accounting(text: &mut String, report: &Report) {
    section(text, "Accounting");
    let account = &report.accounting;
    let verdict = match (account.balanced, report.scan.status.as_str()) {
        (true, _) => "balanced",
        (false, "running") => "replies under way, or the scan was killed: resuming it settles the account",
        (false, _) => "NOT BALANCED",
    };
    let _ = writeln!(
        text,
        "  accepted {} = stored {} + duplicates {} + lost {}   {verdict}",
        grouped(account.accepted),
        grouped(account.stored),
        grouped(account.duplicates),
        grouped(account.lost),
    );
    let mut table = Table::of(&["counter", "events>", "meaning"]).indented(2);
    for counter in report.counters.iter().filter(|counter| counter.value > 0 || counter.role == "loss") {
        table.row([counter.name.clone(), grouped(counter.value), counter.meaning.clone()]);
    }
    text.push('\n');
    text.push_str(&table.render());
}

fn section(text: &mut String, title: &str) {
    let _ = writeln!(text, "\n{title}");
}
