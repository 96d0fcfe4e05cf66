//! Watches the delays of each /24 while a scan runs, and says by how much to slow down there: a [`NetworkPacer`] each,
//! around what is usual in that network, over all its hosts.
//!
//! What is usual follows the network: less at once, as when a scan began in a congestion; more only after delays have
//! stayed there for two spans of ten minutes although the rate was cut - then it is a new route, or a congestion that
//! is not ours and that we cannot cure.

mod usual;

use hashbrown::HashMap;

use self::usual::Usual;
use super::pacer::{NetworkPacer, PaceChange, PaceConfig};

/// A rise below this is no queue of ours, s.
const LEAST_ALARM_S: f64 = 0.1;
/// Mean deviations above what is usual that are alarming: hosts of one network differ.
const ALARM_DEVIATIONS: f64 = 4.0;
/// More than this part of the alarm one answer does not count: it takes five slow ones in a row to raise it, so that a
/// few slow hosts among quick ones do not.
const MOST_OF_ALARM: f64 = 1.6;
/// Slowest, as part of the limit.
const SLOWEST: f64 = 1.0 / 8.0;
/// Networks watched at a time: 70 MB. Others are scanned at their limit, as ever, and counted.
const MOST_NETWORKS: usize = 1 << 18;
/// One bit for each /24 there is.
const WORDS: usize = 1 << 18;

/// One network.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    usual: Usual,
    alarm_s: f64,
    pacer: Option<NetworkPacer>,
}

/// All networks of a scan.
#[derive(Debug)]
pub struct DelayWatch {
    limit_pps: f64,
    networks: HashMap<u32, Watched>,
    most_networks: usize,
    /// Networks that answered and are not watched, a bit each; empty while there are none.
    unwatched: Vec<u64>,
    unwatched_count: u64,
}

impl DelayWatch {
    /// For a scan with this limit per network, pps.
    pub fn new(limit_pps: f64) -> Self {
        let networks = HashMap::new();
        Self { limit_pps, networks, most_networks: MOST_NETWORKS, unwatched: Vec::new(), unwatched_count: 0 }
    }

    /// An answer of a host in `network` (its number: address / 256) took `delay_s`. A change, and the power of 2 by
    /// which the network's rate is to be divided from now on. Tens of ns.
    pub fn answered(&mut self, network: u32, now_ns: u64, delay_s: f64) -> Option<(PaceChange, u8)> {
        if !(delay_s >= 0.0 && delay_s.is_finite()) {
            return None;
        }
        if self.networks.len() >= self.most_networks && !self.networks.contains_key(&network) {
            self.leave_out(network);
            return None;
        }
        let watched = self.networks.entry(network).or_default();
        if let Some(shift_s) = watched.usual.learn(now_ns, delay_s) {
            watched.adapt(shift_s, now_ns, self.limit_pps);
        }
        let pacer = watched.pacer.as_mut()?;
        let excess_s = (delay_s - watched.usual.level_s()).clamp(0.0, MOST_OF_ALARM * watched.alarm_s);
        let change = pacer.answered(now_ns, excess_s)?;
        let level = (self.limit_pps / change.to_pps).log2().round().clamp(0.0, 255.0) as u8;
        Some((change, level))
    }

    /// Networks that answered and are not watched, because too many are.
    pub fn unwatched(&self) -> u64 {
        self.unwatched_count
    }

    fn leave_out(&mut self, network: u32) {
        self.unwatched.resize(WORDS, 0);
        let Some(word) = self.unwatched.get_mut(network as usize / 64) else { return };
        let bit = 1 << (network % 64);
        self.unwatched_count += u64::from(*word & bit == 0);
        *word |= bit;
    }
}

