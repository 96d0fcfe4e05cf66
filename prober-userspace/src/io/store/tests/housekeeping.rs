//! Retention and the nightly export: what goes and what stays, twice is like once, and files do not grow for ever.

use std::path::Path;
use std::time::Duration;

use super::super::export::Exported;
use super::super::export::daily::STANDING;
use super::super::{Access, ExportTable, RetentionLimits, Retired, Store};
use super::{count, new_database};
use crate::model::utc::UtcMicros;

const DAY_US: i64 = 86_400_000_000;
/// 2026-11-21, 03:00 UTC.
const NOW: UtcMicros = UtcMicros(1_795_230_000_000_000);

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

fn limits() -> RetentionLimits {
    RetentionLimits { replies: Some(days(30)), banners: Some(days(90)), estimates: Some(days(90)), audit: None }
}

/// So many replies on each of the days before now, at noon.
fn fill(store: &Store, days: std::ops::Range<i64>, each: i64) {
    let noon = NOW.0 / DAY_US * DAY_US + DAY_US / 2;
    let sql = format!(
        "INSERT INTO reply SELECT 1, make_timestamp({noon} - d * {DAY_US}), i % 70000, i, NULL, 80, 0, 0, 64, 0, 0
         FROM range({}, {}) AS days(d), range({each}) AS each(i)",
        days.start, days.end
    );
    store.connection().execute_batch(&sql).unwrap();
}

fn replies(store: &Store) -> u64 {
    count(store, "SELECT count(*)::UBIGINT FROM reply")
}

#[test]
fn old_rows_go_by_whole_days_and_the_trail_says_so() {
    let (_folder, _path, store) = new_database();
    fill(&store, 0..40, 100);
    let retired = store.retire(limits(), NOW, "prober").unwrap();
    // The day that is exactly at the limit began before it, so it stays until it is over.
    assert_eq!(retired.rows, [("reply", 900)]);
    assert_eq!(replies(&store), 3_100);
    let told = "SELECT sum((detail->>'rows')::UBIGINT)::UBIGINT FROM audit WHERE what = 'retention.remove'";
    assert_eq!(count(&store, told), 900);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM audit"), 9);
    let again = store.retire(limits(), NOW, "prober").unwrap();
    assert_eq!((again.total(), replies(&store)), (0, 3_100));
    assert_eq!(store.retire(RetentionLimits::default(), UtcMicros(i64::MAX / 2), "prober").unwrap().total(), 0);
}

#[test]
fn a_file_under_retention_stops_growing() {
    let (_folder, path, store) = new_database();
    let size = || std::fs::metadata(&path).unwrap().len();
    let mut sizes = Vec::new();
    for day in 0..60 {
        let now = UtcMicros(NOW.0 + day * DAY_US);
        let noon = NOW.0 / DAY_US * DAY_US + day * DAY_US;
        let sql = format!(
            "INSERT INTO reply SELECT 1, make_timestamp({noon} + i), hash(i + {day}) % 70000, hash(i * {day}) % 4294967296,
             NULL, 80, 0, 0, 64, 0, 0 FROM range(130000) AS each(i)"
        );
        store.connection().execute_batch(&sql).unwrap();
        let week = RetentionLimits { replies: Some(days(7)), ..RetentionLimits::default() };
        let retired: Retired = store.retire(week, now, "prober").unwrap();
        assert!(retired.checkpointed);
        sizes.push(size());
    }
    let (early, late) = (sizes[20], sizes[59]);
    assert!(late <= early + early / 4, "{sizes:?}");
}

fn exported_days(folder: &Path, table: ExportTable) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join(table.name())).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn finished_days_are_exported_once_and_completely() {
    let (folder, _path, store) = new_database();
    let to = folder.path().join("it's export");
    fill(&store, 0..4, 1_000);
    let night = store.export_finished_days(&to, None, NOW, "prober").unwrap();
    assert_eq!(exported_days(&to, ExportTable::Reply), ["day=2026-11-18", "day=2026-11-19", "day=2026-11-20"]);
    assert_eq!(night.exported.iter().map(|one| one.rows).sum::<u64>(), 3_000);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM audit WHERE what = 'export.day'"), 3);
    let again = store.export_finished_days(&to, None, NOW, "prober").unwrap();
    assert_eq!((again.exported.len(), again.removed), (0, 0));
    let read = format!(
        "SELECT count(*)::UBIGINT FROM read_parquet('{}/reply/*/*.parquet', hive_partitioning = true)",
        to.display().to_string().replace('\'', "''")
    );
    assert_eq!(count(&store, &read), 3_000);
}

#[test]
fn a_day_that_was_exported_before_it_was_over_is_exported_again() {
    let (folder, _path, store) = new_database();
    let to = folder.path().join("export");
    let exported = |now: UtcMicros| -> Vec<u64> {
        let night = store.export_finished_days(&to, None, now, "prober").unwrap();
        night.exported.iter().filter(|one| one.path.starts_with(to.join("reply"))).map(|one| one.rows).collect()
    };
    fill(&store, 0..3, 10);
    // The clock is a day ahead.
    assert_eq!(exported(UtcMicros(NOW.0 + DAY_US)), [10, 10, 10]);
    fill(&store, 0..1, 500);
    assert_eq!(exported(NOW), [0; 0]);
    assert_eq!(exported(UtcMicros(NOW.0 + DAY_US)), [510]);
    assert_eq!(exported(UtcMicros(NOW.0 + DAY_US)), [0; 0]);
    // What was removed or taken away since is nobody's lack.
    store.connection().execute_batch("DELETE FROM reply WHERE port = 80 AND address < 100").unwrap();
    std::fs::remove_file(to.join("reply/day=2026-11-20/reply.parquet")).unwrap();
    assert_eq!(exported(UtcMicros(NOW.0 + DAY_US)), [0; 0]);
    let read = format!("SELECT count(*)::UBIGINT FROM read_parquet('{}/reply/*/*.parquet')", to.display());
    assert_eq!(count(&store, &read), 520, "of two days");
    assert_eq!(exported_days(&to, ExportTable::Reply).len(), 3, "nothing half written stays");
}

