//! Schedules: their budget, their gaps, their ports.

use prober_common::event::ProbeKind;

use super::*;

fn request(mode: StudyMode, terminals: u32, budget_pps: f64) -> StudyRequest {
    let tcp = |port| ProbePort { kind: ProbeKind::TcpSyn, port };
    StudyRequest {
        terminals: (0..terminals).map(|host| V4(0x0a00_0001 + (host % 5) + ((host / 5) << 8))).collect(),
        ports: vec![tcp(22), tcp(80), tcp(443), ProbePort::ICMP],
        mode,
        bursts: 6,
        budget_pps,
        seed: 7,
    }
}

#[test]
fn no_access_point_gets_more_than_its_budget() {
    for (mode, budget_pps) in [(StudyMode::Series, 20.0), (StudyMode::Series, 4.0), (StudyMode::Pairs, 0.5)] {
        let sends = schedule(&request(mode, 12, budget_pps)).unwrap();
        let mut last: BTreeMap<u32, f64> = BTreeMap::new();
        for send in &sends {
            let before = last.insert(send.address.0 >> 8, send.at_s);
            let gap_s = before.map_or(f64::INFINITY, |before| send.at_s - before);
            assert!(gap_s >= 1.0 / budget_pps - 1e-9, "{mode:?} {budget_pps}: {gap_s}");
        }
        assert_eq!(last.len(), 3, "every access point has its turn");
    }
}

#[test]
fn a_terminal_alone_has_jittered_bursts_and_every_port_alike() {
    let sends = schedule(&request(StudyMode::Series, 1, 100.0)).unwrap();
    let gaps: Vec<f64> = sends.windows(2).map(|pair| pair[1].at_s - pair[0].at_s).collect();
    let (short, long): (Vec<f64>, Vec<f64>) = gaps.into_iter().partition(|gap| *gap < 1.0);
    assert_eq!(long.len(), 5, "six bursts");
    assert!(short.iter().all(|gap| (0.05..=0.12).contains(gap)));
    let spread = short.iter().copied().fold(0.0, f64::max) - short.iter().copied().fold(1.0, f64::min);
    assert!(spread > 0.05, "a fixed gap would beat against cycles of sleep");
    let on = |port: u16| sends.iter().filter(|send| send.port.port == port).count() as i64;
    assert!((on(22) - on(443)).abs() <= 6, "{} and {}", on(22), on(443));
}

#[test]
fn pairs_are_pairs_and_the_same_seed_gives_the_same_schedule() {
    let sends = schedule(&request(StudyMode::Pairs, 1, 10.0)).unwrap();
    assert_eq!(sends.len(), 12);
    assert!(sends.chunks(2).all(|pair| (1.0..=2.0).contains(&(pair[1].at_s - pair[0].at_s))));
    assert_eq!(sends, schedule(&request(StudyMode::Pairs, 1, 10.0)).unwrap());
    let other = StudyRequest { seed: 8, ..request(StudyMode::Pairs, 1, 10.0) };
    assert_ne!(sends, schedule(&other).unwrap());
}

#[test]
fn what_cannot_be_is_refused() {
    let good = request(StudyMode::Series, 1, 10.0);
    assert_eq!(schedule(&StudyRequest { terminals: vec![], ..good.clone() }), Err(StudyError::Nothing));
    assert_eq!(schedule(&StudyRequest { budget_pps: 0.0, ..good.clone() }), Err(StudyError::Budget(0.0)));
    assert!(matches!(schedule(&StudyRequest { bursts: u32::MAX, ..good }), Err(StudyError::TooLarge(_))));
}
