//! Properties of the planner: nobody excluded, never over a rate, nothing forgotten, a restart neither repeats nor forgets.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::policy::learnt_networks::LearntNetworks;
use crate::policy::port_bits::PortBits;
use crate::policy::scheme::efficient::{Efficient, PortSets};

const HOUR_S: u32 = 3_600;
const DAY_S: u32 = 24 * HOUR_S;

struct Rules {
    excluded: fn(u32) -> bool,
    outside: fn(u32) -> bool,
}

impl Admission for Rules {
    fn admits(&self, address: V4) -> bool {
        !(self.excluded)(address.0)
    }
    fn watches(&self, address: V4) -> bool {
        !(self.outside)(address.0)
    }
}

const ALL: Rules = Rules { excluded: |_| false, outside: |_| false };

fn scheme() -> Scheme {
    let ports = |count: u16| (1..=count).collect::<PortBits>();
    let sets = PortSets { standard: ports(60), answering: ports(30), silent: ports(6), devices: Vec::new() };
    Scheme::Efficient(Efficient::new(sets))
}

fn states(count: u32) -> Vec<TargetState> {
    (0..count)
        .map(|number| {
            let mut state = TargetState::new(0x1400_0000 + number, 0);
            state.cluster = (number % 3) as u16;
            state
        })
        .collect()
}

/// Which ports answer at an address and a time: every eighth address has some, which change every ten days.
fn open(address: V4, ports: &[u16], at_s: u32) -> Vec<u16> {
    let era = at_s / (10 * DAY_S);
    let is_open =
        |port: &&u16| address.0.is_multiple_of(8) && (u32::from(**port) + era + address.0 / 8).is_multiple_of(20);
    ports.iter().filter(is_open).copied().collect()
}

#[derive(Debug)]
struct Visited {
    at_s: f64,
    address: u32,
    cluster: u16,
    ports: usize,
}

/// Lets a planner run, each visit decided a minute after it began.
fn run(planner: &mut Planner, from_s: u32, until_s: u32, admission: &dyn Admission) -> Vec<Visited> {
    let (mut visited, mut under_way, mut out) = (Vec::new(), Vec::new(), Vec::new());
    for now_s in (from_s..until_s).step_by(60) {
        for (visit, began_s) in under_way.drain(..) {
            let visit: PlannedVisit = visit;
            let open = open(visit.address, &visit.ports, began_s);
            planner.decide(visit.number, began_s, Found { open: &open, device: None });
        }
        planner.take(f64::from(now_s), 1_000, u64::MAX, admission, &mut out);
        for visit in out.drain(..) {
            visited.push(Visited {
                at_s: f64::from(now_s),
                address: visit.address.0,
                cluster: visit.cluster,
                ports: visit.ports.len(),
            });
            under_way.push((visit, now_s));
        }
    }
    for (visit, began_s) in under_way {
        let open = open(visit.address, &visit.ports, began_s);
        planner.decide(visit.number, began_s, Found { open: &open, device: None });
    }
    visited
}

/// The most probes in any window of this length.
fn most_probes<'a>(visited: impl Iterator<Item = &'a Visited>, window_s: f64) -> f64 {
    let visited: Vec<&Visited> = visited.collect();
    let (mut first, mut sum, mut most) = (0, 0, 0);
    for visit in &visited {
        sum += visit.ports;
        while visited[first].at_s <= visit.at_s - window_s {
            sum -= visited[first].ports;
            first += 1;
        }
        most = most.max(sum);
    }
    most as f64
}

