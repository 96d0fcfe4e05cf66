//! Networks of hosts that differ by seconds: how often the watch is wrong about them, and how soon it is right.

use super::*;
use crate::simulate::draws::Draws;

const TENTH_NS: u64 = 100_000_000;
const STRONGEST: u8 = 3;

/// How a host answers.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A median, s, and the spread of the logarithm.
    Steady(f64, f64),
    /// Awake, and up to 1.28 s longer in four of ten.
    Sleeping(f64),
    /// At least so long, with a tail that has no variance.
    Heavy(f64),
}

impl Kind {
    /// As the emulated world has them: a third of the hosts quick, others of every kind up to 8 s.
    fn any(draws: &mut Draws) -> Self {
        let mut between = |low: f64, high: f64| low * (high / low).powf(draws.unit());
        match between(1.0, 100.0) as u32 {
            0..10 => Self::Steady(between(0.001, 0.03), 0.1),
            10..20 => Self::Steady(between(0.005, 0.2), 0.8),
            20..35 => Self::Sleeping(between(0.05, 0.2)),
            35..60 => Self::Heavy(between(0.01, 0.3)),
            _ => Self::Steady(between(0.5, 8.0), 0.3),
        }
    }

    fn delay_s(self, draws: &mut Draws) -> f64 {
        match self {
            Self::Steady(median_s, spread) => draws.lognormal(median_s, spread),
            Self::Sleeping(awake_s) => awake_s + if draws.chance(0.4) { draws.between(0.0, 1.28) } else { 0.0 },
            Self::Heavy(least_s) => least_s * (1.0 - draws.unit()).powf(-1.0 / 1.1),
        }
    }
}

/// In which order the hosts of a network answer.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// Any of them at any time, as in a scan.
    Mixed,
    /// One after the other, each 32 times, as in visits.
    Visits,
    /// The quick ones for a long time, then the slow ones.
    QuickFirst,
}

/// A network that answers ten times a second.
struct Network {
    draws: Draws,
    hosts: Vec<Kind>,
    order: Order,
    answers: u64,
}

impl Network {
    fn new(seed: u64, hosts: usize, order: Order) -> Self {
        let mut draws = Draws::new(seed, 0);
        let hosts = (0..hosts).map(|_| Kind::any(&mut draws)).collect();
        Self { draws, hosts, order, answers: 0 }
    }

    /// Some of which all are quick and steady.
    fn homogeneous(seed: u64, hosts: usize) -> Self {
        Self { hosts: vec![Kind::Steady(0.02, 0.2); hosts], ..Self::new(seed, hosts, Order::Mixed) }
    }

    /// The next answer's changes, all delays longer by `added_s`.
    fn answer(&mut self, watch: &mut DelayWatch, added_s: f64) -> Option<(PaceChange, u8)> {
        let quick = |host: &Kind| matches!(host, Kind::Steady(median_s, _) if *median_s < 0.3);
        let count = self.hosts.len();
        let host = match self.order {
            Order::Mixed => self.draws.below(count),
            Order::Visits => (self.answers / 32) as usize % count,
            Order::QuickFirst => {
                let is_quick = self.answers % 4_000 < 2_000;
                let some = self.draws.below(count);
                (some..count).chain(0..some).find(|host| quick(&self.hosts[*host]) == is_quick).unwrap_or(some)
            }
        };
        let delay_s = self.hosts[host].delay_s(&mut self.draws) + added_s;
        self.answers += 1;
        watch.answered(256 + host as u32, self.answers * TENTH_NS, delay_s)
    }

    /// The brake after so many answers; `level` is that before.
    fn brake(&mut self, watch: &mut DelayWatch, answers: u64, mut level: u8, added_s: f64) -> u8 {
        for _ in 0..answers {
            if let Some((_, now)) = self.answer(watch, added_s) {
                level = now;
            }
        }
        level
    }
}

/// Alarms in a million answers of networks in which nothing rises.
fn false_alarms(order: Order, hosts: usize) -> usize {
    let mut alarms = 0;
    for seed in 0..100 {
        let (mut watch, mut network) = (DelayWatch::new(10.0), Network::new(seed, hosts, order));
        for _ in 0..10_000 {
            let change = network.answer(&mut watch, 0.0);
            alarms += usize::from(change.is_some_and(|(change, _)| change.to_pps < change.from_pps));
        }
    }
    alarms
}

#[test]
fn hosts_that_differ_by_seconds_are_no_alarm_in_any_order() {
    for order in [Order::Mixed, Order::Visits, Order::QuickFirst] {
        for hosts in [1, 3, 20, 100] {
            let alarms = false_alarms(order, hosts);
            println!("{order:?} {hosts} hosts: {alarms} alarms in a million answers");
            assert!(alarms <= 2, "{order:?} {hosts}: {alarms}");
        }
    }
}

