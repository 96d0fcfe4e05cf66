//! The traffic of others: arrivals that the estimators do not assume. Poisson, bursts with heavy tails, and flows that
//! react to loss and delay like TCP.

use super::draws::Draws;

/// Packets of two sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Bytes of a large packet.
    pub large: f64,
    /// Bytes of a small packet.
    pub small: f64,
    /// Share of large ones.
    pub large_share: f64,
}

impl Sizes {
    /// Mean size, bytes.
    pub fn mean(&self) -> f64 {
        self.large * self.large_share + self.small * (1.0 - self.large_share)
    }

    fn draw(&self, draws: &mut Draws) -> f64 {
        if draws.chance(self.large_share) { self.large } else { self.small }
    }
}

/// How a source sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pattern {
    /// At this mean distance, independently, s.
    Poisson(f64),
    /// At `gap_s` while on; on and off times have heavy tails.
    Bursts {
        /// Between packets of a burst, s.
        gap_s: f64,
        /// Mean length of a burst, s.
        on_s: f64,
        /// Mean pause, s.
        off_s: f64,
    },
    /// Flows one after the other: slow start, congestion avoidance, halving on loss (Reno), a window per round trip.
    Flow {
        /// Round trip without queueing, s.
        rtt_s: f64,
        /// Mean length of a flow, packets.
        packets: f64,
        /// Mean pause between flows, s.
        pause_s: f64,
    },
}

/// A source in the course of time.
#[derive(Clone, Debug)]
pub struct Source {
    pattern: Pattern,
    sizes: Sizes,
    draws: Draws,
    /// Bursts: end of the present one.
    burst_ends_s: f64,
    flow: Flow,
}

#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    window: f64,
    threshold: f64,
    left: f64,
    /// Of the present round: packets still to be sent, when the last one left the queue, whether one was lost.
    in_round: u32,
    last_left_s: f64,
    lost: bool,
}

impl Source {
    /// A source; its first packet comes at [`Self::first_s`].
    pub fn new(pattern: Pattern, sizes: Sizes, draws: Draws) -> Self {
        Self { pattern, sizes, draws, burst_ends_s: 0.0, flow: Flow::default() }
    }

    /// When it wakes first, s.
    pub fn first_s(&mut self) -> f64 {
        match self.pattern {
            Pattern::Poisson(gap_s) => self.draws.exponential(gap_s),
            Pattern::Bursts { on_s, off_s, .. } => {
                let starts_s = self.draws.between(0.0, on_s + off_s);
                self.burst_ends_s = starts_s + self.draws.pareto(on_s, 1.5);
                starts_s
            }
            Pattern::Flow { pause_s, .. } => self.draws.exponential(pause_s),
        }
    }

    /// Size of the packet that it sends now, bytes.
    pub fn packet(&mut self) -> f64 {
        match self.pattern {
            // A flow's data travel in large packets.
            Pattern::Flow { .. } => self.sizes.large,
            _ => self.sizes.draw(&mut self.draws),
        }
    }

    /// It sent a packet at `now_s`, which left the queue at `left_s` or was dropped; when the next one comes, s.
    pub fn next_s(&mut self, now_s: f64, left_s: Option<f64>) -> f64 {
        match self.pattern {
            Pattern::Poisson(gap_s) => now_s + self.draws.exponential(gap_s),
            Pattern::Bursts { gap_s, on_s, off_s } => {
                let next_s = now_s + gap_s * self.draws.between(0.5, 1.5);
                if next_s <= self.burst_ends_s {
                    return next_s;
                }
                let starts_s = next_s + self.draws.pareto(off_s, 1.5);
                self.burst_ends_s = starts_s + self.draws.pareto(on_s, 1.5);
                starts_s
            }
            Pattern::Flow { rtt_s, packets, pause_s } => self.after_flow_packet(now_s, left_s, rtt_s, packets, pause_s),
        }
    }

    fn after_flow_packet(&mut self, now_s: f64, left_s: Option<f64>, rtt_s: f64, packets: f64, pause_s: f64) -> f64 {
        let flow = &mut self.flow;
        match left_s {
            Some(left_s) => {
                flow.left -= 1.0;
                flow.last_left_s = flow.last_left_s.max(left_s);
            }
            None => flow.lost = true,
        }
        flow.in_round = flow.in_round.saturating_sub(1);
        if flow.in_round > 0 && flow.left > 0.0 {
            // Within a round packets follow each other about as acknowledgements do.
            return now_s + rtt_s / flow.window * self.draws.between(0.0, 0.6);
        }
        if flow.left <= 0.0 {
            *flow =
                Flow { window: 4.0, threshold: 64.0, left: self.draws.pareto(packets, 1.3).ceil(), ..Flow::default() };
            flow.in_round = 4;
            return now_s + self.draws.exponential(pause_s);
        }
        let was_lost = std::mem::take(&mut flow.lost);
        if was_lost {
            flow.threshold = (flow.window / 2.0).max(2.0);
            flow.window = flow.threshold;
        } else if flow.window < flow.threshold {
            flow.window *= 2.0;
        } else {
            flow.window += 1.0;
        }
        flow.window = flow.window.min(256.0);
        flow.in_round = flow.window as u32;
        let acknowledged_s = flow.last_left_s.max(now_s) + rtt_s;
        // What was lost is noticed one round trip later.
        if was_lost { acknowledged_s + rtt_s } else { acknowledged_s }
    }
}
