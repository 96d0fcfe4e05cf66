//! The few lines at the end of a scan.

use std::fmt::Write;

use prober_common::event::ReplyKind;

use crate::cli::progress::{clock, short};
use crate::model::status::ScanSummary;

/// The summary as text.
pub(super) fn text(summary: &ScanSummary) -> String {
    let last = &summary.last;
    let mut out = String::new();
    let mut row = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name:<12} {value}");
    };
    row("scan", format!("{} in {} ({})", summary.scan, summary.database, summary.ending.name()));
    let share = last.progress() * 100.0;
    row(
        "sent",
        format!(
            "{} of {} probes ({share:.1}%), {} pps by {}",
            last.sent,
            last.planned,
            short(summary.mean_pps),
            summary.engine
        ),
    );
    row("time", clock(summary.duration_s));
    let kinds = ReplyKind::ALL.into_iter().filter(|kind| last.replies.of(*kind) > 0);
    let kinds: Vec<_> = kinds.map(|kind| format!("{} {}", kind.name(), last.replies.of(kind))).collect();
    let by_kind = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    row("replies", format!("{}{by_kind}, {} duplicates", last.replies.total(), last.duplicates));
    row("hit rate", format!("{:.4}%", last.hit_rate * 100.0));
    row("stored", format!("{} rows", summary.rows_stored));
    let drops: Vec<_> = last.drops.iter().filter(|(_, n)| **n > 0).map(|(why, n)| format!("{why} {n}")).collect();
    row("lost", if drops.is_empty() { "nothing".to_owned() } else { drops.join(", ") });
    if let Some(grab) = &last.grab {
        let mut text =
            format!("{} of {} open ports said something, {} connections", grab.grabbed, grab.asked, grab.connections);
        let left = grab.waiting + grab.dropped;
        if left > 0 {
            let _ = write!(text, "; {left} not asked: prober grab --scan {}", summary.scan);
        }
        row("banners", text);
    }
    if let Some(devices) = summary.devices {
        row("devices", format!("{devices} addresses named; prober sql \"FROM device\""));
    }
    if summary.ending.is_resumable() {
        row("to go on", "the same command with --resume".to_owned());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::status::{Ending, Phase, ReplyCounts, StatusSample};

    #[test]
    fn what_is_lost_and_how_to_go_on_is_said() {
        let summary = ScanSummary {
            scan: 3,
            ending: Ending::Signal,
            engine: "live-frames".into(),
            database: "prober.duckdb".into(),
            duration_s: 61.0,
            mean_pps: 9_998.7,
            rows_stored: 1010,
            devices: None,
            last: StatusSample {
                t_s: 61.0,
                phase: Phase::Done,
                sent: 500_000,
                planned: 1_000_000,
                replies: ReplyCounts::new([900, 100, 0, 0, 10, 0, 0]),
                duplicates: 4,
                hit_rate: 0.0018,
                drops: BTreeMap::from([("ring_full".into(), 7), ("tx_failed".into(), 0)]),
                ..StatusSample::default()
            },
        };
        insta::assert_snapshot!(text(&summary), @r#"
        scan         3 in prober.duckdb (signal)
        sent         500000 of 1000000 probes (50.0%), 9999 pps by live-frames
        time         1:01
        replies      1010 (syn_ack 900, rst 100, unreachable 10), 4 duplicates
        hit rate     0.1800%
        stored       1010 rows
        lost         ring_full 7
        to go on     the same command with --resume
        "#);
    }
}
