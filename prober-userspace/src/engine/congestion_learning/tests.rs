//! Answers that a store holds become clusters, in real and in compressed time; and what stays if nothing is learnt.

use super::*;
use crate::io::store::{Access, WatchClock};

/// Monday, 2026-11-16, 00:00 UTC.
const BEGAN: UtcMicros = UtcMicros(1_794_787_200_000_000);

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
    (folder, store)
}

fn config() -> CongestionConfig {
    CongestionConfig {
        grid: DayGrid::new(SLOTS, 0).unwrap(),
        offsets: Offsets::all(0),
        medium: Medium::Wlan,
        half_life_days: HALF_LIFE_DAYS,
        since_days: SINCE_DAYS,
        price: ClusterConfig::default().price,
    }
}

/// Answers of eight days, weekend included, every ten minutes from each of 60 /24s: busy but for six hours of the day, which
/// differ between the halves. `scale` times as fast on the wall.
fn answer(store: &Store, scale: f64) {
    let began_us = BEGAN.0;
    let insert = format!(
        "INSERT INTO reply BY NAME
         SELECT 1 AS scan_id, make_timestamp({began_us} + (after_us / {scale})::BIGINT) AS received_at,
             (20000 + hash(n, s) % 200 + CASE
                 WHEN hour(make_timestamp({began_us} + after_us)) // 6 <> CASE WHEN n < 30 THEN 1 ELSE 3 END
                 THEN hash(s, n) % 60000 + 8000 ELSE 0 END)::UINTEGER AS rtt_us,
             (167772160 + n * 256 + s % 3)::UINTEGER AS address, 80 AS port, 0 AS kind, 0 AS probe, 0 AS detail, 60 AS ttl,
             0 AS quoted_ttl
         FROM range(60) AS a(n), (SELECT s, (s * 600 + 300) * 1000000 AS after_us FROM range(1152) AS b(s))"
    );
    store.connection().execute_batch(&insert).unwrap();
}

fn after(days: f64) -> UtcMicros {
    UtcMicros(BEGAN.0 + (days * 86_400e6) as i64)
}

fn never() -> bool {
    false
}

/// Loads and limits of every cluster.
fn limits(store: &Store) -> Vec<Vec<(usize, f64, f64)>> {
    store.clusters(None).unwrap().iter().map(|cluster| store.slot_limits(cluster).unwrap()).collect()
}

#[test]
fn a_compressed_watch_learns_the_hours_of_its_own_clock() {
    let (_folder, real) = store();
    answer(&real, 1.0);
    let learnt = learn_congestion(&real, &config(), after(9.0), &never).unwrap();
    assert_eq!((learnt.networks, learnt.addresses, learnt.clusters, learnt.kept), (60, 180, 2, 0));
    assert_eq!((learnt.answers.learnt, learnt.too_few), (60 * 1_152, 0));
    let expected = limits(&real);
    let busy = |(cell, load, _): &(usize, f64, f64)| (*load > 0.4) != (12..24).contains(&(cell % 48));
    assert!(expected.iter().any(|cells| cells.len() == 96 && cells.iter().all(busy)), "{expected:?}");

    let (_folder, compressed) = store();
    answer(&compressed, 24.0);
    let clock = WatchClock {
        began_at: BEGAN,
        clock_s: 9 * 86_400,
        time_scale: 24.0,
        scheme: String::new(),
        settings: String::new(),
        learnt: String::new(),
    };
    compressed.add_target_changes(&[], 0, &clock, BEGAN).unwrap();
    // Nine days of the watch, in nine hours.
    let mut config = config();
    learn_congestion(&compressed, &config, after(9.0 / 24.0), &never).unwrap();
    assert_eq!(limits(&compressed), expected);
    assert_eq!(compressed.cluster_members().unwrap(), real.cluster_members().unwrap());
    // So are the days that it looks back.
    config.since_days = 3;
    let learnt = learn_congestion(&compressed, &config, after(9.0 / 24.0), &never).unwrap();
    assert_eq!(learnt.answers.learnt, 60 * 2 * 144);
}

#[test]
fn who_learns_nothing_or_gives_up_keeps_what_was_there() {
    let (_folder, store) = store();
    answer(&store, 1.0);
    learn_congestion(&store, &config(), after(9.0), &never).unwrap();
    let before = (limits(&store), store.cluster_members().unwrap());
    assert!(matches!(learn_congestion(&store, &config(), after(9.0), &|| true), Err(LearningError::GivenUp)));
    // One answer of each is left: too few to know how fast any can be.
    store
        .connection()
        .execute_batch("DELETE FROM reply WHERE received_at < (SELECT max(received_at) FROM reply)")
        .unwrap();
    let nothing = learn_congestion(&store, &config(), after(9.0), &never).unwrap_err();
    assert!(matches!(nothing, LearningError::Nothing { days: 42, too_few: 60, stepped_clock: 0 }), "{nothing}");
    assert_eq!((limits(&store), store.cluster_members().unwrap()), before);
}

#[test]
fn a_step_of_the_clock_costs_its_day_and_no_other() {
    let (_folder, store) = store();
    answer(&store, 1.0);
    let began_us = BEGAN.0;
    // A row a minute over the eight days; on the third the clock is set forward by ten minutes at noon.
    let rates = format!(
        "INSERT INTO scan (id, started_at, status, operator, host, program_version, command, settings, seed, plan_fingerprint,
             targets, ports, probes_planned, shard_index, shard_count, rate_pps, engine, interface)
         VALUES (1, make_timestamp({began_us}), 'running', '', '', '', '', '', 0, 0, 0, '', 0, 0, 1, 0, '', '');
         INSERT INTO scan_rate
         SELECT 1, make_timestamp({began_us} + minute * 60000000), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
         FROM range(11520) t(minute) WHERE minute NOT BETWEEN 3600 AND 3609"
    );
    store.connection().execute_batch(&rates).unwrap();
    let learnt = learn_congestion(&store, &config(), after(9.0), &never).unwrap();
    assert_eq!(learnt.stepped_clock, 60 * 144, "ten minutes apart, of each network");
    assert_eq!(learnt.clusters, 2, "{learnt:?}");
    assert!(learnt.answers.learnt >= 60 * 144 * 6, "{learnt:?}");
}
