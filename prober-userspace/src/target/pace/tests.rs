//! The pacer under random callers: never above the window, close to the rate in the long run.

use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;

fn pacer(pps: f64) -> Pacer {
    let rate = Rate::from_pps(pps).expect("in bounds");
    Pacer::new(PacerConfig::for_each_of(1, rate), 0)
}

/// The most packets sent in any 10 ms.
fn busiest_10_ms(sends: &[(u64, usize)]) -> usize {
    let mut oldest = 0;
    let mut inside = 0;
    let mut most = 0;
    for &(at_ns, packets) in sends {
        inside += packets;
        while sends[oldest].0 + 10 * MS < at_ns {
            inside -= sends[oldest].1;
            oldest += 1;
        }
        most = most.max(inside);
    }
    most
}

/// Runs a caller that waits as told, is held up now and then, and sends late by up to `lag_ns` after a grant.
fn run(
    pps: f64,
    for_ns: u64,
    mut held_ns: impl FnMut(u64) -> u64,
    mut lag_ns: impl FnMut() -> u64,
) -> Vec<(u64, usize)> {
    let mut pacer = pacer(pps);
    let mut now_ns = 0;
    let mut sends = Vec::new();
    while now_ns < for_ns {
        let granted = pacer.grant(now_ns, 64);
        if granted > 0 {
            now_ns += lag_ns();
            sends.push((now_ns, granted));
        } else {
            let wait_ns = pacer.wait_ns(now_ns, 64).expect("not paused");
            now_ns += wait_ns.max(1) + held_ns(now_ns);
        }
    }
    sends
}

proptest! {
    #![proptest_config(crate::target::properties::config(40))]

    #[test]
    fn no_10_ms_exceed_their_share_by_more_than_the_slack(
        pps in prop_oneof![1.0..100.0, 1e3..1e5, 1e5..3e6_f64],
        holds in prop::collection::vec(prop_oneof![6 => 0..2_000_u64, 3 => 0..100_000_u64, 1 => 0..20 * MS], 64),
        lags in prop::collection::vec(prop_oneof![40 => 0..2_000_u64, 1 => 0..5 * MS], 97),
    ) {
        let (mut hold, mut lag) = (holds.iter().cycle(), lags.iter().cycle());
        let for_ns = ((20_000.0 / pps * 1e9) as u64).max(100 * MS);
        let sends = run(pps, for_ns, |_| *hold.next().expect("cycle"), || *lag.next().expect("cycle"));
        let limit = pps * 0.01 + 64.0;
        prop_assert!(busiest_10_ms(&sends) as f64 <= limit, "{} > {limit}", busiest_10_ms(&sends));
    }

    #[test]
    fn the_rate_holds_although_the_thread_is_held_up(
        pps in prop_oneof![1.0..100.0, 1e3..1e5, 1e5..2e6_f64],
        held_us in 1_u64..5_000,
        late_ns in 0_u64..8_000,
    ) {
        // Up to 800 packets a second, or 2 % of the rate, are held up.
        let every_ns = (held_us as f64 * 1000.0 * f64::max(pps / 800.0, 50.0)) as u64;
        let mut next_ns = every_ns;
        let for_ns = ((1000.0 / pps * 1e9) as u64).max(2_000 * MS);
        let sends = run(pps, for_ns, |now_ns| {
            if now_ns < next_ns {
                return late_ns;
            }
            next_ns = now_ns + every_ns;
            held_us * 1000
        }, || 0);
        let sent: usize = sends.iter().map(|send| send.1).sum();
        let expected = pps * for_ns as f64 / 1e9;
        // Half a per cent, the group that is open at each end, and the last hold-up if it was just now.
        let error = (sent as f64 - expected).abs();
        prop_assert!(error <= expected * 0.005 + 32.0 + pps * held_us as f64 / 1e6, "{sent} sent, {expected} expected");
    }
}

#[test]
fn slow_rates_send_singles_and_fast_rates_groups() {
    for (pps, group) in [(1.0, 1), (100.0, 1), (10_000.0, 1), (100_000.0, 2), (1e6, 24), (5e6, 24)] {
        let sends = run(pps, (1e9 / pps * 2000.0) as u64, |_| 0, || 0);
        assert!(sends.iter().all(|&(_, packets)| packets == group), "{pps}: {:?}", &sends[..4]);
    }
}

#[test]
fn nothing_is_made_up_for_after_pause_idleness_or_a_new_rate() {
    let second = 1_000 * MS;
    let drain = |pacer: &mut Pacer, now_ns| (0..100).map(|_| pacer.grant(now_ns, 64)).sum::<usize>();
    let mut pacer = pacer(10_000.0);
    drain(&mut pacer, 0);
    pacer.pause();
    assert_eq!((pacer.grant(second, 64), pacer.wait_ns(second, 64)), (0, None));
    pacer.resume(10 * second);
    assert_eq!(drain(&mut pacer, 10 * second), 1);
    pacer.forgive(11 * second);
    assert_eq!(drain(&mut pacer, 11 * second), 1);
    pacer.set_rate(Rate::from_pps(1000.0).expect("in bounds"), 12 * second);
    assert_eq!(drain(&mut pacer, 12 * second), 1);
    assert_eq!(pacer.wait_ns(12 * second, 64), Some(MS));
    // A clock that steps back grants nothing and breaks nothing.
    assert_eq!(drain(&mut pacer, 0), 0);
    assert_eq!(drain(&mut pacer, 12 * second + MS), 1);
}

#[test]
fn what_is_given_back_can_go_at_once() {
    let mut pacer = pacer(1e6);
    assert_eq!(pacer.grant(0, 64), 24);
    pacer.give_back(24);
    assert_eq!(pacer.grant(0, 64), 24);
    assert_eq!(pacer.grant(0, 64), 0);
}
