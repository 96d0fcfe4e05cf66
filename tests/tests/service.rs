//! The daemon while it runs: what it is told counts at once, and nothing is lost over it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use prober_tests::trial::{Size, hardened, hardship, service, years};

/// One at a time: each has daemons that take what processors there are, and bounds on what may wait meanwhile.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_daemon_obeys_while_it_sends() {
    let _alone = alone();
    let finding = service::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn a_daemon_runs_as_its_unit_says() {
    let _alone = alone();
    let finding = hardened::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn a_daemon_survives_what_befalls_it() {
    let _alone = alone();
    let finding = hardship::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn neither_memory_nor_files_grow_over_the_years() {
    let _alone = alone();
    let finding = years::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}
