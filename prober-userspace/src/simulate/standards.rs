//! Probe series as standards and published measurements say they look (METHODS section 3), for what packet simulators leave
//! out: idle phones, sleeping stations, interferers, slow meshes, narrow LoRa channels, queues of home routers. Drawn, not
//! simulated: they widen what a model learns from and are never what it is judged by.

mod cellular;
mod lora;
mod mesh;
mod wired;
mod wlan;

use super::draws::Draws;
use crate::model::access::AccessType;
use crate::model::trace::{Answer, RTT_MS_MAX, Role, Trace, TraceProbe};

/// Probes of a series.
const PROBES: usize = 40;
/// Every so many-th series comes in bursts, as a study sends them.
const BURSTS_EVERY: usize = 3;
/// Probes of a burst, at most.
const BURST_PROBES: usize = 24;
/// Where a collection rounds its times, in milliseconds; 0: not at all.
const ROUNDED_TO_MS: [f64; 5] = [0.0, 0.0, 0.1, 0.5, 1.0];

/// What is drawn of a series before its probes.
struct Course {
    /// When each probe is sent, in seconds.
    sent_s: Vec<f64>,
}

impl Course {
    fn draw(in_bursts: bool, draws: &mut Draws) -> Self {
        let usual_s = if in_bursts { draws.between(0.05, 0.12) } else { 0.1 * 200_f64.powf(draws.unit()) };
        let burst = if in_bursts { BURST_PROBES - draws.below(BURST_PROBES / 2) } else { PROBES };
        let mut now_s = 0.0;
        let mut send = |place: usize| {
            let pauses = place > 0 && place.is_multiple_of(burst);
            now_s += if pauses { draws.between(10.0, 22.0) } else { usual_s * draws.between(0.7, 1.3) };
            now_s
        };
        Self { sent_s: (0..PROBES).map(&mut send).collect() }
    }

    /// Seconds since the probe before; long before the first.
    fn gap_s(&self, place: usize) -> f64 {
        if place == 0 { f64::INFINITY } else { self.sent_s[place] - self.sent_s[place - 1] }
    }

    fn len(&self) -> usize {
        self.sent_s.len()
    }
}

/// Probes that wait for the one before them, where a network carries one at a time.
#[expect(clippy::struct_field_names, reason = "the unit is the last word")]
struct Backlog {
    service_ms: f64,
    room_ms: f64,
    waiting_ms: f64,
}

impl Backlog {
    /// A network that takes `service_ms` for each and keeps at most `room` waiting.
    fn new(service_ms: f64, room: f64) -> Self {
        Self { service_ms, room_ms: room * service_ms, waiting_ms: 0.0 }
    }

    /// How long the next one waits that comes so long after the one before, in milliseconds; nothing if there is no room.
    fn wait_ms(&mut self, gap_s: f64) -> Option<f64> {
        self.waiting_ms = (self.waiting_ms - 1e3 * gap_s).max(0.0);
        if self.waiting_ms > self.room_ms {
            return None;
        }
        let waits_ms = self.waiting_ms;
        self.waiting_ms += self.service_ms;
        Some(waits_ms)
    }
}

/// Delays of the access network alone, in milliseconds; `None`: lost.
type Delays = Vec<Option<f64>>;

/// Gives the delays of a network over a course of load.
type Standard = fn(&Course, &mut Draws) -> Delays;

/// `count` series of each type; the same seed gives the same ones.
pub fn series(count: usize, seed: u64) -> Vec<Trace> {
    let types: [(AccessType, Standard); 5] = [
        (AccessType::Wired, wired::delays),
        (AccessType::Wlan, wlan::delays),
        (AccessType::Lte, cellular::delays),
        (AccessType::Wisun, mesh::delays),
        (AccessType::Lora, lora::delays),
    ];
    let mut traces = Vec::new();
    for (access, delays) in types {
        for number in 0..count {
            let mut draws = Draws::new(seed, (number * AccessType::ALL.len() + access as usize) as u64);
            let course = Course::draw(number % BURSTS_EVERY == BURSTS_EVERY - 1, &mut draws);
            let delays = delays(&course, &mut draws);
            let probes = probes(&course, &delays, &mut draws);
            traces.push(Trace {
                place: format!("standards-{access}-{number}"),
                terminal: "terminal".to_owned(),
                role: Role::Terminal,
                probes,
                has_silence: true,
                access: Some(access),
                cause: None,
                background: None,
            });
        }
    }
    traces
}

