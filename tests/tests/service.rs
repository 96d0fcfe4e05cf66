//! The daemon while it runs: what it is told counts at once, and nothing is lost over it.

use prober_tests::trial::{Size, service};

#[test]
fn a_daemon_obeys_while_it_sends() {
    let finding = service::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}
