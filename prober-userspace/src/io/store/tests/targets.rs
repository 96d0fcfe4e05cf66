//! States of targets: what is read back is what was written last.

use prober_common::address::V4;

use super::super::{StoredTarget, WatchClock};
use super::{count, new_database};
use crate::model::utc::UtcMicros;
use crate::policy::interval::Step;
use crate::policy::target_state::{Standing, TargetState};

fn target(address: u32, due_s: u32, standing: Standing, ports: &[u16]) -> StoredTarget {
    let mut state = TargetState::new(address, due_s);
    state.set_standing(standing);
    state.set_step(Step::new(3));
    state.visited_s = due_s / 2;
    state.fingerprint = 77;
    state.cluster = 9;
    StoredTarget { state, open_ports: ports.into() }
}

fn clock(clock_s: u32) -> WatchClock {
    WatchClock {
        began_at: UtcMicros(1_000_000),
        clock_s,
        time_scale: 1.0,
        scheme: "efficient".to_owned(),
        settings: String::new(),
        learnt: String::new(),
    }
}

#[test]
fn the_last_change_of_an_address_counts_and_survives_a_rewrite() {
    let (_folder, _path, store) = new_database();
    assert_eq!(store.watch_clock().unwrap(), None);
    let base: Vec<StoredTarget> = (0..300_000).map(|n| target(0x1400_0000 + n, n, Standing::Silent, &[])).collect();
    store.replace_targets(&base, 0).unwrap();
    let first = target(0x1400_0007, 50, Standing::Answering, &[80]);
    // Visited half a minute before it is due: 0.01 hours.
    let last = target(0x1400_0007, 60, Standing::Device(4), &[80, 443]);
    store.add_target_changes(&[first], 0, &clock(6), UtcMicros(0)).unwrap();
    store.add_target_changes(std::slice::from_ref(&last), 1, &clock(7), UtcMicros(0)).unwrap();
    store.replace_watch_devices(&vec![("Example Camera".to_owned(), vec![80, 554]); 5]).unwrap();

    let read = || {
        let mut states = std::collections::BTreeMap::new();
        store.for_each_target(|target| drop(states.insert(V4(target.state.address), target))).unwrap();
        states
    };
    let states = read();
    assert_eq!((states.len(), states.get(&V4(0x1400_0007))), (300_000, Some(&last)));
    assert_eq!(states.get(&V4(0x1400_0008)), Some(&base[8]));
    assert_eq!((store.next_target_change().unwrap(), store.watch_clock().unwrap()), (2, Some(clock(7))));
    let shown = "SELECT count(*)::UBIGINT FROM target_state WHERE standing = 'device' AND device = 'Example Camera'
                 AND open_ports = [80, 443] AND interval_hours = 0.01 AND visited_at IS NOT NULL AND ip = '20.0.0.7' AND cluster_id = 8";
    assert_eq!(count(&store, shown), 1);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM target_state"), 300_000);

    // Anew, in two parts, with a change after the first part.
    let all: Vec<StoredTarget> = states.values().cloned().collect();
    let (low, high) = all.split_at(100_000);
    store.replace_targets(low, 2).unwrap();
    assert_eq!(read(), states);
    assert_eq!(store.target_changes().unwrap(), 0, "they were of addresses of this part");
    let newer = target(0x1400_0007, 90, Standing::Gone, &[]);
    store.add_target_changes(std::slice::from_ref(&newer), 2, &clock(9), UtcMicros(0)).unwrap();
    store.replace_targets(high, 2).unwrap();
    let after = read();
    assert_eq!((after.len(), after.get(&V4(0x1400_0007))), (300_000, Some(&newer)));
    assert_eq!(after.get(&V4(0x1400_0008)), Some(&base[8]));
}

#[test]
fn changes_that_lie_far_apart_are_all_read_in_order() {
    let (_folder, _path, store) = new_database();
    for (number, first) in [0, 1 << 40, (1 << 40) + 5, 1 << 60].into_iter().enumerate() {
        let changed = [0, 1].map(|n| target(0x1400_0000 + n, number as u32, Standing::Silent, &[]));
        store.add_target_changes(&changed, first, &clock(1), UtcMicros(0)).unwrap();
    }
    let mut due_s = Vec::new();
    store.for_each_target(|target| due_s.push(target.state.due_s)).unwrap();
    assert_eq!(due_s, [0, 0, 1, 1, 2, 2, 3, 3]);
}

#[test]
fn what_is_not_watched_any_more_keeps_its_state() {
    let (_folder, _path, store) = new_database();
    let base: Vec<StoredTarget> = (0..1_000).map(|n| target(0x1400_0000 + n, n, Standing::Silent, &[])).collect();
    store.replace_targets(&base, 0).unwrap();
    let changed: Vec<StoredTarget> =
        [3, 500].map(|n| target(0x1400_0000 + n, 77, Standing::Answering, &[80])).into_iter().collect();
    store.add_target_changes(&changed, 0, &clock(1), UtcMicros(0)).unwrap();
    // From now on every tenth of the first half is watched.
    let watched: Vec<StoredTarget> = (0..50).map(|n| target(0x1400_0000 + 10 * n, 99, Standing::Gone, &[])).collect();
    store.replace_targets(&watched, 2).unwrap();
    let mut states = std::collections::BTreeMap::new();
    store.for_each_target(|target| drop(states.insert(target.state.address, target))).unwrap();
    assert_eq!(states.len(), 1_000);
    assert_eq!(states.get(&0x1400_000a), Some(&watched[1]));
    assert_eq!(states.get(&0x1400_0003), Some(&changed[0]));
    assert_eq!(states.get(&(0x1400_0000 + 500)), Some(&changed[1]));
    assert_eq!(states.get(&0x1400_000b), Some(&base[11]));
}

#[test]
fn networks_with_newcomers_are_those_of_the_last_time() {
    let (_folder, _path, store) = new_database();
    store.replace_newcomers(&[(0x1400_0000, 9), (0x1400_0100, 700)]).unwrap();
    store.replace_newcomers(&[(0x1400_0000, 3), (0x1400_0200, 65_535)]).unwrap();
    let mut all = store.newcomers(0, u32::MAX).unwrap();
    all.sort_unstable();
    assert_eq!(all, [(0x1400_0000, 3), (0x1400_0200, 65_535)]);
    assert_eq!(store.newcomers(0x1400_0200, 0x1400_0200).unwrap(), [(0x1400_0200, 65_535)]);
    store.replace_newcomers(&[]).unwrap();
    assert!(store.newcomers(0, u32::MAX).unwrap().is_empty());
}