impl Watched {
    /// What is usual rose by `shift_s`, or is known for the first time.
    fn adapt(&mut self, shift_s: f64, now_ns: u64, limit_pps: f64) {
        let expected_s = self.usual.deviation_s();
        self.alarm_s = (ALARM_DEVIATIONS * expected_s).max(LEAST_ALARM_S);
        let config = PaceConfig { limit_pps, least_pps: limit_pps * SLOWEST, expected_s, alarm_s: self.alarm_s };
        match &mut self.pacer {
            Some(pacer) => pacer.expect(expected_s, self.alarm_s, shift_s),
            None => self.pacer = Some(NetworkPacer::new(config, now_ns)),
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

    /// The brake at the end of so many answers, ten a second; `level` is that at their beginning.
    fn brake(watch: &mut DelayWatch, from: u64, answers: u64, mut level: u8, delay_s: impl Fn(u64) -> f64) -> u8 {
        for index in from..from + answers {
            if let Some((_, now)) = watch.answered(1, index * TENTH_NS, delay_s(index)) {
                level = now;
            }
        }
        level
    }

    #[test]
    fn hosts_that_differ_are_no_alarm_but_a_rise_of_all_is() {
        let mut watch = DelayWatch::new(10.0);
        for index in 0..30_000 {
            assert_eq!(watch.answered(1, index * TENTH_NS, delay_s(index)), None, "{index}");
        }
        let mut rise = |from: u64, added_s: f64| -> Vec<(PaceChange, u8)> {
            let answers = from..from + 200;
            answers.filter_map(|index| watch.answered(1, index * TENTH_NS, delay_s(index) + added_s)).collect()
        };
        let down = rise(30_000, 5.0);
        assert!(down.first().is_some_and(|(change, level)| *level == 1 && change.to_pps < change.from_pps), "{down:?}");
        assert!(down.iter().any(|(_, level)| *level == 3), "{down:?}");
        let up: Vec<u8> = (0..10).flat_map(|round| rise(30_200 + round * 200, 0.0)).map(|(_, level)| level).collect();
        assert_eq!(up.last(), Some(&0), "{up:?}");
        // The neighbour is not concerned.
        assert_eq!(watch.answered(2, 0, 5.0), None);
    }

    #[test]
    fn a_few_slow_hosts_that_were_not_among_the_first_are_no_alarm() {
        let mut watch = DelayWatch::new(10.0);
        for index in 0..30_000_u64 {
            let slow = index > 100 && index % 5 < 2;
            assert_eq!(watch.answered(1, index * TENTH_NS, if slow { 4.0 } else { 0.02 }), None, "{index}");
        }
    }

    #[test]
    fn a_few_quick_hosts_among_slow_ones_are_no_alarm() {
        let mut watch = DelayWatch::new(10.0);
        let mut state = 7_u64;
        for index in 0..60_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let quick = (state >> 33).is_multiple_of(8);
            assert_eq!(watch.answered(1, index * TENTH_NS, if quick { 0.02 } else { 0.30 }), None, "{index}");
        }
    }

    #[test]
    fn a_scan_that_begins_in_a_congestion_notices_the_next_one() {
        let mut watch = DelayWatch::new(10.0);
        let busy = |index: u64| 0.9 + (index % 7) as f64 * 0.02;
        let quiet = |index: u64| 0.02 + (index % 7) as f64 * 0.002;
        assert_eq!(brake(&mut watch, 0, 600, 0, busy), 0);
        assert_eq!(brake(&mut watch, 600, 600, 0, quiet), 0);
        assert_eq!(brake(&mut watch, 1200, 200, 0, busy), STRONGEST);
    }

    const STRONGEST: u8 = 3;

    #[test]
    fn a_new_route_brakes_for_a_while_and_not_for_ever() {
        let mut watch = DelayWatch::new(10.0);
        let old = |index: u64| 0.02 + (index % 7) as f64 * 0.002;
        let new = |index: u64| 0.40 + (index % 7) as f64 * 0.002;
        assert_eq!(brake(&mut watch, 0, 9_000, 0, old), 0);
        // Nine minutes on, it is a congestion like any other; half an hour on, it is how things are.
        let level = brake(&mut watch, 9_000, 5_400, 0, new);
        assert_eq!(level, STRONGEST);
        assert_eq!(brake(&mut watch, 14_400, 14_000, level, new), 0);
        // And a real one on top of it is noticed.
        assert_eq!(brake(&mut watch, 28_400, 200, 0, |index| new(index) + 0.5), STRONGEST);
    }

    #[test]
    fn networks_that_find_no_room_are_counted_once() {
        let mut watch = DelayWatch { most_networks: 2, ..DelayWatch::new(10.0) };
        for network in [1, 2, 3, 3, 4, 1, 0xff_ffff] {
            assert_eq!(watch.answered(network, 0, 0.02), None);
        }
        assert_eq!((watch.unwatched(), watch.networks.len()), (3, 2));
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
