//! What is kept of the replies of one address while a scan runs: 64 bytes, updated with each reply, out of which the network
//! type can be estimated at any time. Lost probes are only counted where sends are known.

use std::f64::consts::TAU;

use super::feature::Features;
use super::hop::HopCount;
use super::sample::{log_with_room, signed_log};
use crate::model::trace::{Answer, TraceProbe};

/// Ends of the ranges of delays over the floor, in milliseconds.
const RANGE_ENDS_MS: [f32; 13] = [0.1, 0.3, 0.7, 1.5, 3.0, 6.0, 12.0, 25.0, 50.0, 100.0, 300.0, 1000.0, 4000.0];
const RANGE_NAMES: [&str; 14] = [
    "below_0.1",
    "to_0.3",
    "to_0.7",
    "to_1.5",
    "to_3",
    "to_6",
    "to_12",
    "to_25",
    "to_50",
    "to_100",
    "to_300",
    "to_1000",
    "to_4000",
    "above_4000",
];
/// From this many replies on, older ones count half.
const REPLIES_MAX: u16 = 1024;

/// The state of one answering address: one line of the cache. Times are in milliseconds, logarithms to base 2 of the ratio to the first reply.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Sketch {
    answered: u16,
    lost: u16,
    first: f32,
    floor: f32,
    top: f32,
    floor_open: f32,
    floor_refused: f32,
    last_log: f32,
    log_sum: f32,
    log_squares: f32,
    log_products: f32,
    cosines: f32,
    sines: f32,
    ranges: [u8; 14],
    ttl: u8,
    is_ttl_mixed: bool,
}

const _: () = assert!(size_of::<Sketch>() <= 64, "the state of an answering address");

impl Default for Sketch {
    fn default() -> Self {
        Self {
            answered: 0,
            lost: 0,
            first: f32::NAN,
            floor: f32::INFINITY,
            top: 0.0,
            floor_open: f32::INFINITY,
            floor_refused: f32::INFINITY,
            last_log: 0.0,
            log_sum: 0.0,
            log_squares: 0.0,
            log_products: 0.0,
            cosines: 0.0,
            sines: 0.0,
            ranges: [0; 14],
            ttl: 0,
            is_ttl_mixed: false,
        }
    }
}

impl Sketch {
    /// Takes in a probe: its reply, or that there was none. Constant time; no allocation.
    pub fn add(&mut self, probe: &TraceProbe) {
        match probe.rtt_ms {
            Some(rtt_ms) if rtt_ms.is_finite() && rtt_ms >= 0.0 => self.add_reply(rtt_ms, probe),
            _ => self.lost = self.lost.saturating_add(1),
        }
    }

    /// How many replies it is of; older ones count half after very many.
    pub fn answered(&self) -> usize {
        usize::from(self.answered)
    }

    fn add_reply(&mut self, rtt_ms: f64, probe: &TraceProbe) {
        let rtt = (rtt_ms as f32).max(1e-3);
        if self.answered == 0 {
            self.first = rtt;
            self.ttl = probe.ttl.unwrap_or(0);
        } else if self.answered >= REPLIES_MAX {
            self.age();
        }
        self.is_ttl_mixed |= probe.ttl.is_some_and(|ttl| ttl != self.ttl);
        self.floor = self.floor.min(rtt);
        self.top = self.top.max(rtt);
        match probe.answer {
            Answer::Refused => self.floor_refused = self.floor_refused.min(rtt),
            Answer::Open | Answer::Silent => self.floor_open = self.floor_open.min(rtt),
        }
        let log = (rtt / self.first).log2();
        if self.answered > 0 {
            self.log_products += log * self.last_log;
            let arrived_ms = probe.sent_s * 1e3 + rtt_ms;
            // Not `rem_euclid`: its loop is slow for times since 1970.
            let (sine, cosine) = ((TAU * (arrived_ms - arrived_ms.floor())) as f32).sin_cos();
            self.cosines += cosine;
            self.sines += sine;
        }
        self.log_sum += log;
        self.log_squares += log * log;
        self.last_log = log;
        let delay = rtt - self.floor;
        let range = RANGE_ENDS_MS.iter().map(|end| usize::from(delay >= *end)).sum::<usize>();
        if self.ranges[range] == u8::MAX {
            self.ranges.iter_mut().for_each(|count| *count /= 2);
        }
        self.ranges[range] += 1;
        self.answered += 1;
    }