/// With a wide-area part and hops, or as seen from nearby without either.
fn probes(course: &Course, delays: &Delays, draws: &mut Draws) -> Vec<TraceProbe> {
    let is_far = draws.chance(0.5);
    let hops = 5 + draws.below(13) as u8;
    let transit_ms = if is_far { f64::from(hops) * draws.between(0.3, 4.0) } else { draws.between(0.0, 2.0) };
    let jitter_ms = if is_far { draws.between(0.02, 0.4) } else { 0.02 };
    let rounded_to_ms = ROUNDED_TO_MS[draws.below(ROUNDED_TO_MS.len())];
    let (ports, refusing) = (1 + draws.below(3) as u16, draws.chance(0.5));
    let mut probe = |(sent_s, delay): (&f64, &Option<f64>)| {
        let port = if is_far { 80 + draws.below(usize::from(ports)) as u16 } else { 0 };
        let rtt_ms = delay.map(|delay| {
            let rtt = (delay + transit_ms + draws.exponential(jitter_ms)).min(RTT_MS_MAX);
            if rounded_to_ms > 0.0 { (rtt / rounded_to_ms).round() * rounded_to_ms } else { rtt }
        });
        let answer = match rtt_ms {
            None => Answer::Silent,
            Some(_) if refusing && port > 80 => Answer::Refused,
            Some(_) => Answer::Open,
        };
        let ttl = rtt_ms.filter(|_| is_far).map(|_| 64 - hops);
        TraceProbe { sent_s: *sent_s, rtt_ms, port, ttl, answer }
    };
    course.sent_s.iter().zip(delays).map(&mut probe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::sample::Sample;

    fn medians(access: AccessType) -> Sample {
        let traces = series(60, 3).into_iter().filter(|trace| trace.access == Some(access));
        Sample::new(traces.map(|trace| Sample::new(trace.rtts_ms()).median()))
    }

    #[test]
    fn series_are_as_fast_as_their_standards_say() {
        assert!(medians(AccessType::Wired).median() < 60.0);
        assert!(medians(AccessType::Wlan).median() < 150.0);
        let cellular = medians(AccessType::Lte);
        assert!(cellular.median() > 60.0 && cellular.max() < 2_500.0, "{cellular:?}");
        assert!(medians(AccessType::Wisun).median() > 150.0);
        assert!(medians(AccessType::Lora).median() > 400.0);
    }

    #[test]
    fn what_comes_faster_than_it_is_served_waits_and_then_finds_no_room() {
        let mut backlog = Backlog::new(100.0, 2.0);
        assert_eq!(
            [f64::INFINITY, 0.05, 0.05, 0.05].map(|gap_s| backlog.wait_ms(gap_s)),
            [0.0, 50.0, 100.0, 150.0].map(Some)
        );
        assert_eq!(backlog.wait_ms(0.0), None);
        assert_eq!(backlog.wait_ms(60.0), Some(0.0));
    }

    #[test]
    fn the_same_seed_gives_the_same_series_and_another_others() {
        assert_eq!(series(3, 1), series(3, 1));
        assert_ne!(series(3, 1), series(3, 2));
        let mut probes = series(20, 1).into_iter().flat_map(|trace| trace.probes);
        assert!(probes.all(|probe| probe.rtt_ms.is_none_or(|rtt| (0.0..=RTT_MS_MAX).contains(&rtt))));
    }
}
