//! Bad input, bad places, bad databases and ends that nobody planned: one clear line each, and nothing lost.

use prober_tests::trial::faults;

#[test]
fn signals_end_a_scan_such_that_it_can_go_on() {
    let finding = faults::stops().unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn bad_input_is_refused_in_one_line() {
    let finding = faults::input().unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn a_bad_place_is_told_in_one_line() {
    let finding = faults::place().unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn a_bad_database_is_told_and_a_full_disk_loses_nothing() {
    let finding = faults::storage().unwrap();
    assert!(finding.holds(), "{finding}");
}
