//! The predictive scheme on addresses made up for the purpose.

use super::*;
use crate::policy::derive::{PortCounts, finding_order};
use crate::policy::scheme::Scheme;

fn scheme(addresses: u32) -> (Scheme, Vec<TargetState>) {
    let hosts: Vec<Vec<u16>> = (0..1_000_u32)
        .map(|number| if number % 2 == 0 { vec![80, 443] } else { vec![1_000 + (number % 50) as u16] })
        .collect();
    let hosts: Vec<&[u16]> = hosts.iter().map(Vec::as_slice).collect();
    let counts = PortCounts::of(hosts.iter().copied());
    let standard = counts.above(2);
    let states: Vec<_> = (0..addresses).map(|number| TargetState::new(0x0a00_0000 + number, 0)).collect();
    let config = PredictiveConfig { probes_per_day: 20.0, exploration: 0.0, answering: 0.02, sampled: 0.0 };
    let experience = Experience {
        finding: finding_order(&hosts),
        opening: counts.shares(&standard),
        standard: standard.into_iter().collect(),
    };
    (Scheme::Predictive(Box::new(Predictive::new(config, experience))), states)
}

#[test]
fn a_first_answer_leads_to_the_standard_set_at_once_and_known_ports_are_looked_at_again() {
    let (mut scheme, mut states) = scheme(256);
    let state = &mut states[7];
    scheme.learn(state, 0, Found { open: &[80], device: None });
    assert_eq!((state.standing(), state.due_s), (Standing::New, 0));
    assert!(scheme.visit(state, 0).is_standard);
    scheme.learn(state, 0, Found { open: &[80, 1_003], device: Some(4) });
    assert_eq!(state.standing(), Standing::Device(4));
    let due_s = state.due_s;
    assert!(due_s >= VISIT_S);
    let visit = scheme.visit(state, due_s);
    assert!(!visit.is_standard && visit.holds(80) && visit.holds(1_003));
}

#[test]
fn a_device_is_asked_for_all_ports_that_its_like_open() {
    let (mut scheme, mut states) = scheme(256);
    scheme.teach_device(4, &[80, 9_999]);
    let state = &mut states[7];
    scheme.learn(state, 0, Found { open: &[80], device: None });
    scheme.learn(state, 0, Found { open: &[80], device: Some(4) });
    assert!(scheme.visit(state, state.due_s).holds(9_999), "at no other address it is worth a probe");
    assert!(scheme.reasons(state).iter().any(|reason| reason.contains("2 ports that its device opens")));
    scheme.learn(state, state.due_s, Found { open: &[80], device: None });
    assert!(!scheme.visit(state, state.due_s).holds(9_999), "it is that device no longer");
}

#[test]
fn an_address_that_went_silent_is_asked_for_its_ports_until_they_are_forgotten() {
    let (mut scheme, mut states) = scheme(256);
    let state = &mut states[9];
    scheme.learn(state, 0, Found { open: &[443], device: None });
    scheme.learn(state, 0, Found { open: &[443], device: None });
    let mut standing = Vec::new();
    while state.due_s < 2 * KEEP_S {
        let now_s = state.due_s;
        standing.push((state.standing(), scheme.visit(state, now_s).holds(443)));
        scheme.learn(state, now_s, Found { open: &[], device: None });
    }
    assert_eq!(standing[0].0, Standing::Answering);
    assert_eq!(standing[1], (Standing::Gone, true));
    assert_eq!(standing.last().map(|(standing, _)| *standing), Some(Standing::Silent));
}

#[test]
fn what_finds_more_is_probed_more_often_within_the_budget() {
    let (mut scheme, mut states) = scheme(2_048);
    let days = 28;
    let mut probes = [0_u64; 2];
    let mut often = [0_u64; 2];
    for now_s in (0..days * 86_400).step_by(VISIT_S as usize) {
        for (number, state) in states.iter_mut().enumerate().filter(|(_, state)| state.due_s <= now_s) {
            let visit = scheme.visit(state, now_s);
            probes[number / 1_024] += visit.probes();
            often[0] += u64::from(visit.holds(80));
            often[1] += u64::from(visit.holds(1_001));
            // Of the first half one in 16 answers, each from another day on.
            let answers = number < 1_024 && number % 16 == 0 && now_s / 86_400 >= number as u32 / 16 % 28;
            scheme.learn(state, now_s, Found { open: if answers { &[80, 443] } else { &[] }, device: None });
        }
    }
    let budget = 20 * u64::from(days) * 2_048;
    let spent = probes[0] + probes[1];
    assert!(spent < budget * 13 / 10 && spent > budget / 2, "{spent} of {budget}");
    assert!(probes[0] > probes[1], "{probes:?}: neighbours of what answers are worth more");
    assert!(often[0] > 3 * often[1], "{often:?}");
}