#[test]
fn what_stands_is_exported_whole_and_anew() {
    let (folder, _path, store) = new_database();
    let to = folder.path().join("export");
    let first = store.export_standing(&to).unwrap();
    assert_eq!(first.len(), STANDING.len());
    store
        .connection()
        .execute_batch(
            "INSERT INTO exclusion (first, last, reason, added_at, added_by)
        VALUES (1, 2, 'asked', now(), 'test')",
        )
        .unwrap();
    let again = store.export_standing(&to).unwrap();
    let rows = |of: &[Exported]| {
        let is_wanted = |one: &&Exported| one.path.ends_with("latest/exclusion.parquet");
        of.iter().find(is_wanted).expect("exclusions stand").rows
    };
    assert_eq!((rows(&first), rows(&again)), (0, 1));
    let read = format!("SELECT count(*)::UBIGINT FROM read_parquet('{}/latest/exclusion.parquet')", to.display());
    assert_eq!(count(&store, &read), 1);
    let left = std::fs::read_dir(to.join("latest")).unwrap().count();
    assert_eq!(left, STANDING.len(), "nothing half written stays");
}

#[test]
fn an_interrupted_export_is_made_again() {
    let (folder, _path, store) = new_database();
    let to = folder.path().join("export");
    fill(&store, 1..2, 10);
    let left = to.join("reply/.day=2026-11-20.partial");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("reply.parquet"), "half of it").unwrap();
    assert_eq!(store.export_finished_days(&to, None, NOW, "prober").unwrap().exported.len(), 1);
    assert_eq!(exported_days(&to, ExportTable::Reply), ["day=2026-11-20"]);
}

#[test]
fn kept_only_so_long_and_not_made_again() {
    let (folder, _path, store) = new_database();
    let to = folder.path().join("export");
    fill(&store, 1..11, 10);
    assert_eq!(store.export_finished_days(&to, None, NOW, "prober").unwrap().exported.len(), 10);
    let night = store.export_finished_days(&to, Some(days(3)), NOW, "prober").unwrap();
    assert_eq!((night.exported.len(), night.removed), (0, 7));
    let again = store.export_finished_days(&to, Some(days(3)), NOW, "prober").unwrap();
    assert_eq!((again.exported.len(), again.removed), (0, 0));
}

#[test]
fn housekeeping_goes_on_beside_a_writer() {
    let (folder, path, store) = new_database();
    fill(&store, 0..40, 100);
    let keeper = store.another().unwrap();
    store.connection().execute_batch("BEGIN").unwrap();
    fill(&store, 0..1, 500);
    let retired = keeper.retire(limits(), NOW, "prober").unwrap();
    assert_eq!(retired.total(), 900);
    keeper.export_finished_days(&folder.path().join("export"), None, NOW, "prober").unwrap();
    store.connection().execute_batch("COMMIT").unwrap();
    drop((keeper, store));
    assert_eq!(replies(&Store::open(&path, Access::Read).unwrap()), 3_600);
}

#[test]
fn what_the_daemon_keeps_outlives_it() {
    let (_folder, path, store) = new_database();
    assert_eq!(store.service_state("rollout").unwrap(), None);
    for (value, at) in [("{}", 1), ("{\"step\":1}", 2)] {
        store.keep_service_state("rollout", value, UtcMicros(at)).unwrap();
    }
    store.add_complaint(UtcMicros(3), "me", "by mail").unwrap();
    drop(store);
    let store = Store::open(&path, Access::Write).unwrap();
    assert_eq!(store.service_state("rollout").unwrap(), Some(("{\"step\":1}".to_owned(), UtcMicros(2))));
    assert_eq!((store.complaints_since(UtcMicros(2)).unwrap(), store.complaints_since(UtcMicros(3)).unwrap()), (1, 0));
    assert_eq!(store.complaints().unwrap()[0].text, "by mail");
}

#[test]
fn a_reply_out_of_the_future_does_not_hide_those_that_follow() {
    let (_folder, _path, store) = new_database();
    let heard = |port: u16, at_us: i64| {
        let row = format!("INSERT INTO reply SELECT 1, make_timestamp({at_us}), 7, 9, NULL, {port}, 0, 0, 64, 0, 0");
        store.connection().execute_batch(&row).unwrap();
    };
    heard(80, NOW.0 + 3_650 * DAY_US);
    store.gather_open_ports(NOW).unwrap();
    heard(443, NOW.0 + DAY_US / 2);
    store.gather_open_ports(UtcMicros(NOW.0 + DAY_US)).unwrap();
    assert_eq!(store.open_tcp_ports().unwrap(), [(9, vec![80, 443])]);
    let gathered = format!(
        "SELECT count(*)::UBIGINT FROM open_tcp_port WHERE port = 443 AND seen_at <= make_timestamp({})",
        NOW.0 + DAY_US
    );
    assert_eq!(count(&store, &gathered), 1);
}
