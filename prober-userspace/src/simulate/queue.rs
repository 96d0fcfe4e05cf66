//! The bottleneck of an access network: one server, a finite queue, and a rule of dropping. Packet by packet.

use std::collections::VecDeque;

use super::draws::Draws;

/// When packets are dropped although they came through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dropping {
    /// Only when this many packets wait.
    Tail(usize),
    /// CoDel (RFC 8289), decided on arrival by the wait to come: target and interval, s.
    CoDel {
        /// Wait that is tolerated for long, s.
        target_s: f64,
        /// How long it may be exceeded, s.
        interval_s: f64,
    },
    /// With a probability that grows linearly with the wait up to this one, s, from where all are dropped.
    Random(f64),
}

/// What serving a packet takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Server {
    /// Bits/s.
    pub rate_bits_s: f64,
    /// Constant time per packet, s.
    pub fixed_s: f64,
    /// Mean of the random time per packet (uniform, as a backoff), s.
    pub backoff_s: f64,
    /// Probability that a packet must be sent again.
    pub retry: f64,
}

impl Server {
    /// Mean time for a packet, s.
    pub fn mean_s(&self, bytes: f64) -> f64 {
        (self.fixed_s + self.backoff_s + bytes * 8.0 / self.rate_bits_s) / (1.0 - self.retry)
    }

    fn draw_s(&self, bytes: f64, draws: &mut Draws) -> f64 {
        let mut total_s = 0.0;
        for _ in 0..8 {
            total_s += self.fixed_s + draws.between(0.0, 2.0 * self.backoff_s) + bytes * 8.0 / self.rate_bits_s;
            if !draws.chance(self.retry) {
                break;
            }
        }
        total_s
    }
}

/// Server and queue in the course of time.
#[derive(Clone, Debug)]
pub struct Queue {
    server: Server,
    dropping: Dropping,
    free_at_s: f64,
    /// When those in the system leave it, in order.
    leaving_s: VecDeque<f64>,
    above_since_s: Option<f64>,
    drops_in_row: u32,
    next_drop_s: f64,
    draws: Draws,
}

impl Queue {
    /// Empty.
    pub fn new(server: Server, dropping: Dropping, draws: Draws) -> Self {
        Self {
            server,
            dropping,
            free_at_s: 0.0,
            leaving_s: VecDeque::new(),
            above_since_s: None,
            drops_in_row: 0,
            next_drop_s: 0.0,
            draws,
        }
    }

    /// A packet arrives; when it has been served, or `None` if it was dropped. Times must not go back.
    pub fn enter(&mut self, now_s: f64, bytes: f64) -> Option<f64> {
        while self.leaving_s.front().is_some_and(|left| *left <= now_s) {
            self.leaving_s.pop_front();
        }
        let wait_s = (self.free_at_s - now_s).max(0.0);
        if self.drops(now_s, wait_s) {
            return None;
        }
        self.free_at_s = now_s + wait_s + self.server.draw_s(bytes, &mut self.draws);
        self.leaving_s.push_back(self.free_at_s);
        Some(self.free_at_s)
    }

    fn drops(&mut self, now_s: f64, wait_s: f64) -> bool {
        match self.dropping {
            Dropping::Tail(most) => self.leaving_s.len() >= most,
            Dropping::Random(most_s) => self.draws.chance((wait_s / most_s).powi(2)),
            Dropping::CoDel { target_s, interval_s } => {
                if wait_s < target_s || self.leaving_s.len() < 2 {
                    self.above_since_s = None;
                    self.drops_in_row = 0;
                    return false;
                }
                let since_s = *self.above_since_s.get_or_insert(now_s);
                if now_s - since_s < interval_s || now_s < self.next_drop_s {
                    return false;
                }
                self.drops_in_row += 1;
                self.next_drop_s = now_s + interval_s / f64::from(self.drops_in_row).sqrt();
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Poisson arrivals of equal packets: M/D/1, whose wait is known exactly (rho / 2 (1 - rho) of the service time).
    #[test]
    fn equal_packets_wait_as_long_as_m_d_1_says() {
        let server = Server { rate_bits_s: 8e6, fixed_s: 0.0, backoff_s: 0.0, retry: 0.0 };
        for load in [0.3, 0.7] {
            let mut queue = Queue::new(server, Dropping::Tail(usize::MAX), Draws::new(1, 0));
            let (mut draws, mut now_s, mut waited_s) = (Draws::new(2, 0), 0.0, 0.0);
            let packets = 400_000;
            for _ in 0..packets {
                now_s += draws.exponential(1e-3 / load);
                waited_s += queue.enter(now_s, 1000.0).expect("nothing is dropped") - now_s - 1e-3;
            }
            let expected_s = load / (2.0 * (1.0 - load)) * 1e-3;
            let mean_s = waited_s / f64::from(packets);
            assert!((mean_s / expected_s - 1.0).abs() < 0.05, "{load}: {mean_s} {expected_s}");
        }
    }
}
