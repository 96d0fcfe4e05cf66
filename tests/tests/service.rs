//! The daemon while it runs: what it is told counts at once, and nothing is lost over it.

use prober_tests::trial::{Size, hardship, service, years};

#[test]
fn a_daemon_obeys_while_it_sends() {
    let finding = service::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn a_daemon_survives_what_befalls_it() {
    let finding = hardship::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn neither_memory_nor_files_grow_over_the_years() {
    let finding = years::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}
