//! Ends that nobody planned: signals. Other faults are tried by `prober-lab trial`.

use prober_tests::trial::faults;

#[test]
fn signals_end_a_scan_such_that_it_can_go_on() {
    let finding = faults::stops().unwrap();
    assert!(finding.holds(), "{finding}");
}
