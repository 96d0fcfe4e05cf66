//! The loop against networks that become busy and quiet again.

use super::*;

const SECOND_NS: u64 = 1_000_000_000;

fn pacer() -> NetworkPacer {
    NetworkPacer::new(PaceConfig { limit_pps: 10.0, least_pps: 0.1, expected_s: 0.005, alarm_s: 0.030 }, 0)
}

/// Feeds one answer a second from `from_s` on.
fn feed(pacer: &mut NetworkPacer, from_s: u64, seconds: u64, excess_s: f64) -> Vec<PaceChange> {
    (from_s..from_s + seconds).filter_map(|second| pacer.answered(second * SECOND_NS, excess_s)).collect()
}

#[test]
fn delays_that_rise_halve_the_rate_soon_and_calm_brings_it_back_slowly() {
    let mut pacer = pacer();
    assert!(feed(&mut pacer, 0, 60, 0.005).is_empty());
    let down = feed(&mut pacer, 60, 20, 0.200);
    assert!(matches!(down[0], PaceChange { to_pps: 5.0, reason: PaceReason::DelayRose(_), .. }), "{down:?}");
    assert!(pacer.rate_pps() < 0.2, "{}", pacer.rate_pps());
    let text = down[0].to_string();
    assert!(text.starts_with("rate 10.000 -> 5.000 pps: delays rose to "), "{text}");
    feed(&mut pacer, 80, 60, 0.005);
    let half_way = pacer.rate_pps();
    assert!((2.0..8.0).contains(&half_way), "{half_way}");
    feed(&mut pacer, 140, 120, 0.005);
    assert!((pacer.rate_pps() - 10.0).abs() < 1e-9);
    assert!(pacer.counts().delay_backoffs >= 5 && pacer.counts().recoveries >= 9, "{:?}", pacer.counts());
}

#[test]
fn a_delay_that_has_become_usual_brakes_no_more() {
    let mut pacer = pacer();
    feed(&mut pacer, 0, 60, 0.200);
    assert!(pacer.is_braking());
    pacer.expect(0.005, 0.030, 0.195);
    feed(&mut pacer, 60, 300, 0.005);
    assert!(!pacer.is_braking());
}

#[test]
fn nonsense_and_a_clock_that_steps_back_change_nothing() {
    let mut pacer = pacer();
    feed(&mut pacer, 100, 50, 0.005);
    for excess_s in [f64::NAN, -1.0, f64::INFINITY] {
        assert_eq!(pacer.answered(200 * SECOND_NS, excess_s), None);
    }
    assert_eq!(pacer.answered(0, 0.005), None);
    assert_eq!((pacer.rate_pps(), pacer.counts().absurd), (10.0, 3));
}

/// A queue that our own probes fill: the loop must settle below what the queue can take, without stopping.
#[test]
fn it_settles_where_the_network_has_room() {
    let mut pacer = pacer();
    let mut sum = 0.0;
    for tick in 0..6000_u64 {
        // Room for 4 pps: beyond it delays grow.
        let excess_s = 0.005 + (pacer.rate_pps() - 4.0).max(0.0) * 0.05;
        pacer.answered(tick * SECOND_NS / 2, excess_s);
        sum += pacer.rate_pps();
    }
    let mean_pps = sum / 6000.0;
    assert!((2.0..4.6).contains(&mean_pps), "{mean_pps}");
}