#[test]
fn a_honeypot_teaches_nothing_and_comes_back_by_the_standard_set() {
    let (mut scheme, mut states) = scheme(256);
    let many: Vec<u16> = (1..=200).collect();
    let of_classes = |scheme: &Scheme| scheme.learnt().split('|').nth(1).map(str::to_owned);
    let learnt = of_classes(&scheme);
    let state = &mut states[7];
    scheme.learn(state, 0, Found { open: &many, device: None });
    assert_eq!((state.standing(), of_classes(&scheme)), (Standing::Honeypot, learnt));
    assert_eq!(scheme.newcomers(), Some(Vec::new()), "nor of its network");
    assert!(of_network(&scheme, &states[8]).contains("where 0 answer"));
    let state = &mut states[7];
    let mut standings = Vec::new();
    while state.due_s < 3 * KEEP_S {
        let now_s = state.due_s;
        // An ordinary host by now: 20 ports of those that are probed.
        let few: Vec<u16> = if scheme.visit(state, now_s).is_standard { vec![80] } else { (1..=20).collect() };
        scheme.learn(state, now_s, Found { open: &few, device: None });
        standings.push(state.standing());
    }
    let first = standings.iter().position(|standing| *standing != Standing::Honeypot);
    assert!(
        first.is_some_and(|first| standings[first] == Standing::New && standings[first + 1] == Standing::Answering)
    );
}

/// What a scheme knows of an address's network.
fn of_network(scheme: &Scheme, state: &TargetState) -> String {
    let reasons = scheme.reasons(state);
    reasons[0].split(':').next().expect("there is a first part").to_owned()
}

#[test]
fn who_came_to_a_network_outlives_a_restart() {
    const DAY_S: u32 = 86_400;
    let (mut before, mut states) = scheme(512);
    let mut found = |number: usize, now_s: u32, open: &[u16]| {
        before.learn(&mut states[number], now_s, Found { open, device: None });
    };
    // Four come to the first /24 and go again, one comes to the second and stays.
    for number in [1, 2, 3, 4, 300] {
        found(number, 0, &[80]);
        found(number, 0, &[80]);
    }
    for number in 1..=4 {
        found(number, DAY_S, &[]);
    }
    assert_eq!(before.newcomers(), Some(vec![(0x0a00_0000, 4)]));
    let mut state = states[400];
    before.learn(&mut state, 28 * DAY_S, Found { open: &[], device: None });
    let newcomers = before.newcomers().unwrap();
    assert_eq!(newcomers, [(0x0a00_0000, 2)], "half of them are forgotten");

    let (mut after, _) = scheme(512);
    for state in &states {
        after.restore(state, before.open_ports(state.address));
    }
    after.recall_newcomers(&newcomers);
    after.recall(&before.learnt(), 28 * DAY_S);
    for number in [1, 9, 300, 301] {
        let (one, other) = (of_network(&before, &states[number]), of_network(&after, &states[number]));
        assert_eq!(one, other, "address {number}");
    }
    assert_eq!(after.newcomers(), Some(newcomers.clone()));
    after.learn(&mut state, 29 * DAY_S, Found { open: &[], device: None });
    assert_eq!(after.newcomers(), Some(newcomers), "a restart does not forget once more");
}

#[test]
fn whoever_is_to_be_probed_on_the_standard_set_again_counts_as_answering_after_a_restart() {
    let (mut before, mut states) = scheme(256);
    before.learn(&mut states[7], 0, Found { open: &[80], device: None });
    assert_eq!(states[7].standing(), Standing::New);
    let (mut after, _) = scheme(256);
    for state in &states {
        after.restore(state, before.open_ports(state.address));
    }
    assert_eq!(of_network(&before, &states[9]), of_network(&after, &states[9]));
    assert!(of_network(&after, &states[9]).contains("where 1 answer and 0 came and went"));
}

#[test]
fn a_host_that_comes_back_as_it_was_is_no_newcomer() {
    let (mut scheme, mut states) = scheme(256);
    let state = &mut states[7];
    for day in 0..6 {
        let open: &[u16] = if day % 2 == 0 { &[80, 443] } else { &[] };
        scheme.learn(state, day * 86_400, Found { open, device: None });
    }
    assert_eq!(scheme.newcomers(), Some(vec![(0x0a00_0000, 1)]), "gone just now, and it came once");
    scheme.learn(state, 6 * 86_400, Found { open: &[80, 443], device: None });
    scheme.forget(state);
    assert_eq!(scheme.newcomers(), Some(Vec::new()), "nothing is left of it");
}

#[test]
fn what_answers_lead_to_is_of_the_budget() {
    // All answer, on many ports, and change them all the time.
    let (mut scheme, mut states) = scheme(1_024);
    let days = 56;
    let (mut late, mut budget) = (0, 0);
    for now_s in (0..days * 86_400).step_by(VISIT_S as usize) {
        let is_late = now_s > days / 2 * 86_400;
        for (number, state) in (0_u16..).zip(&mut states).filter(|(_, state)| state.due_s <= now_s) {
            late += u64::from(is_late) * scheme.visit(state, now_s).probes();
            let era = (now_s / 604_800) as u16;
            let open = [1_000 + (number + era) % 50, 1_000 + (number + 7 * era) % 50];
            let mut open: Vec<u16> = open.into_iter().filter(|port| scheme.visit(state, now_s).holds(*port)).collect();
            open.sort_unstable();
            open.dedup();
            scheme.learn(state, now_s, Found { open: &open, device: None });
        }
        budget += u64::from(is_late) * 1_024 * 20 * u64::from(VISIT_S) / 86_400;
    }
    assert!(late < budget * 13 / 10, "{late} of {budget}");
}
