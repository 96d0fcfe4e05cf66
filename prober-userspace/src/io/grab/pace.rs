//! When the next connection may be opened: one rate for all, and one for each /24. Pure: time comes in as an argument.

use std::collections::HashMap;

/// Networks that are remembered before those whose turn has come again are forgotten.
const REMEMBERED: usize = 1 << 16;

/// Turns for connections.
#[derive(Debug)]
pub struct Turns {
    gap_ns: u64,
    network_gap_ns: u64,
    next_ns: u64,
    networks: HashMap<u32, u64>,
}

impl Turns {
    /// `rate` and `rate_per_24` in connections/s; 0 for no limit.
    pub fn new(rate: f64, rate_per_24: f64) -> Self {
        let gap = |rate: f64| if rate > 0.0 { (1e9 / rate) as u64 } else { 0 };
        Self { gap_ns: gap(rate), network_gap_ns: gap(rate_per_24), next_ns: 0, networks: HashMap::new() }
    }

    /// Takes the next turn in a /24: when it is, not before `now_ns`.
    pub fn take_in_network(&mut self, slash24: u32, now_ns: u64) -> u64 {
        if self.network_gap_ns == 0 {
            return now_ns;
        }
        if self.networks.len() >= REMEMBERED {
            self.networks.retain(|_, next| *next > now_ns);
        }
        let next = self.networks.entry(slash24).or_insert(0);
        let turn = now_ns.max(*next);
        *next = turn + self.network_gap_ns;
        turn
    }

    /// Takes the next turn of all.
    pub fn take(&mut self, now_ns: u64) -> u64 {
        let turn = now_ns.max(self.next_ns);
        self.next_ns = turn + self.gap_ns;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_rate_is_exceeded() {
        let mut turns = Turns::new(1000.0, 10.0);
        let (mut now, mut of_network) = (0, Vec::new());
        let mut all = Vec::new();
        for round in 0..300 {
            let network = turns.take_in_network(round % 3, now);
            if round % 3 == 0 {
                of_network.push(network);
            }
            all.push(turns.take(network.max(now)));
            now += 10_000;
        }
        assert!(of_network.windows(2).all(|pair| pair[1] - pair[0] >= 100_000_000));
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] >= 1_000_000));
    }

    #[test]
    fn without_limits_every_turn_is_now() {
        let mut turns = Turns::new(0.0, 0.0);
        assert_eq!((turns.take_in_network(1, 5), turns.take(5), turns.take(5)), (5, 5, 5));
    }

    #[test]
    fn memory_is_bounded() {
        let mut turns = Turns::new(0.0, 1.0);
        for network in 0..300_000 {
            turns.take_in_network(network, u64::from(network) * 1_000_000);
        }
        assert!(turns.networks.len() <= REMEMBERED);
    }
}
