//! The prober reaches everything it shall, once, and nothing else: counted at the far end.

use prober_tests::trial::{Size, coverage, exclusions, kills, shards};

#[test]
fn live_frames_reach_each_address_and_port_once() {
    let finding = coverage::run(Size::Small, "live-frames").unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn af_xdp_reaches_each_address_and_port_once() {
    let finding = coverage::run(Size::Small, "af-xdp").unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn packet_sockets_reach_each_address_and_port_once() {
    let finding = coverage::run(Size::Small, "packet").unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn shards_are_disjoint_and_complete() {
    let finding = shards::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn nothing_reaches_excluded_prefixes() {
    let finding = exclusions::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}

#[test]
fn kills_lose_no_target_and_leave_nothing_attached() {
    let finding = kills::run(Size::Small).unwrap();
    assert!(finding.holds(), "{finding}");
}
