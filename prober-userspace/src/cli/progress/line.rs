//! The progress line: a pure function from a sample and a width to one line of text.

use prober_common::event::ReplyKind;

use crate::model::status::{Phase, StatusSample};

/// The line for `sample`, at most `width` columns: what fits, the most important first.
///
/// Order on screen is fixed; if the line is too long, parts leave in the order of `LEAST_IMPORTANT`.
pub fn progress_line(sample: &StatusSample, width: usize) -> String {
    let mut parts = parts(sample);
    while text(&parts).chars().count() > width {
        let Some(least) = parts.iter().map(|part| part.rank).max().filter(|rank| *rank > 0) else {
            break;
        };
        parts.retain(|part| part.rank != least);
    }
    text(&parts).chars().take(width).collect()
}

/// A piece of the line; the piece with the highest rank leaves first, rank 0 never does.
struct Part {
    rank: u8,
    text: String,
}

fn text(parts: &[Part]) -> String {
    let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
    texts.join("  ")
}

fn parts(sample: &StatusSample) -> Vec<Part> {
    let percent = sample.progress() * 100.0;
    let phase = match sample.phase {
        Phase::Sending => String::new(),
        other => format!(" {}", other.name()),
    };
    let mut parts = vec![
        Part { rank: 0, text: format!("{} {percent:.1}%{phase}", clock(sample.t_s)) },
        Part { rank: 0, text: format!("sent {}", short(sample.sent as f64)) },
    ];
    if sample.phase != Phase::Done {
        parts.push(Part { rank: 1, text: format!("{}pps", short_spaced(sample.rate_pps)) });
    }
    if sample.phase != Phase::Done && sample.target_pps > 0.0 {
        parts.push(Part { rank: 6, text: format!("of {}", short(sample.target_pps)) });
    }
    parts.extend(replies(sample));
    if let Some(grab) = sample.grab {
        parts.push(Part { rank: 1, text: format!("banners {}", short(grab.grabbed as f64)) });
        if grab.waiting > 0 {
            parts.push(Part { rank: 4, text: format!("waiting {}", short(grab.waiting as f64)) });
        }
        if grab.dropped > 0 {
            parts.push(Part { rank: 1, text: format!("not asked {}", short(grab.dropped as f64)) });
        }
    }
    parts.push(Part { rank: 3, text: format!("hit {}", percentage(sample.hit_rate)) });
    if sample.duplicates > 0 {
        parts.push(Part { rank: 7, text: format!("dup {}", short(sample.duplicates as f64)) });
    }
    // Losses matter more than anything else as soon as there are any.
    let rank = if sample.dropped() > 0 { 0 } else { 4 };
    parts.push(Part { rank, text: format!("drop {}", short(sample.dropped() as f64)) });
    if let Some(eta_s) = sample.eta_s.filter(|_| sample.phase != Phase::Done) {
        parts.push(Part { rank: 1, text: format!("ETA {}", clock(eta_s)) });
    }
    parts
}

/// Replies by kind: those that occurred, ICMP errors together.
fn replies(sample: &StatusSample) -> impl Iterator<Item = Part> {
    let of = |kind| sample.replies.of(kind);
    let icmp = of(ReplyKind::Unreachable) + of(ReplyKind::TimeExceeded) + of(ReplyKind::IcmpOther);
    let kinds = [
        (2, "syn-ack", of(ReplyKind::SynAck)),
        (2, "echo", of(ReplyKind::EchoReply)),
        (2, "udp", of(ReplyKind::UdpReply)),
        (5, "rst", of(ReplyKind::Rst)),
        (5, "icmp-err", icmp),
    ];
    let none = kinds.iter().all(|(_, _, count)| *count == 0);
    let nothing = none.then(|| Part { rank: 2, text: "replies 0".to_owned() });
    kinds
        .into_iter()
        .filter(|(_, _, count)| *count > 0)
        .map(|(rank, name, count)| Part { rank, text: format!("{name} {}", short(count as f64)) })
        .chain(nothing)
}

/// Up to 9,999 in full, then three figures with k, M, G or T: `12.3k`.
pub fn short(value: f64) -> String {
    let (scaled, suffix) = scale(value);
    format!("{scaled}{suffix}")
}

/// The same with the unit's space: `12.3 k`, `500 `.
fn short_spaced(value: f64) -> String {
    let (scaled, suffix) = scale(value);
    format!("{scaled} {suffix}")
}

