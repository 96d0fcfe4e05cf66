//! What a night learns of networks, from the replies to what the watch is given.

use std::time::Duration;

use super::*;
use crate::engine::congestion_learning::{HALF_LIFE_DAYS, SINCE_DAYS, SLOTS};
use crate::engine::housekeeping::{NightlyWork, Successes, tidy};
use crate::io::store::{Access, RetentionLimits};
use crate::network::cluster::ClusterConfig;
use crate::network::congestion::medium::Medium;
use crate::network::local_time::Offsets;
use crate::policy::grid::DayGrid;
use crate::policy::target_state::TargetState;

const NOW: UtcMicros = UtcMicros(1_795_230_000_000_000);

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
    (folder, store)
}

/// An answer of each of three addresses in 30 /24s every so many minutes of the last `hours`.
fn answer(store: &Store, hours: i64, every_min: i64) {
    let first_us = NOW.0 - hours * 3_600_000_000;
    let insert = format!(
        "INSERT INTO reply BY NAME
         SELECT 1 AS scan_id, make_timestamp({first_us} + s * {every_min} * 60000000) AS received_at,
             (20000 + hash(n, a, s) % 30000)::UINTEGER AS rtt_us, (167772160 + n * 256 + a)::UINTEGER AS address, 80 AS port,
             0 AS kind, 0 AS probe, 0 AS detail, 60 AS ttl, 0 AS quoted_ttl
         FROM range(30) AS n(n), range(3) AS a(a), range({hours} * 60 // {every_min}) AS s(s)"
    );
    store.connection().execute_batch(&insert).unwrap();
}

fn work() -> NightlyWork {
    NightlyWork {
        at: Duration::ZERO,
        export: None,
        retention: RetentionLimits::default(),
        networks: Some(CongestionConfig {
            grid: DayGrid::new(SLOTS, 0).unwrap(),
            offsets: Offsets::all(0),
            medium: Medium::Unknown,
            half_life_days: HALF_LIFE_DAYS,
            since_days: SINCE_DAYS,
            price: ClusterConfig::default().price,
        }),
        scheme: None,
        signatures: None,
    }
}

fn count(store: &Store, of: &str) -> u64 {
    store.connection().query_row(&format!("SELECT count(*)::UBIGINT FROM {of}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_night_learns_types_and_clusters_and_hands_them_over() {
    let (_folder, store) = store();
    answer(&store, 12, 30);
    let work = work();
    let learnt = tidy(&store, &work, NOW, &Successes::default()).expect("there are answers of many hours");
    assert_eq!((learnt.len(), count(&store, "network_estimate")), (30, 90));
    assert!(count(&store, "cluster") > 0 && count(&store, "audit WHERE what = 'networks.learnt'") == 1);
    let mut states = [0x0a00_0001, 0x0a00_1d07, 0x0a00_1e07].map(|address| TargetState::new(address, 0));
    learnt.assign(&mut states);
    assert!(states[0].cluster > 0 && states[1].cluster > 0 && states[2].cluster == 0);
    assert!(learnt.has_hours_of(states[0].cluster));

    let asleep = NightlyWork { networks: None, ..work.clone() };
    assert!(tidy(&store, &asleep, NOW, &Successes::default()).is_none(), "nobody wants it");
    // A night without answers takes nothing away.
    store.connection().execute_batch("DELETE FROM reply").unwrap();
    assert!(tidy(&store, &work, NOW, &Successes::default()).is_none());
    assert_eq!((count(&store, "cluster_member"), count(&store, "audit WHERE what = 'networks.learnt'")), (30, 1));
}

#[test]
fn types_are_estimated_anew_when_more_is_known_and_after_a_month() {
    let (_folder, store) = store();
    answer(&store, 2, 30);
    let estimate = |now| estimate_types(&store, now, &|| false).unwrap().addresses;
    assert_eq!(estimate(NOW), 90);
    let later = |days: i64| UtcMicros(NOW.0 + days * 86_400_000_000);
    assert_eq!(estimate(later(1)), 0, "nothing new");
    store.connection().execute_batch("INSERT INTO reply FROM reply WHERE address = 167772160").unwrap();
    assert_eq!(estimate(later(1)), 1, "twice as many of one");
    assert_eq!(estimate(later(1)), 0);
    let month = "UPDATE reply SET received_at = received_at + INTERVAL 31 DAY";
    store.connection().execute_batch(month).unwrap();
    assert_eq!(estimate(later(31)), 90 - 1, "those of a month ago; one is a day younger");
    assert_eq!(estimate_types(&store, later(70), &|| false).unwrap(), TypesEstimated::default(), "nobody answers");
}

#[test]
fn what_fails_hinders_nothing_else() {
    let (_folder, store) = store();
    answer(&store, 12, 30);
    let break_types = "ALTER TABLE network_estimate ADD COLUMN in_the_way INTEGER";
    store.connection().execute_batch(break_types).unwrap();
    let config = work().networks.expect("it was given");
    let learnt = learn_networks(&store, &config, NOW, "test", &|| false);
    assert!(!learnt.is_well && learnt.networks.is_some_and(|networks| networks.len() == 30));
    let ended = learn_networks(&store, &config, NOW, "test", &|| true);
    assert!(ended.networks.is_none());
}
