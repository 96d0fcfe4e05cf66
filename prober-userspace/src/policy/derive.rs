//! Port sets out of what answered so far: the standard set, the ports that find most open ports, and the order of ports
//! that finds most addresses. Addresses with as many open ports as a honeypot are left out. Where the answers come from
//! (the store, a simulation) is not known here.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// An address with at least this many open ports is set apart: honeypots answer everywhere ([000], traffic reduction).
pub const HONEYPOT_PORTS: usize = 100;

/// How often each port was open, over addresses.
#[derive(Clone, Debug)]
pub struct PortCounts {
    counts: Vec<u32>,
}

impl PortCounts {
    /// Of these addresses' open ports.
    pub fn of<'a>(addresses: impl IntoIterator<Item = &'a [u16]>) -> Self {
        let mut counts = vec![0; 1 << 16];
        for ports in addresses.into_iter().filter(|ports| ports.len() < HONEYPOT_PORTS) {
            for port in ports {
                counts[usize::from(*port)] += 1;
            }
        }
        Self { counts }
    }

    /// On how many addresses a port was open.
    pub fn count(&self, port: u16) -> u32 {
        self.counts[usize::from(port)]
    }

    /// All ports that were open on more than `addresses`, most frequent first.
    pub fn above(&self, addresses: u32) -> Vec<u16> {
        let mut ports: Vec<u16> = (1..=u16::MAX).filter(|port| self.count(*port) > addresses).collect();
        ports.sort_by_key(|port| (Reverse(self.count(*port)), *port));
        ports
    }

    /// The share of open ports that are on ports never seen open: about that of the ports seen once (Good 1953, "The population
    /// frequencies of species"), and never nothing.
    pub fn unseen_share(&self) -> f64 {
        let total: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let once = self.counts.iter().filter(|count| **count == 1).count();
        once.max(1) as f64 / total.max(1) as f64
    }

    /// How open ports fall on these ports.
    pub fn shares(&self, among: &[u16]) -> Vec<Gain> {
        let total: u64 = among.iter().map(|port| u64::from(self.count(*port))).sum();
        let share = |port: &u16| f64::from(self.count(*port)) / total.max(1) as f64;
        among.iter().map(|port| Gain { port: *port, share: share(port) }).collect()
    }

    /// The fewest ports, most frequent first, that hold this share (0 to 1) of what `among` finds.
    pub fn covering(&self, among: &[u16], share: f64) -> Vec<u16> {
        let mut ports = among.to_vec();
        ports.sort_by_key(|port| (Reverse(self.count(*port)), *port));
        let total: u64 = ports.iter().map(|port| u64::from(self.count(*port))).sum();
        let mut left = (total as f64 * share).ceil() as u64;
        let taken = ports.iter().take_while(|port| {
            let is_wanted = left > 0;
            left = left.saturating_sub(u64::from(self.count(**port)));
            is_wanted
        });
        taken.copied().collect()
    }
}

/// A port with its share: of the addresses that it finds and no port before it does, or of all open ports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// The port.
    pub port: u16,
    /// 0 to 1.
    pub share: f64,
}

/// The order of ports that finds addresses soonest: each is the one that most of the addresses not yet found have open.
/// The greedy order is within 1 - 1/e of the best one (Nemhauser, Wolsey, Fisher 1978). Time: addresses x ports x log.
pub fn finding_order(addresses: &[&[u16]]) -> Vec<Gain> {
    let addresses: Vec<&[u16]> = addresses.iter().copied().filter(|ports| ports.len() < HONEYPOT_PORTS).collect();
    let mut having: HashMap<u16, Vec<u32>> = HashMap::new();
    for (number, ports) in (0..).zip(&addresses) {
        for port in *ports {
            having.entry(*port).or_default().push(number);
        }
    }
    let mut is_found = vec![false; addresses.len()];
    // Gains only fall, so an entry that is still right at the top is the best (lazy greedy, Minoux 1978).
    let mut heap: BinaryHeap<(usize, Reverse<u16>)> =
        having.iter().map(|(port, numbers)| (numbers.len(), Reverse(*port))).collect();
    let mut order = Vec::new();
    while let Some((known, Reverse(port))) = heap.pop() {
        let gain = having[&port].iter().filter(|number| !is_found[**number as usize]).count();
        if gain == 0 {
            continue;
        }
        if gain < known && heap.peek().is_some_and(|(next, other)| (*next, *other) > (gain, Reverse(port))) {
            heap.push((gain, Reverse(port)));
            continue;
        }
        for number in &having[&port] {
            is_found[*number as usize] = true;
        }
        order.push(Gain { port, share: gain as f64 / addresses.len() as f64 });
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_follow_from_counts_without_honeypots() {
        let honeypot: Vec<u16> = (1..=200).collect();
        let addresses: Vec<&[u16]> = vec![&[80, 443], &[80, 443], &[80, 443, 22], &[80], &[23], &honeypot];
        let counts = PortCounts::of(addresses.iter().copied());
        assert_eq!((counts.count(80), counts.count(1)), (4, 0));
        assert_eq!(counts.above(2), [80, 443]);
        assert_eq!(counts.covering(&[22, 23, 80, 443], 0.7), [80, 443]);
        assert_eq!(counts.covering(&[22, 23, 80, 443], 1.0).len(), 4);
    }

    #[test]
    fn the_order_counts_only_what_is_not_found_yet() {
        let addresses: Vec<&[u16]> = vec![&[80, 443], &[80, 443], &[80], &[23], &[443]];
        let order = finding_order(&addresses);
        let ports: Vec<u16> = order.iter().map(|gain| gain.port).collect();
        assert_eq!(ports, [80, 23, 443]);
        assert!((order[0].share - 0.6).abs() < 1e-12);
        assert!((order.iter().map(|gain| gain.share).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
