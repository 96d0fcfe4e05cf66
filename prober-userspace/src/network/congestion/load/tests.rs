//! The estimate against exact queues, and against nonsense.

use super::*;
use crate::network::congestion::medium::Medium;

/// What an M/G/1 queue with these burst and jitter factors would show.
fn exact(service: &ServiceTime, load: f64, burst: f64, answers: f64) -> SlotDelays {
    let met = Met::expected(service, load, burst, service.idle_jitter_s);
    let mut below = [0.0; STEPS];
    let mut sum = 0.0;
    for (below, share) in below.iter_mut().zip(met.shares) {
        sum += share * answers;
        *below = sum;
    }
    SlotDelays { answers, below, mean_s: met.mean_s, sd_s: met.mean_s }
}

#[test]
fn a_queue_as_assumed_is_read_back() {
    for medium in [Medium::Wired, Medium::Wlan, Medium::Wisun, Medium::Lora] {
        let service = ServiceTime::of(medium, 60.0);
        let loads = [0.15, 0.35, 0.55, 0.75, 0.9];
        let slots = loads.map(|load| exact(&service, load, 1.7, 300.0));
        for (estimate, load) in estimate_day(&service, &slots).iter().zip(loads) {
            assert!((estimate.load - load).abs() < 0.08, "{medium} {load}: {estimate:?}");
            assert!(estimate.low <= load && load <= estimate.high, "{medium} {load}: {estimate:?}");
        }
    }
}

#[test]
fn more_answers_narrow_it_and_none_leave_it_unknown() {
    let service = ServiceTime::of(Medium::Wired, 60.0);
    let few = estimate_slot(&service, &exact(&service, 0.4, 1.7, 5.0));
    let many = estimate_slot(&service, &exact(&service, 0.4, 1.7, 300.0));
    assert!(many.uncertainty() < few.uncertainty() * 0.7, "{few:?} {many:?}");
    assert_eq!(estimate_slot(&service, &SlotDelays::default()), LoadEstimate::UNKNOWN);
}

/// Idle slots beside busy ones, whose burst factor makes the model sure of itself.
#[test]
fn a_few_quick_answers_do_not_prove_an_idle_network() {
    let service = ServiceTime::of(Medium::Wired, 60.0);
    for answers in [5.0, 20.0, 100.0] {
        let idle = SlotDelays { answers, below: [answers; STEPS], mean_s: 1e-5, sd_s: 1e-5 };
        let high = estimate_day(&service, &[idle, exact(&service, 0.9, 20.0, 300.0)])[0].high;
        assert!((3.0 / answers * 0.7..0.6).contains(&high), "{answers}: {high}");
    }
}

#[test]
fn nonsense_stays_unknown_and_extremes_stay_finite() {
    let service = ServiceTime::of(Medium::Lte, 60.0);
    let sound = SlotDelays { answers: 10.0, below: [1.0, 2.0, 3.0, 4.0], mean_s: 0.01, sd_s: 0.01 };
    for slot in [
        SlotDelays { mean_s: f64::NAN, ..sound },
        SlotDelays { mean_s: -1.0, ..sound },
        SlotDelays { below: [1.0, 2.0, 3.0, 11.0], ..sound },
        SlotDelays { below: [1.0, f64::NAN, 3.0, 4.0], ..sound },
        SlotDelays { sd_s: f64::INFINITY, ..sound },
        SlotDelays { answers: -1.0, ..sound },
    ] {
        assert_eq!(estimate_slot(&service, &slot), LoadEstimate::UNKNOWN, "{slot:?}");
    }
    for mean_s in [0.0, 1e-12, 1e6] {
        for below in [[0.0; STEPS], [10.0; STEPS]] {
            let estimate = estimate_slot(&service, &SlotDelays { below, mean_s, ..sound });
            assert!((0.0..=1.0).contains(&estimate.load) && estimate.low <= estimate.high, "{estimate:?}");
        }
    }
}
