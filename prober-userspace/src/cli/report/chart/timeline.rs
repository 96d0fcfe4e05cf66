//! The probes of one terminal one after the other: answers as dots at their delay, silence as strokes below. Pauses between
//! bursts are shortened; the time of each burst is written under it.

use std::fmt::Write;

use crate::cli::figure::millis;
use crate::cli::report::html::escape;

const WIDTH: f64 = 1160.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const PLOT: f64 = 110.0;
const LOST_TOP: f64 = TOP + PLOT + 8.0;
const LOST: f64 = 18.0;
const HEIGHT: f64 = LOST_TOP + LOST + 24.0;
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
    let mut places = Vec::with_capacity(probes.len());
    let (mut place, mut starts) = (0.0, Vec::new());
    for (index, probe) in probes.iter().enumerate() {
        let after_s = index.checked_sub(1).map_or(f64::INFINITY, |before| probe.sent_s - probes[before].sent_s);
        if after_s > PAUSE_S {
            place += if index == 0 { 0.0 } else { GAP };
            starts.push((place, probe.sent_s));
        }
        places.push(place);
        place += 1.0;
    }
    let step = (WIDTH - LEFT - RIGHT) / place.max(1.0);
    let x = |place: f64| LEFT + (place + 0.5) * step;
    let delays = || probes.iter().filter_map(|probe| probe.rtt_ms).map(|ms| ms.max(1e-3).log10());
    let (least, most) = (delays().fold(f64::INFINITY, f64::min), delays().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if least > most { (0.0, 2.0) } else { (least.floor(), most.ceil().max(least.floor() + 1.0)) };
    let y = |ms: f64| TOP + PLOT - (ms.max(1e-3).log10() - low) / (high - low) * PLOT;
    let mut svg =
        format!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#, escape(label));
    let right = WIDTH - RIGHT;
    for decade in low as i32..=high as i32 {
        let (ms, class) = (10f64.powi(decade), if decade == low as i32 { "base" } else { "grid" });
        let at = y(ms);
        let text =
            if decade < 3 { format!("{} ms", 10f64.powi(decade)) } else { format!("{} s", 10f64.powi(decade - 3)) };
        // Writing to a string cannot fail, here and below.
        let _ = write!(
            svg,
            r#"<line class="{class}" x1="{LEFT}" x2="{right}" y1="{at:.1}" y2="{at:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{text}</text>"#,
            LEFT - 8.0,
            at + 4.0,
        );
    }
    let _ = write!(
        svg,
        r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">lost</text>"#,
        LEFT - 8.0,
        LOST_TOP + LOST / 2.0 + 4.0
    );
    let mut written = f64::NEG_INFINITY;
    for (place, sent_s) in starts {
        let at = LEFT + place * step;
        if at - written < TICK_DISTANCE || at > WIDTH - TICK_DISTANCE / 2.0 {
            continue;
        }
        written = at;
        let _ = write!(svg, r#"<text class="tick" x="{at:.1}" y="{:.1}">{}</text>"#, HEIGHT - 6.0, after(sent_s));
    }
    let radius = (step * 0.42).clamp(0.8, 3.0);
    for (probe, place) in probes.iter().zip(places) {
        let (at, port) = (x(place), if probe.port == 0 { "icmp".to_owned() } else { format!("port {}", probe.port) });
        let _ = match probe.rtt_ms {
            Some(rtt_ms) => write!(
                svg,
                r#"<circle class="fill syn_ack" cx="{at:.1}" cy="{:.1}" r="{radius:.1}"><title>{} {port}: {} ms</title></circle>"#,
                y(rtt_ms),
                after(probe.sent_s),
                millis(rtt_ms),
            ),
            None => write!(
                svg,
                r#"<rect class="fill lost" x="{:.1}" y="{LOST_TOP}" width="{:.1}" height="{LOST}"><title>{} {port}: no answer</title></rect>"#,
                at - step * 0.35,
                (step * 0.7).clamp(0.6, 5.0),
                after(probe.sent_s),
            ),
        };
    }
    svg + "</svg>"
}

fn after(seconds: f64) -> String {
    if seconds < 60.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0}:{:02.0} min", (seconds / 60.0).floor(), (seconds % 60.0).floor())
    }
}
