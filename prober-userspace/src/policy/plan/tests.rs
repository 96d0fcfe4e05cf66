//! Deadlines, quiet slots, exploration and their limits.

use super::*;
use crate::network::congestion::medium::Medium;
use crate::network::congestion::rate::RateBound;

fn service() -> ServiceTime {
    ServiceTime { log_sd: 0.0, ..ServiceTime::of(Medium::Lte, 60.0) }
}

/// Slots with these loads, each known within 0.05.
fn slots(loads: &[f64]) -> Vec<(Place, LoadEstimate)> {
    let load = |load: f64| LoadEstimate { load, low: load - 0.05, high: load + 0.05, answers: 100.0 };
    let place = |slot: usize| Place { day: 20_000, slot: slot as u16, weekend: false };
    loads.iter().enumerate().map(|(index, one)| (place(index), load(*one))).collect()
}

fn plan(config: &PlanConfig, loads: &[f64], demands: &[Demand]) -> Plan {
    Plan::of_loads(config, 1800.0, &service(), slots(loads), demands)
}

fn all(plan: &Plan, demand: usize) -> f64 {
    plan.slots.iter().map(|slot| slot.chosen[demand] + slot.explored[demand] + slot.forced[demand]).sum()
}

#[test]
fn the_quiet_slots_before_the_deadline_are_chosen() {
    let config = PlanConfig { exploration: 0.0, ..PlanConfig::default() };
    let loads = [0.7, 0.3, 0.6, 0.2, 0.1];
    let plan = plan(&config, &loads, &[Demand { probes: 50.0, due: 2 }, Demand { probes: 50.0, due: 4 }]);
    let used: Vec<Use> = plan.slots.iter().map(PlannedSlot::used).collect();
    assert_eq!(used, [Use::Left, Use::Quiet, Use::Left, Use::Left, Use::Quiet]);
    assert_eq!((plan.slots[1].chosen[0], plan.slots[4].chosen[1]), (50.0, 50.0));
    assert_eq!(plan.late, [0.0, 0.0]);
}

/// Whatever the loads: every demand is planned in full and before its deadline, limits or not.
#[test]
fn no_deadline_is_missed() {
    let mut draws = crate::simulate::draws::Draws::new(11, 0);
    for _ in 0..200 {
        let loads: Vec<f64> = (0..48).map(|_| draws.unit()).collect();
        let demands: Vec<Demand> = (0..=draws.below(4))
            .map(|_| Demand { probes: draws.lognormal(10_000.0, 3.0), due: draws.below(48) })
            .collect();
        let plan = plan(&PlanConfig::default(), &loads, &demands);
        for (index, demand) in demands.iter().enumerate() {
            assert!((all(&plan, index) / demand.probes - 1.0).abs() < 1e-6, "{demand:?}");
            assert!(plan.late[index] <= 0.0);
            let late = plan.slots[demand.due + 1..].iter().map(|slot| slot.chosen[index] + slot.forced[index]);
            assert!(late.sum::<f64>() <= 0.0);
        }
        for slot in &plan.slots {
            let within: f64 = slot.chosen.iter().chain(&slot.explored).sum();
            assert!(within <= slot.limit.pps * 1800.0 + 1e-6);
        }
    }
}

#[test]
fn the_highest_rate_stands_above_a_deadline_and_what_is_late_is_said() {
    let config = PlanConfig { most_pps: 1.0, ..PlanConfig::default() };
    let plan = plan(&config, &[0.9, 0.2], &[Demand { probes: 5000.0, due: 1 }]);
    assert!((plan.late[0] - 1400.0).abs() < 1.0, "{:?}", plan.late);
    assert!(plan.slots.iter().all(|slot| slot.probes() <= 1800.0 + 1e-6));
}

#[test]
fn exploration_looks_where_least_is_known_within_its_budget() {
    let mut slots = slots(&[0.2; 8]);
    slots[5].1 = LoadEstimate { low: 0.1, high: 0.6, ..slots[5].1 };
    let config = PlanConfig { exploration: 0.1, ..PlanConfig::default() };
    let plan = Plan::of_loads(&config, 1800.0, &service(), slots, &[Demand { probes: 100.0, due: 7 }]);
    let explored: Vec<f64> = plan.slots.iter().map(|slot| slot.explored[0]).collect();
    assert!((explored.iter().sum::<f64>() - 10.0).abs() < 1e-9, "{explored:?}");
    assert!(explored.iter().enumerate().all(|(index, probes)| index == 5 || *probes < explored[5]));
}

#[test]
fn an_unknown_network_is_probed_evenly_and_says_so() {
    let unknown = |slot: usize| (Place { day: 20_000, slot: slot as u16, weekend: false }, LoadEstimate::UNKNOWN);
    let plan = Plan::of_loads(
        &PlanConfig::default(),
        1800.0,
        &service(),
        (0..24).map(unknown),
        &[Demand { probes: 24_000.0, due: 23 }],
    );
    assert!(plan.slots.iter().all(|slot| (slot.probes() - 1000.0).abs() < 50.0));
    assert!(plan.slots.iter().all(|slot| slot.limit.bound == RateBound::Least));
    let grid = DayGrid::new(24, 0).expect("24 divides a day");
    assert!(plan.explain(grid).iter().all(|slot| slot.reason.starts_with("nothing known yet")));
}

#[test]
fn each_target_has_its_slot_in_proportion() {
    let plan = plan(&PlanConfig::default(), &[0.8, 0.2, 0.3], &[Demand { probes: 5000.0, due: 2 }]);
    let mut counts = [0.0; 3];
    for target in 0..5000_u64 {
        counts[plan.slot_of(0, crate::target::splitmix::mix(target)).expect("it has probes")] += 1.0;
    }
    for (count, slot) in counts.iter().zip(&plan.slots) {
        assert!((count - slot.probes()).abs() < 100.0, "{count} {}", slot.probes());
    }
    assert_eq!(plan.slot_of(3, 1), None);
}

#[test]
fn nothing_to_do_and_nonsense_are_plans_too() {
    assert!(plan(&PlanConfig::default(), &[], &[]).slots.is_empty());
    let plan = plan(&PlanConfig::default(), &[0.2], &[Demand { probes: f64::NAN, due: 0 }]);
    assert!(plan.slots[0].probes() <= 0.0);
    assert_eq!(plan.load_met(), None);
}