fn config(rate_pps: f64) -> PlannerConfig {
    PlannerConfig { rate_pps, ahead_s: 60.0, bucket_s: 60, wall: WallTime { began_at: UtcMicros(0), scale: 1.0 } }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn never_over_the_rates_and_never_to_the_excluded(rate_pps in 0.3..5.0_f64, cluster_pps in 0.05..0.5_f64) {
        let rules = Rules { excluded: |address| address % 5 == 0, outside: |address| address % 7 == 0 };
        let mut planner = Planner::new(config(rate_pps), scheme(), states(400), 0);
        planner.set_cluster_rate(2, cluster_pps);
        let visited = run(&mut planner, 0, 5 * DAY_S, &rules);
        prop_assert!(visited.iter().all(|visit| visit.address % 5 != 0 && visit.address % 7 != 0));
        for window_s in [600.0, 6.0 * 3_600.0] {
            let most = most_probes(visited.iter(), window_s);
            let allowed = rate_pps * (window_s + 60.0) + 60.0;
            prop_assert!(most <= allowed, "{most} of {allowed} in {window_s}");
            let most = most_probes(visited.iter().filter(|visit| visit.cluster == 2), window_s);
            let allowed = cluster_pps * (window_s + 120.0) + 120.0;
            prop_assert!(most <= allowed, "{most} of {allowed} in {window_s}, of the cluster");
        }
    }

    #[test]
    fn nothing_is_forgotten_nor_repeated(seed_s in 0..DAY_S, restart in any::<bool>()) {
        let mut planner = Planner::new(config(1e6), scheme(), states(200), seed_s);
        let half_s = seed_s + 20 * DAY_S;
        let mut visited = run(&mut planner, seed_s, half_s, &ALL);
        if restart {
            // What the store keeps: states, and the open ports of each.
            let kept = planner.states().to_vec();
            let ports: Vec<Vec<u16>> =
                kept.iter().map(|state| planner.scheme().open_ports(state.address).to_vec()).collect();
            let mut scheme = scheme();
            for (state, ports) in kept.iter().zip(&ports) {
                scheme.restore(state, ports);
            }
            planner = Planner::new(config(1e6), scheme, kept, half_s);
        }
        visited.extend(run(&mut planner, half_s, half_s + 20 * DAY_S, &ALL));
        let mut uninterrupted = Planner::new(config(1e6), self::scheme(), states(200), seed_s);
        let expected = run(&mut uninterrupted, seed_s, half_s + 20 * DAY_S, &ALL);
        let times = |visited: &[Visited]| {
            let mut times: HashMap<u32, Vec<(u64, usize)>> = HashMap::new();
            for visit in visited {
                times.entry(visit.address).or_default().push((visit.at_s as u64, visit.ports));
            }
            times
        };
        prop_assert_eq!(times(&visited), times(&expected));
        for of in times(&visited).values() {
            prop_assert!(of.len() >= 7 && of.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 14 * 86_400 + 120));
        }
    }
}

#[test]
fn first_visits_are_spread_and_a_plan_that_cannot_be_met_says_by_how_much() {
    // 400 addresses x 60 ports at 0.1 pps take 240,000 s.
    let mut planner = Planner::new(config(0.1), scheme(), states(400), 0);
    let first_round_s = planner.status(0.0, 1.0, 400.0).first_round_s;
    assert!((239_000.0..241_000.0).contains(&first_round_s), "{first_round_s}");
    let visited = run(&mut planner, 0, 10 * DAY_S, &ALL);
    let mut first: HashMap<u32, f64> = HashMap::new();
    for visit in &visited {
        first.entry(visit.address).or_insert(visit.at_s);
    }
    let latest = first.values().copied().fold(0.0, f64::max);
    assert!(first.len() == 400 && (200_000.0..500_000.0).contains(&latest), "{} by {latest}", first.len());
    let status = planner.status(f64::from(10 * DAY_S), 1.0, 400.0);
    assert!(status.needed_pps < 0.1 && status.advice.is_none() && status.first_round_s.abs() < 1e-9, "{status:?}");
    // A tenth of that is too slow for 50 hosts that change.
    planner.set_rate(0.001);
    run(&mut planner, 10 * DAY_S, 25 * DAY_S, &ALL);
    let status = planner.status(f64::from(25 * DAY_S), 1.0, 400.0);
    let advice = status.advice.clone().expect("it cannot be met");
    assert!(advice.contains("times the 0 that the limits allow") && status.behind_s > DAY_S, "{advice} {status:?}");
    assert!(status.due_visits > 0);
}

#[test]
fn newcomers_take_what_the_others_leave() {
    // 400 known addresses, of which 350 need 6 probes within 14 days and 50 need 30 to 60 within 12 hours: 0.03 to 0.07 pps.
    let mut known = Planner::new(config(0.2), scheme(), states(400), 0);
    run(&mut known, 0, 20 * DAY_S, &ALL);
    let mut joined = known.states().to_vec();
    joined.extend((0..2_000).map(|number| TargetState::new(0x1500_0000 + number * 8 + 1, 0)));
    let mut planner = Planner::new(config(0.2), scheme(), joined, 20 * DAY_S);
    let (begun_s, days) = (20 * DAY_S, 8);
    let visited = run(&mut planner, begun_s, begun_s + days * DAY_S, &ALL);
    // As often as before, although some 2,000 others have waited for longer.
    let of_known = visited.iter().filter(|visit| visit.address < 0x1500_0000).count();
    let alone = run(&mut known, begun_s, begun_s + days * DAY_S, &ALL).len();
    assert!(of_known * 10 >= alone * 9, "{of_known} of {alone}");
    let new: HashSet<u32> =
        visited.iter().map(|visit| visit.address).filter(|address| *address >= 0x1500_0000).collect();
    let left = planner.standings().new as usize;
    assert!(new.len() + left == 2_000 && new.len() > 800, "{} and {left}", new.len());
}

