//! What the prober stores is true, whole, and stored once - whoever answers, however often, however late.

use prober_tests::trial::{Size, found, overflow, replays, spoofing, timing};

#[test]
fn forged_answers_are_refused() {
    let finding = spoofing::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn answers_that_come_again_are_duplicates() {
    let finding = replays::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn what_the_ring_cannot_hold_is_counted() {
    let finding = overflow::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn no_time_is_shorter_than_the_truth() {
    let finding = timing::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn servers_are_found_where_they_are_and_nowhere_else() {
    let finding = found::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}
