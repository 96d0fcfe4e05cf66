//! The loop through alarms and calm times.

use super::*;

const SECOND_NS: u64 = 1_000_000_000;

fn pacer() -> NetworkPacer {
    NetworkPacer::new(PaceConfig { limit_pps: 10.0, least_pps: 0.1 }, 0)
}

/// Feeds the same sign once a second from `from_s` on.
fn feed(pacer: &mut NetworkPacer, from_s: u64, seconds: u64, sign: Sign) -> Vec<PaceChange> {
    (from_s..from_s + seconds).filter_map(|second| pacer.heard(second * SECOND_NS, sign)).collect()
}

#[test]
fn an_alarm_halves_the_rate_at_once_and_calm_brings_it_back_slowly() {
    let mut pacer = pacer();
    assert!(feed(&mut pacer, 0, 60, Sign::Calm).is_empty());
    let down = feed(&mut pacer, 60, 20, Sign::Rose(0.2));
    assert!(matches!(down[0], PaceChange { to_pps: 5.0, reason: PaceReason::DelayRose(_), .. }), "{down:?}");
    assert!(pacer.rate_pps() < 0.2 && pacer.is_braking(), "{}", pacer.rate_pps());
    let text = down[0].to_string();
    assert_eq!(text, "rate 10.000 -> 5.000 pps: delays rose by 200.0 ms over what is usual");
    assert!(feed(&mut pacer, 80, 60, Sign::Unsure).is_empty());
    feed(&mut pacer, 140, 60, Sign::Calm);
    let half_way = pacer.rate_pps();
    assert!((2.0..8.0).contains(&half_way), "{half_way}");
    feed(&mut pacer, 200, 120, Sign::Calm);
    assert!(!pacer.is_braking());
}

#[test]
fn it_does_not_halve_again_before_the_last_halving_can_be_seen() {
    let mut pacer = pacer();
    let at = |ms: u64| ms * 1_000_000;
    assert!(pacer.heard(at(0), Sign::Rose(0.2)).is_some());
    assert!(pacer.heard(at(1_900), Sign::Rose(0.2)).is_none());
    assert!(pacer.heard(at(2_000), Sign::Rose(0.2)).is_some());
    // A clock that steps back changes nothing.
    assert!(pacer.heard(0, Sign::Rose(0.2)).is_none());
}