#[test]
fn a_plan_needs_nothing_for_those_who_may_not_be_visited() {
    // Half of them, with as many open ports as the others.
    let rules = Rules { excluded: |address| address / 8 % 4 == 0, outside: |address| address / 8 % 4 == 1 };
    let mut planner = Planner::new(config(1e6), scheme(), states(416), 0);
    run(&mut planner, 0, DAY_S, &rules);
    let [all, half] = [416.0, 208.0].map(|admitted| planner.status(f64::from(DAY_S), 1.0, admitted).needed_pps);
    let mut alone = Planner::new(config(1e6), scheme(), states(416), 0);
    run(&mut alone, 0, DAY_S, &ALL);
    let whole = alone.status(f64::from(DAY_S), 1.0, 416.0).needed_pps;
    assert!((0.8..1.25).contains(&(half / (whole / 2.0))), "{half} of {whole}");
    assert!((all - half).abs() < 1e-9 && planner.status(f64::from(DAY_S), 1.0, 0.0).needed_pps.abs() < 1e-9, "{all}");
    let [all, half] = [416.0, 208.0].map(|admitted| planner.status(f64::from(DAY_S), 1.0, admitted).first_round_s);
    assert!(all > 0.0 && half.abs() < 1e-9, "half of them were never visited, and may not be: {all} {half}");
}

#[test]
fn an_address_excluded_meanwhile_comes_back_half_a_day_later() {
    let mut planner = Planner::new(config(1e6), scheme(), states(1), 0);
    let mut out = Vec::new();
    planner.take(f64::from(DAY_S), 10, u64::MAX, &ALL, &mut out);
    assert_eq!(out.len(), 1);
    planner.give_up(out[0].number, DAY_S);
    out.clear();
    planner.take(f64::from(DAY_S + 11 * HOUR_S), 10, u64::MAX, &ALL, &mut out);
    assert!(out.is_empty());
    planner.take(f64::from(DAY_S + 12 * HOUR_S), 10, u64::MAX, &ALL, &mut out);
    assert_eq!(out.len(), 1);
    assert_eq!(planner.standings().new, 1);
}

#[test]
fn those_who_join_the_share_come_spread_over_half_a_day() {
    let tenth = Rules { excluded: |_| false, outside: |address| address % 10 != 0 };
    let joined_s = 3 * DAY_S;
    let most_new_in_an_hour = |planner: &mut Planner| {
        let visited = run(planner, joined_s, joined_s + 2 * DAY_S, &ALL);
        let mut first: HashMap<u32, f64> = HashMap::new();
        for visit in visited.iter().filter(|visit| visit.address % 10 != 0) {
            first.entry(visit.address).or_insert(visit.at_s);
        }
        assert_eq!(first.len(), 1_800, "all of them come");
        let mut hours: HashMap<u64, u32> = HashMap::new();
        for at_s in first.values() {
            *hours.entry(*at_s as u64 / 3_600).or_default() += 1;
        }
        hours.into_values().max().unwrap()
    };
    let mut planner = Planner::new(config(1e6), scheme(), states(2_000), 0);
    run(&mut planner, 0, joined_s, &tenth);
    let mut restarted = Planner::new(config(1e6), scheme(), planner.states().to_vec(), joined_s);
    for planner in [&mut planner, &mut restarted] {
        let most = most_new_in_an_hour(planner);
        assert!(most <= 1_800 / 12 * 3 / 2, "{most} of 1,800 within an hour");
    }
}

/// Quiet from 2 to 4 o'clock, every day.
fn quiet_hours() -> QuietHours {
    let load = |cell: usize| if (2..4).contains(&(cell % 24)) { 0.1 } else { 0.7 };
    let grid = crate::policy::grid::DayGrid::new(24, 0).expect("24 slots fill a day");
    QuietHours::new(grid, (0..48).map(|cell| (cell, load(cell), 1e3)))
}

