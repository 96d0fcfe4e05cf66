//! One access network, simulated packet by packet: others' traffic through a bottleneck, our probes among it, and the
//! truth about both.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::draws::Draws;
use super::queue::{Dropping, Queue, Server};
use super::traffic::{Pattern, Sizes, Source};
use crate::network::congestion::service::SizedFloors;

/// Sizes of the probes on the bottleneck, bytes, and of the large ones that measure its rate.
pub const PROBE_BYTES: f64 = 60.0;

/// An access network under one load.
#[derive(Clone, Debug)]
pub struct AccessPoint {
    /// The bottleneck.
    pub server: Server,
    /// Its queue.
    pub dropping: Dropping,
    /// The others' packets.
    pub sizes: Sizes,
    /// How the others send.
    pub patterns: Vec<Pattern>,
    /// Whether replies go through the same queue.
    pub shared_channel: bool,
    /// Delay that the idle network adds: mean, s, and shape.
    pub jitter_s: f64,
    /// Its shape.
    pub jitter: Jitter,
    /// The responders' own time, s.
    pub responder_s: f64,
}

/// Shapes of the idle network's delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// A request-grant cycle.
    Uniform,
    /// A chain of random steps.
    Exponential,
    /// The sum of two such chains.
    Gamma,
}

/// How it is probed.
#[derive(Clone, Copy, Debug)]
pub struct Probing {
    /// Probes.
    pub probes: u32,
    /// Mean distance between them, s; drawn exponentially.
    pub gap_s: f64,
    /// Of the sized probes, which go before: how many of each size.
    pub sized: u32,
    /// Bytes of the large ones.
    pub large_bytes: f64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Delay of each answered probe over the wide-area part, s.
    pub delays_s: Vec<f64>,
    /// Probes without an answer.
    pub lost: u32,
    /// Floors of the sized probes.
    pub floors: SizedFloors,
    /// Truth: what the others got through, bits/s.
    pub others_bits_s: f64,
    /// Truth: the part of the time that the others kept the server busy.
    pub others_load: f64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Others(usize),
    /// A probe arrives; which, and its size.
    Probe(u32, f64),
    /// The reply to a probe sent at that time arrives.
    Reply(u32, f64, f64),
}

#[derive(Clone, Copy, Debug)]
struct Event {
    at_s: f64,
    kind: Kind,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Event {}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at_s.total_cmp(&other.at_s)
    }
}

impl AccessPoint {
    /// Lets time pass until all probes have gone. About 0.1 us per packet.
    pub fn observe(&self, probing: Probing, draws: &mut Draws) -> Observed {
        let mut events = BinaryHeap::new();
        let mut sources: Vec<Source> = self
            .patterns
            .iter()
            .map(|pattern| Source::new(*pattern, self.sizes, Draws::new(draws.bits(), 1)))
            .collect();
        for (index, source) in sources.iter_mut().enumerate() {
            events.push(Reverse(Event { at_s: source.first_s(), kind: Kind::Others(index) }));
        }
        let plan = Self::plan(probing, draws);
        let (starts_s, ends_s) = (plan.first().map_or(0.0, |one| one.0), plan.last().map_or(0.0, |one| one.0));
        for (index, (at_s, bytes)) in plan.iter().enumerate() {
            events.push(Reverse(Event { at_s: *at_s, kind: Kind::Probe(index as u32, *bytes) }));
        }
        let mut queue = Queue::new(self.server, self.dropping, Draws::new(draws.bits(), 2));
        let mut delays: Vec<Option<f64>> = vec![None; plan.len()];
        let (mut bits, mut busy_s) = (0.0, 0.0);
        while let Some(Reverse(Event { at_s, kind })) = events.pop() {
            match kind {
                Kind::Others(index) => {
                    if at_s > ends_s {
                        continue;
                    }
                    let source = &mut sources[index];
                    let bytes = source.packet();
                    let left_s = queue.enter(at_s, bytes);
                    if left_s.is_some() && at_s >= starts_s {
                        bits += bytes * 8.0;
                        busy_s += self.server.mean_s(bytes);
                    }
                    let next_s = source.next_s(at_s, left_s).max(at_s);
                    events.push(Reverse(Event { at_s: next_s, kind: Kind::Others(index) }));
                }
                Kind::Probe(index, bytes) => {
                    let Some(left_s) = queue.enter(at_s, bytes) else { continue };
                    let back_s = left_s + self.responder_s + self.draw_jitter_s(draws);
                    if self.shared_channel {
                        events.push(Reverse(Event { at_s: back_s, kind: Kind::Reply(index, at_s, bytes) }));
                    } else {
                        // The way back has the same rate and nobody on it.
                        delays[index as usize] = Some(back_s - at_s + self.server.mean_s(bytes));
                    }
                }
                Kind::Reply(index, sent_s, bytes) => {
                    delays[index as usize] = queue.enter(at_s, bytes).map(|left_s| left_s - sent_s);
                }
            }
        }
        let sized = 2 * probing.sized as usize;
        let (first, rest) = delays.split_at(sized);
        let floor = |bytes: f64| {
            let of_size = plan.iter().zip(first).filter(|((_, size), _)| (*size - bytes).abs() < 0.5);
            of_size.filter_map(|(_, delay)| *delay).fold(f64::INFINITY, f64::min)
        };
        Observed {
            delays_s: rest.iter().flatten().copied().collect(),
            lost: rest.iter().filter(|delay| delay.is_none()).count() as u32,
            floors: SizedFloors {
                small_bytes: PROBE_BYTES,
                large_bytes: probing.large_bytes,
                small_s: floor(PROBE_BYTES),
                large_s: floor(probing.large_bytes),
                probes: probing.sized,
            },
            others_bits_s: bits / (ends_s - starts_s),
            others_load: busy_s / (ends_s - starts_s),
        }
    }

    /// When which probe goes: sized ones in turns first, after a time in which the queue fills.
    fn plan(probing: Probing, draws: &mut Draws) -> Vec<(f64, f64)> {
        let mut now_s = 20.0 * probing.gap_s;
        (0..2 * probing.sized + probing.probes)
            .map(|index| {
                now_s += draws.exponential(probing.gap_s);
                let large = index < 2 * probing.sized && index % 2 == 1;
                (now_s, if large { probing.large_bytes } else { PROBE_BYTES })
            })
            .collect()
    }

    fn draw_jitter_s(&self, draws: &mut Draws) -> f64 {
        match self.jitter {
            Jitter::Uniform => draws.between(0.0, 2.0 * self.jitter_s),
            Jitter::Exponential => draws.exponential(self.jitter_s),
            Jitter::Gamma => draws.exponential(self.jitter_s / 2.0) + draws.exponential(self.jitter_s / 2.0),
        }
    }
}