    fn age(&mut self) {
        self.answered /= 2;
        self.lost /= 2;
        for sum in
            [&mut self.log_sum, &mut self.log_squares, &mut self.log_products, &mut self.cosines, &mut self.sines]
        {
            *sum /= 2.0;
        }
    }

    /// The figures that a model is trained on.
    pub fn features(&self) -> Features {
        let mut features = Features::default();
        let count = f64::from(self.answered);
        let hops = if self.ttl == 0 { f64::NAN } else { f64::from(HopCount::of(self.ttl).hops) };
        let known = |value: f32| if value.is_finite() { f64::from(value) } else { f64::NAN };
        let (first, floor, top) = (known(self.first), known(self.floor), f64::from(self.top));
        features.push("answered", count.min(40.0));
        features.push("loss", f64::from(self.lost) / (count + f64::from(self.lost)));
        // As with whole traces: floors as such would tell prefixes apart.
        features.push("floor_over_hops", (4.0 * signed_log(floor - 1.9 * hops, 0.05)).round() / 4.0);
        features.push("floor_coarse", (2.0 * log_with_room(floor, 0.01)).round() / 2.0);
        features.push("first_over_floor", log_with_room(first - floor, 0.01));
        features.push("range", log_with_room(top - floor, 0.01));
        features.push("first_to_range", (first - floor) / (top - floor + 1e-3));
        features.push("range_to_floor", log_with_room((top - floor) / floor, 1e-4));
        let mean = f64::from(self.log_sum) / count;
        let variance = (f64::from(self.log_squares) / count - mean * mean).max(0.0);
        // The first reply is the unit of the logarithms: all of them below 0 means that it was slow.
        features.push("mean_to_first", mean);
        features.push("variation", log_with_room(variance.sqrt(), 1e-4));
        let pairs = (count - 1.0).max(1.0);
        let product = f64::from(self.log_products) / pairs - mean * mean;
        features.push("memory", if variance > 1e-9 { product / variance } else { 0.0 });
        let grid = f64::from(self.cosines).hypot(f64::from(self.sines));
        let enough = self.answered > 3;
        features.push("subframe", if enough { grid / pairs.sqrt() } else { f64::NAN });
        features.push("subframe_share", if enough { grid / pairs } else { f64::NAN });
        features.push("size_floor", signed_log(known(self.floor_open) - known(self.floor_refused), 0.02));
        let all: f64 = self.ranges.iter().map(|count| f64::from(*count)).sum();
        let mut below = 0.0;
        for (name, count) in RANGE_NAMES.into_iter().zip(self.ranges) {
            below += f64::from(count);
            features.push(name, below / all);
        }
        features
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(sent_s: f64, rtt_ms: Option<f64>) -> TraceProbe {
        TraceProbe { sent_s, rtt_ms, port: 80, ttl: Some(57), answer: Answer::Open }
    }

    #[test]
    fn figures_are_finite_or_missing_whatever_comes() {
        let mut sketch = Sketch::default();
        let odd = [Some(0.0), None, Some(f64::NAN), Some(f64::INFINITY), Some(-3.0), Some(66_999.0), Some(1e-9)];
        for (index, rtt) in odd.into_iter().cycle().take(20_000).enumerate() {
            sketch.add(&probe(index as f64 * 0.1, rtt));
            assert!(sketch.features().values().iter().all(|value| !value.is_infinite()));
        }
        assert!(sketch.answered() <= usize::from(REPLIES_MAX));
        assert!(Sketch::default().features().values().iter().all(|value| !value.is_infinite()));
    }

    #[test]
    fn arrivals_on_a_grid_of_1_ms_are_seen() {
        let mut sketch = Sketch::default();
        for index in 0..30 {
            let sent_s = f64::from(index) * 1.2347;
            let arrives_ms = (sent_s * 1e3 + 40.0).ceil() + 0.25;
            sketch.add(&probe(sent_s, Some(arrives_ms - sent_s * 1e3)));
        }
        assert!(sketch.features().value("subframe_share").expect("30 replies") > 0.99);
    }
}