#[test]
fn clusters_learnt_meanwhile_are_taken_over_in_slices_and_move_visits_into_their_quiet_hours() {
    // Midnight between two Mondays; the hours are those of the watch, sixty times as fast as on the wall.
    let began_at = UtcMicros(1_794_787_200_000_000);
    let config = PlannerConfig { wall: WallTime { began_at, scale: 60.0 }, ..config(1e6) };
    let mut planner = Planner::new(config, scheme(), states(600), 0);
    planner.set_quiet_hours(1, quiet_hours());
    planner.set_cluster_rate(1, 7.0);
    let with_hours = |planner: &Planner| -> Vec<u16> {
        planner.rates_at(began_at).into_iter().map(|(cluster, _)| cluster).collect()
    };
    let learnt = LearntNetworks::new([(0x1400_0000, 4)], [(4, quiet_hours())]);
    planner.take_over(Arc::new(learnt));
    let mut rest = Vec::new();
    for slice in 1..=3 {
        assert!(planner.is_taking_over() && rest.is_empty());
        assert_eq!(with_hours(&planner), [1, 5], "nobody is without a limit meanwhile");
        rest = planner.take_over_some(250);
        let numbers = 0..600_u32;
        let is_done = |number: &u32| planner.state(*number).cluster == if *number < 256 { 5 } else { 0 };
        let expected = |number: u32| number < slice * 250 || number >= 256 && number.is_multiple_of(3);
        assert!(numbers.clone().filter(is_done).eq(numbers.filter(|number| expected(*number))), "slice {slice}");
    }
    assert_eq!((rest, planner.is_taking_over(), with_hours(&planner)), (vec![1], false, vec![5]));
    assert!(planner.take_over_some(250).is_empty());

    run(&mut planner, 0, 40 * DAY_S, &ALL);
    let is_quiet = |state: &&TargetState| (2..4).contains(&(state.due_s % DAY_S / HOUR_S));
    // Those with an interval of four days or more can reach any hour.
    let far = |cluster: u16| {
        let of = planner.states().iter().filter(move |state| state.cluster == cluster);
        of.filter(|state| state.due_s - state.visited_s >= 5 * DAY_S)
    };
    assert!(far(5).count() > 200 && far(5).all(|state| is_quiet(&state)));
    assert!(far(0).filter(is_quiet).count() < far(0).count() / 4);
}

#[test]
fn what_is_learnt_while_it_is_taken_over_replaces_it() {
    let mut planner = Planner::new(config(1e6), scheme(), states(300), 0);
    let learnt = |cluster| Arc::new(LearntNetworks::new([(0x1400_0000, cluster)], [(cluster, quiet_hours())]));
    planner.take_over(learnt(7));
    assert!(planner.take_over_some(100).is_empty());
    planner.take_over(learnt(2));
    assert_eq!(planner.take_over_some(1_000), [8]);
    assert!(planner.states().iter().take(256).all(|state| state.cluster == 3));
}

#[test]
fn what_is_forgotten_is_as_if_it_had_never_been_visited() {
    let mut planner = Planner::new(config(10_000.0), scheme(), states(64), 0);
    run(&mut planner, 0, DAY_S, &ALL);
    let before = *planner.state(8);
    assert_eq!((planner.standings().new, before.standing()), (0, Standing::Answering));
    assert!(!planner.scheme().open_ports(before.address).is_empty());
    for _ in 0..2 {
        planner.forget(8);
        let mut expected = TargetState::new(before.address, before.due_s);
        expected.cluster = before.cluster;
        assert_eq!(*planner.state(8), expected);
        assert_eq!((planner.standings().new, planner.standings().answering), (1, 7));
        assert!(planner.scheme().open_ports(before.address).is_empty());
    }
    let again = run(&mut planner, DAY_S, 30 * DAY_S, &ALL);
    assert!(again.iter().any(|visit| visit.address == before.address), "it stays in the plan");
}

#[test]
fn a_device_that_is_named_late_is_what_its_next_visit_goes_by() {
    let mut planner = Planner::new(config(10_000.0), scheme(), states(64), 0);
    run(&mut planner, 0, DAY_S, &ALL);
    let before = *planner.state(8);
    assert!(planner.name(8, 3) && !planner.name(8, 3), "it is news once");
    let mut expected = before;
    expected.set_standing(Standing::Device(3));
    assert_eq!(*planner.state(8), expected, "when it is due stays");
    assert_eq!((planner.standings().answering, planner.standings().device), (7, 1));
    assert!(planner.name(8, 4), "it is another one after all");
    assert!(!planner.name(9, 3), "whoever has not answered is nothing");
    let again = run(&mut planner, DAY_S, 30 * DAY_S, &ALL);
    assert!(again.iter().any(|visit| visit.address == before.address), "it stays in the plan");
}