/// Answers until the first alarm of a rise, of 100 networks in order; those without one within 200 count 200.
fn answers_to_alarm(network: impl Fn(u64) -> Network, added_s: f64) -> Vec<usize> {
    let mut delays: Vec<usize> = (0..100)
        .map(|seed| {
            let (mut watch, mut network) = (DelayWatch::new(10.0), network(seed));
            network.brake(&mut watch, 1_000, 0, 0.0);
            (0..200).position(|_| network.answer(&mut watch, added_s).is_some()).unwrap_or(200) + 1
        })
        .collect();
    delays.sort_unstable();
    delays
}

#[test]
fn a_rise_of_all_is_found_in_few_answers() {
    for (name, added_s, hosts, median, most) in [
        ("alike", 0.3, 20, 5, 8),
        ("alike", 0.3, 3, 5, 8),
        ("alike", 0.3, 1, 5, 8),
        ("different", 1.0, 20, 8, 14),
        ("different", 3.0, 20, 8, 14),
        ("different", 3.0, 3, 8, 14),
    ] {
        let network = |seed| match name {
            "alike" => Network::homogeneous(seed, hosts),
            _ => Network::new(seed, hosts, Order::Mixed),
        };
        let found = answers_to_alarm(network, added_s);
        println!("{hosts} {name} hosts, {added_s} s: {} answers, 95 % {}", found[50], found[95]);
        assert!(found[50] <= median && found[95] <= most, "{hosts} {name}, {added_s} s: {found:?}");
    }
}

#[test]
fn the_rate_goes_down_with_a_rise_and_comes_back_after_it() {
    let (mut watch, mut network) = (DelayWatch::new(10.0), Network::new(4, 20, Order::Mixed));
    assert_eq!(network.brake(&mut watch, 3_000, 0, 0.0), 0);
    assert_eq!(network.brake(&mut watch, 300, 0, 5.0), STRONGEST);
    assert_eq!(network.brake(&mut watch, 2_000, STRONGEST, 0.0), 0);
    // The neighbour is not concerned.
    assert_eq!(watch.answered(1 << 9, 0, 5.0), None);
}

#[test]
fn a_scan_of_one_port_notices_a_rise_of_first_answers() {
    let mut watch = DelayWatch::new(10.0);
    let mut level = 0;
    for host in 0..120_u32 {
        let delay_s = 0.02 + f64::from(host % 5) * 0.02 + if host < 80 { 0.0 } else { 1.0 };
        if let Some((_, now)) = watch.answered(256 + host, u64::from(host) * 5 * TENTH_NS, delay_s) {
            level = now;
        }
        assert!(host >= 80 || level == 0, "{host}");
    }
    assert_eq!(level, STRONGEST);
}

#[test]
fn a_scan_that_begins_in_a_congestion_notices_the_next_one() {
    let (mut watch, mut network) = (DelayWatch::new(10.0), Network::homogeneous(1, 20));
    assert_eq!(network.brake(&mut watch, 600, 0, 0.9), 0);
    assert_eq!(network.brake(&mut watch, 1_200, 0, 0.0), 0);
    assert_eq!(network.brake(&mut watch, 200, 0, 0.9), STRONGEST);
}

#[test]
fn a_new_route_brakes_for_a_while_and_not_for_ever() {
    let (mut watch, mut network) = (DelayWatch::new(10.0), Network::homogeneous(2, 20));
    assert_eq!(network.brake(&mut watch, 9_000, 0, 0.0), 0);
    // Nine minutes on, it is a congestion like any other; an hour on, it is how things are.
    assert_eq!(network.brake(&mut watch, 5_400, 0, 0.4), STRONGEST);
    assert_eq!(network.brake(&mut watch, 14_000, STRONGEST, 0.4), 0);
    // And a real one on top of it is noticed.
    assert_eq!(network.brake(&mut watch, 200, 0, 0.9), STRONGEST);
}

/// A queue that our own probes fill: the loop must settle where it takes no longer than what is late, without stopping.
#[test]
fn it_settles_where_the_network_has_room() {
    let (mut watch, mut network) = (DelayWatch::new(10.0), Network::homogeneous(3, 20));
    network.brake(&mut watch, 500, 0, 0.0);
    let (mut level, mut sum_pps) = (0, 0.0);
    for _ in 0..6_000 {
        let rate_pps = 10.0 / f64::from(1_u32 << level);
        level = network.brake(&mut watch, 1, level, (rate_pps - 4.0).max(0.0) * 0.2);
        sum_pps += rate_pps;
    }
    let mean_pps = sum_pps / 6_000.0;
    assert!((2.0..5.0).contains(&mean_pps), "{mean_pps}");
}

#[test]
fn networks_that_find_no_room_are_counted_once() {
    let mut watch = DelayWatch { most_networks: 2, ..DelayWatch::new(10.0) };
    for network in [1_u32, 2, 3, 3, 4, 1, 0xff_ffff] {
        assert_eq!(watch.answered(network << 8, 0, 0.02), None);
    }
    assert_eq!((watch.unwatched(), watch.networks.len()), (3, 2));
}

#[test]
fn nonsense_is_passed_over() {
    let mut watch = DelayWatch::new(10.0);
    for delay_s in [f64::NAN, -1.0, f64::INFINITY] {
        assert_eq!(watch.answered(256, 0, delay_s), None);
    }
    assert!(watch.networks.is_empty());
}