fn scale(value: f64) -> (String, &'static str) {
    let (mut rest, mut suffixes) = (value.max(0.0), ["", "k", "M", "G", "T"].into_iter());
    let mut suffix = suffixes.next().unwrap_or_default();
    if rest.round() < 10_000.0 {
        let decimals = usize::from(rest < 100.0 && rest.fract() > 0.05);
        return (format!("{rest:.decimals$}"), suffix);
    }
    for next in suffixes {
        if rest < 999.5 {
            break;
        }
        rest /= 1000.0;
        suffix = next;
    }
    let decimals = match rest {
        rest if rest < 9.995 => 2,
        rest if rest < 99.95 => 1,
        _ => 0,
    };
    (format!("{rest:.decimals$}"), suffix)
}

fn percentage(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.01 { format!("{percent:.4}%") } else { format!("{percent:.2}%") }
}

/// `m:ss`, `h:mm:ss` or `Nd hh:mm`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{days}d {hours:02}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::status::{GrabStatus, ReplyCounts};

    fn sample() -> StatusSample {
        StatusSample {
            t_s: 83.4,
            phase: Phase::Sending,
            sent: 8_312_345,
            planned: 25_165_824,
            rate_pps: 99_981.3,
            target_pps: 100_000.0,
            replies: ReplyCounts::new([41_234, 120_431, 0, 0, 2_210, 3, 0]),
            duplicates: 12,
            hit_rate: 0.004_96,
            drops: BTreeMap::new(),
            eta_s: Some(176.2),
            grab: None,
        }
    }

    #[test]
    fn banners_are_shown_where_they_are_grabbed() {
        let grab = GrabStatus { found: 900, asked: 700, grabbed: 650, waiting: 190, dropped: 10, connections: 800 };
        let line = progress_line(&StatusSample { grab: Some(grab), ..sample() }, 160);
        assert!(line.contains("  banners 650  waiting 190  not asked 10  hit"), "{line}");
    }

    #[test]
    fn what_fits_is_shown() {
        let lines: Vec<_> = [40, 60, 80, 120, 160].map(|width| progress_line(&sample(), width)).into();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        1:23 33.0%  sent 8.31M
        1:23 33.0%  sent 8.31M  100 kpps  syn-ack 41.2k  ETA 2:56
        1:23 33.0%  sent 8.31M  100 kpps  syn-ack 41.2k  hit 0.50%  drop 0  ETA 2:56
        1:23 33.0%  sent 8.31M  100 kpps  of 100k  syn-ack 41.2k  rst 120k  icmp-err 2213  hit 0.50%  dup 12  drop 0  ETA 2:56
        1:23 33.0%  sent 8.31M  100 kpps  of 100k  syn-ack 41.2k  rst 120k  icmp-err 2213  hit 0.50%  dup 12  drop 0  ETA 2:56
        "#);
    }

    #[test]
    fn other_states() {
        let begin = StatusSample { planned: 256, ..StatusSample::default() };
        let paused = StatusSample { phase: Phase::Paused, rate_pps: 0.0, eta_s: None, ..sample() };
        let lossy = StatusSample { drops: BTreeMap::from([("ring_full".to_owned(), 1234)]), ..sample() };
        let late = StatusSample { phase: Phase::Cooldown, sent: 25_165_824, eta_s: Some(4.0), ..sample() };
        let done = StatusSample { phase: Phase::Done, eta_s: Some(0.0), ..late.clone() };
        let lines = [begin, paused, lossy, late, done].map(|sample| progress_line(&sample, 80));
        insta::assert_snapshot!(lines.join("\n"), @r#"
        0:00 0.0%  sent 0  0 pps  replies 0  hit 0.00%  drop 0
        1:23 33.0% paused  sent 8.31M  0 pps  syn-ack 41.2k  hit 0.50%  drop 0
        1:23 33.0%  sent 8.31M  100 kpps  syn-ack 41.2k  hit 0.50%  drop 1234  ETA 2:56
        1:23 100.0% cooldown  sent 25.2M  100 kpps  syn-ack 41.2k  hit 0.50%  ETA 0:04
        1:23 100.0% done  sent 25.2M  syn-ack 41.2k  hit 0.50%  drop 0
        "#);
    }

    #[test]
    fn no_width_is_exceeded() {
        for width in 0..200 {
            assert!(progress_line(&sample(), width).chars().count() <= width, "{width}");
        }
    }

    #[test]
    fn numbers_keep_three_figures() {
        let values = [0.0, 1.0, 1.5, 99.9, 100.4, 9_999.0, 9_999.6, 12_345.0, 99_960.0, 999_600.0, 1e6, 4.295e9, 1e13];
        insta::assert_snapshot!(values.map(short).join(" "), @"0 1 1.5 99.9 100 9999 10.0k 12.3k 100k 1.00M 1.00M 4.29G 10.0T");
        insta::assert_snapshot!([0.0, 59.6, 3599.0, 3600.0, 90_000.0].map(clock).join(" "), @"0:00 1:00 59:59 1:00:00 1d 01:00");
    }
}
