//! Watches the delays of each /24 while a scan runs, and says by how much to slow down there: a [`NetworkPacer`] each,
//! around what is usual in that network. What is usual is taken from its first answers, over all its hosts.

use hashbrown::HashMap;

use super::pacer::{NetworkPacer, PaceChange, PaceConfig};

/// Answers that say what is usual in a network.
const USUAL_ANSWERS: u32 = 24;
/// A rise below this is no queue of ours, s.
const LEAST_ALARM_S: f64 = 0.1;
/// Mean deviations above what is usual that are alarming: hosts of one network differ.
const ALARM_DEVIATIONS: f64 = 4.0;
/// More than this part of the alarm one answer does not count: it takes five slow ones in a row to raise it, so that a
/// few slow hosts among quick ones do not.
const MOST_OF_ALARM: f64 = 1.6;
/// Slowest, as part of the limit.
const SLOWEST: f64 = 1.0 / 8.0;
/// Networks watched at a time: 10 MB. Others are scanned at their limit, as ever.
const MOST_NETWORKS: usize = 1 << 16;

/// One network.
#[derive(Clone, Copy, Debug)]
struct Watched {
    usual_s: f64,
    deviation_s: f64,
    seen: u32,
    alarm_s: f64,
    pacer: Option<NetworkPacer>,
}

/// All networks of a scan.
#[derive(Debug)]
pub struct DelayWatch {
    limit_pps: f64,
    networks: HashMap<u32, Watched>,
}

impl DelayWatch {
    /// For a scan with this limit per network, pps.
    pub fn new(limit_pps: f64) -> Self {
        Self { limit_pps, networks: HashMap::new() }
    }

    /// An answer of a host in `network` took `delay_s`. A change, and the power of 2 by which the network's rate is to
    /// be divided from now on. Tens of ns.
    pub fn answered(&mut self, network: u32, now_ns: u64, delay_s: f64) -> Option<(PaceChange, u8)> {
        if !(delay_s >= 0.0 && delay_s.is_finite()) {
            return None;
        }
        if self.networks.len() >= MOST_NETWORKS && !self.networks.contains_key(&network) {
            return None;
        }
        let unknown = Watched { usual_s: delay_s, deviation_s: 0.0, seen: 0, alarm_s: 0.0, pacer: None };
        let watched = self.networks.entry(network).or_insert(unknown);
        let Some(pacer) = &mut watched.pacer else {
            watched.learn(delay_s, now_ns, self.limit_pps);
            return None;
        };
        let excess_s = (delay_s - watched.usual_s).clamp(0.0, MOST_OF_ALARM * watched.alarm_s);
        let change = pacer.answered(now_ns, excess_s)?;
        let level = (self.limit_pps / change.to_pps).log2().round().clamp(0.0, 255.0) as u8;
        Some((change, level))
    }
}

impl Watched {
    fn learn(&mut self, delay_s: f64, now_ns: u64, limit_pps: f64) {
        self.seen += 1;
        let weight = 1.0 / f64::from(self.seen);
        self.deviation_s += weight * ((delay_s - self.usual_s).abs() - self.deviation_s);
        self.usual_s += weight * (delay_s - self.usual_s);
        if self.seen >= USUAL_ANSWERS {
            self.alarm_s = (ALARM_DEVIATIONS * self.deviation_s).max(LEAST_ALARM_S);
            let config = PaceConfig {
                limit_pps,
                least_pps: limit_pps * SLOWEST,
                expected_s: self.deviation_s,
                alarm_s: self.alarm_s,
            };
            self.pacer = Some(NetworkPacer::new(config, now_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH_NS: u64 = 100_000_000;

    /// Hosts of one network differ by 80 ms; one answer in ten comes after seconds.
    fn delay_s(index: u64) -> f64 {
        if index % 10 == 7 { 3.0 } else { 0.020 + (index % 5) as f64 * 0.020 }
    }

    #[test]
    fn hosts_that_differ_are_no_alarm_but_a_rise_of_all_is() {
        let mut watch = DelayWatch::new(10.0);
        for index in 0..600 {
            assert_eq!(watch.answered(1, index * TENTH_NS, delay_s(index)), None, "{index}");
        }
        let mut rise = |from: u64, added_s: f64| -> Vec<(PaceChange, u8)> {
            let answers = from..from + 200;
            answers.filter_map(|index| watch.answered(1, index * TENTH_NS, delay_s(index) + added_s)).collect()
        };
        let down = rise(600, 5.0);
        assert!(down.first().is_some_and(|(change, level)| *level == 1 && change.to_pps < change.from_pps), "{down:?}");
        assert!(down.iter().any(|(_, level)| *level == 3), "{down:?}");
        let up: Vec<u8> = (0..10).flat_map(|round| rise(800 + round * 200, 0.0)).map(|(_, level)| level).collect();
        assert_eq!(up.last(), Some(&0), "{up:?}");
        // The neighbour is not concerned.
        assert_eq!(watch.answered(2, 0, 5.0), None);
    }

    #[test]
    fn a_few_slow_hosts_that_were_not_among_the_first_are_no_alarm() {
        let mut watch = DelayWatch::new(10.0);
        for index in 0..2000_u64 {
            let slow = index > 100 && index % 5 < 2;
            assert_eq!(watch.answered(1, index * TENTH_NS, if slow { 4.0 } else { 0.02 }), None, "{index}");
        }
    }

    #[test]
    fn nonsense_is_passed_over() {
        let mut watch = DelayWatch::new(10.0);
        for delay_s in [f64::NAN, -1.0, f64::INFINITY] {
            assert_eq!(watch.answered(1, 0, delay_s), None);
        }
        assert!(watch.networks.is_empty());
    }
}
