//! The probes of one terminal one after the other: answers as dots at their delay, below them a lane for each port in which
//! silence is a stroke. Pauses between bursts are shortened; the time of each burst is written under it.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::decades::{decade_steps, delay_text};
use crate::cli::figure::millis;
use crate::model::text::escaped;

const WIDTH: f64 = 1160.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const PLOT: f64 = 110.0;
const LANES_TOP: f64 = TOP + PLOT + 16.0;
const LANE: f64 = 15.0;
const BOTTOM: f64 = 22.0;
/// With more ports than this all share one lane.
const LANES_MAX: usize = 8;
/// A pause longer than this is drawn as a gap, s.
const PAUSE_S: f64 = 3.0;
/// What a gap takes, in probes.
const GAP: f64 = 2.5;
/// Least distance of two times on the axis.
const TICK_DISTANCE: f64 = 64.0;

/// One probe.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli::report) struct TimelineProbe {
    /// After the first one, s.
    pub(in crate::cli::report) sent_s: f64,
    pub(in crate::cli::report) port: u16,
    /// Nothing: no answer.
    pub(in crate::cli::report) rtt_ms: Option<f64>,
}

/// All probes, by time.
pub(in crate::cli::report) fn timeline(label: &str, probes: &[TimelineProbe]) -> String {
    let ports: BTreeSet<u16> = probes.iter().map(|probe| probe.port).collect();
    let lanes: Vec<u16> = if ports.len() <= LANES_MAX { ports.into_iter().collect() } else { Vec::new() };
    let lane_of = |port: u16| LANES_TOP + lanes.iter().position(|lane| *lane == port).unwrap_or(0) as f64 * LANE;
    let height = LANES_TOP + lanes.len().max(1) as f64 * LANE + BOTTOM;
    let (places, starts) = places(probes);
    let step = (WIDTH - LEFT - RIGHT) / places.last().map_or(1.0, |last| last + 1.0);
    let steps = decade_steps(probes.iter().filter_map(|probe| probe.rtt_ms));
    let (low, high) = (steps[0].log10(), steps[steps.len() - 1].log10());
    let y = |ms: f64| TOP + PLOT - ((ms.max(1e-3).log10() - low) / (high - low)).clamp(0.0, 1.0) * PLOT;
    let mut svg =
        format!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">"#, escaped(label));
    for (index, ms) in steps.iter().enumerate() {
        rule(&mut svg, if index == 0 { "base" } else { "grid" }, y(*ms), &delay_text(*ms));
    }
    match lanes.as_slice() {
        [] => rule(&mut svg, "grid", LANES_TOP + LANE / 2.0, "lost"),
        lanes => lanes.iter().for_each(|port| rule(&mut svg, "grid", lane_of(*port) + LANE / 2.0, &name(*port))),
    }
    let mut written = f64::NEG_INFINITY;
    for (place, sent_s) in starts {
        let at = LEFT + place * step;
        if at - written < TICK_DISTANCE || at > WIDTH - TICK_DISTANCE / 2.0 {
            continue;
        }
        written = at;
        // Writing to a string cannot fail, here and below.
        let _ = write!(svg, r#"<text class="tick" x="{at:.1}" y="{:.1}">{}</text>"#, height - 6.0, after(sent_s));
    }
    let radius = (step * 0.45).clamp(1.4, 3.0);
    for (probe, place) in probes.iter().zip(places) {
        let (at, sent, port) = (LEFT + (place + 0.5) * step, after(probe.sent_s), name(probe.port));
        let _ = match probe.rtt_ms {
            Some(rtt_ms) => write!(
                svg,
                r#"<circle class="fill syn_ack" cx="{at:.1}" cy="{:.1}" r="{radius:.1}"><title>{sent} {port}: {} ms</title></circle>"#,
                y(rtt_ms),
                millis(rtt_ms),
            ),
            None => write!(
                svg,
                r#"<rect class="fill lost" x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}"><title>{sent} {port}: no answer</title></rect>"#,
                at - step * 0.4,
                lane_of(probe.port) + 2.0,
                (step * 0.8).clamp(1.2, 5.0),
                LANE - 4.0,
            ),
        };
    }
    svg + "</svg>"
}

/// Where each probe is drawn, in probes from the left, and where bursts begin, with their times.
fn places(probes: &[TimelineProbe]) -> (Vec<f64>, Vec<(f64, f64)>) {
    let (mut places, mut starts, mut place) = (Vec::with_capacity(probes.len()), Vec::new(), 0.0);
    for (index, probe) in probes.iter().enumerate() {
        let after_s = index.checked_sub(1).map_or(f64::INFINITY, |before| probe.sent_s - probes[before].sent_s);
        if after_s > PAUSE_S {
            place += if index == 0 { 0.0 } else { GAP };
            starts.push((place, probe.sent_s));
        }
        places.push(place);
        place += 1.0;
    }
    (places, starts)
}

/// A line over the whole width, with what it stands for.
fn rule(svg: &mut String, class: &str, at: f64, text: &str) {
    let (right, label, base) = (WIDTH - RIGHT, LEFT - 8.0, at + 4.0);
    let _ = write!(
        svg,
        r#"<line class="{class}" x1="{LEFT}" x2="{right}" y1="{at:.1}" y2="{at:.1}"/><text class="tick" x="{label}" y="{base:.1}" text-anchor="end">{text}</text>"#,
    );
}

fn name(port: u16) -> String {
    if port == 0 { "icmp".to_owned() } else { format!("port {port}") }
}

fn after(seconds: f64) -> String {
    if seconds < 60.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0}:{:02.0} min", (seconds / 60.0).floor(), (seconds % 60.0).floor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(sent_s: f64, port: u16, rtt_ms: Option<f64>) -> TimelineProbe {
        TimelineProbe { sent_s, port, rtt_ms }
    }

    #[test]
    fn silence_stands_in_the_lane_of_its_port_and_pauses_are_short() {
        let probes =
            [probe(0.0, 80, Some(7.0)), probe(0.1, 22, None), probe(60.0, 80, Some(8.0)), probe(60.1, 22, None)];
        let svg = timeline("Probes", &probes);
        assert_eq!((svg.matches("<circle").count(), svg.matches("<rect").count()), (2, 2));
        assert!(svg.contains(">port 22</text>") && svg.contains(">port 80</text>"), "{svg}");
        assert!(svg.contains("1:00 min") && svg.contains("0 s port 22: no answer"), "{svg}");
        assert_eq!(places(&probes).0, [0.0, 1.0, 4.5, 5.5]);
    }

    #[test]
    fn many_ports_share_a_lane_and_nothing_answered_is_drawn_too() {
        let probes: Vec<_> = (0..20).map(|port| probe(f64::from(port), port, None)).collect();
        let svg = timeline("Probes", &probes);
        assert!(svg.contains(">lost</text>") && !svg.contains("NaN"), "{svg}");
        assert!(!timeline("Probes", &[]).contains("NaN"));
    }
}
