//! The work of a night, and its end at any moment.

use super::*;
use crate::io::store::Access;

#[test]
fn other_signatures_look_at_stored_banners_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
    let insert =
        "INSERT INTO banner VALUES (1, 1, 80, 'tcp', 'http', TIMESTAMP '2026-01-01 12:00:00', 'answered', false,
        'HTTP/1.1 200 OK Server: OURS-2/', NULL, 1, 1, 1, 1);
        INSERT INTO device_estimate VALUES (1, 0, 1, 1, 1, '1', NULL, 7, TIMESTAMP '2026-01-01 12:00:01', 1)";
    store.connection().execute_batch(insert).unwrap();
    let text = "[[device]]\nname = 'Two'\nsource = 's'\nkeywords = [{ regex = 'OURS-2/', weight = 1.0 }]\n";
    let (signatures, faults) = Database::load([("own.toml", text)]);
    assert_eq!(faults, []);
    let work = NightlyWork {
        at: Duration::ZERO,
        export: None,
        retention: RetentionLimits::default(),
        networks: None,
        scheme: None,
        signatures: Some(Arc::new(signatures)),
    };
    let made = || -> u64 {
        let sql = "SELECT count(*)::UBIGINT FROM device_estimate WHERE database_version <> 7";
        store.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    estimate_again(&store, &work, &|| false);
    assert_eq!(made(), 1);
    estimate_again(&store, &work, &|| false);
    assert_eq!(made(), 1, "nothing is outdated any more");
}

#[test]
fn rows_stay_if_they_could_not_be_exported() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
    let insert =
        "INSERT INTO banner VALUES (1, 1, 80, 'tcp', 'http', TIMESTAMP '2026-01-01 12:00:00', 'answered', false,
        'x', NULL, 1, 1, 1, 1)";
    store.connection().execute_batch(insert).unwrap();
    let in_the_way = folder.path().join("export");
    std::fs::write(&in_the_way, "a file").unwrap();
    let day = Some(Duration::from_hours(24));
    let mut work = NightlyWork {
        at: Duration::ZERO,
        export: Some(NightlyExport { folder: in_the_way.clone(), keep: None }),
        retention: RetentionLimits { banners: day, ..RetentionLimits::default() },
        networks: None,
        scheme: None,
        signatures: None,
    };
    let now = UtcMicros(1_795_230_000_000_000);
    let rows = || -> u64 {
        store.connection().query_row("SELECT count(*)::UBIGINT FROM banner", [], |row| row.get(0)).unwrap()
    };
    let successes = Successes::default();
    tidy(&store, &work, now, &successes);
    assert_eq!((rows(), at(&successes.export), at(&successes.retention)), (1, None, None));
    std::fs::remove_file(&in_the_way).unwrap();
    tidy(&store, &work, now, &successes);
    assert_eq!(
        (rows(), at(&successes.export), at(&successes.retention)),
        (0, Some(1_795_230_000), Some(1_795_230_000))
    );
    assert!(in_the_way.join("banner/day=2026-01-01/banner.parquet").exists());
    work.export = None;
    tidy(&store, &work, now, &successes);
}

/// Nice value of the threads of this process that have this name.
fn nice_values(name: &str) -> Vec<i64> {
    let read = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("stat")).ok();
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten().filter_map(read);
    let of = |stat: String| {
        let (before, after) = stat.rsplit_once(')')?;
        let is_it = before.split_once('(')?.1 == name;
        // proc_pid_stat(5): field 19; the name is field 2.
        is_it.then(|| after.split_whitespace().nth(16)?.parse().ok()).flatten()
    };
    tasks.filter_map(of).collect()
}

#[test]
fn a_night_that_is_given_up_leaves_each_part_whole_or_undone() {
    const ROWS: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let work = NightlyWork {
        at: Duration::ZERO,
        export: Some(NightlyExport { folder: folder.path().join("export"), keep: None }),
        retention: RetentionLimits { replies: Some(Duration::from_hours(240)), ..RetentionLimits::default() },
        networks: None,
        scheme: None,
        signatures: None,
    };
    let mut was_behind = false;
    for after_ms in [0, 1, 3, 10, 30, 100] {
        let store = Store::open(&folder.path().join(format!("{after_ms}.duckdb")), Access::Write).unwrap();
        let insert = format!(
            "INSERT INTO reply BY NAME
             SELECT 1 AS scan_id, now()::TIMESTAMP - INTERVAL 12 DAY + to_milliseconds(n * 9504) AS received_at, 1000 AS rtt_us,
                 (134744072 + n)::UINTEGER AS address, 80 AS port, 0 AS kind, 0 AS probe, 0 AS detail, 60 AS ttl,
                 0 AS quoted_ttl
             FROM range({ROWS}) AS n(n)"
        );
        store.connection().execute_batch(&insert).unwrap();
        let count = |what: &str| -> u64 {
            store
                .connection()
                .query_row(&format!("SELECT count(*)::UBIGINT FROM {what}"), [], |row| row.get(0))
                .unwrap()
        };
        let days = "(SELECT received_at::DATE FROM reply GROUP BY ALL)";
        let all_days = count(days);
        let housekeeping = Housekeeping::start(store.another().unwrap(), work.clone()).unwrap();
        std::thread::sleep(Duration::from_millis(after_ms));
        was_behind |= nice_values("nightly").iter().any(|nice| *nice >= 10);
        drop(housekeeping);
        let gone_of = |table: &str| {
            count(&format!("audit WHERE what = 'retention.remove' AND detail LIKE '%\"table\":\"{table}\"%'"))
        };
        let (gathered, gone) = (count("open_tcp_port"), gone_of("open_tcp_port"));
        assert!(gathered == 0 || (gathered == ROWS) == (gone == 0), "{gathered} and {gone} days after {after_ms} ms");
        let (left, gone) = (count("reply"), gone_of("reply"));
        assert!((left == ROWS) == (gone == 0) && count(days) + gone == all_days, "{left} left, {gone} days gone");
        for file in std::fs::read_dir(folder.path().join("export/reply")).into_iter().flatten().flatten() {
            let day = file.file_name().to_string_lossy().into_owned();
            if day.starts_with("day=") {
                assert!(file.path().join("reply.parquet").exists(), "{day}");
            }
        }
        // The next one does what is left.
        let successes = Successes::kept(&store);
        tidy(&store, &work, utc_now(), &successes);
        let left = count("reply");
        assert!(left < ROWS && at(&successes.retention).is_some());
        assert_eq!(count("open_tcp_port"), left);
        let _ = std::fs::remove_dir_all(folder.path().join("export"));
    }
    assert!(was_behind, "the thread runs behind all others");
}

#[test]
fn a_night_that_was_given_up_is_not_taken_for_worked() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
    let work = NightlyWork {
        at: Duration::ZERO,
        export: None,
        retention: RetentionLimits::default(),
        networks: None,
        scheme: None,
        signatures: None,
    };
    let shared = Shared::default();
    shared.is_ending.store(true, Ordering::Relaxed);
    night(&store, &work, &shared);
    assert!(Successes::kept(&store).worked().is_none());
    let shared = Shared::default();
    night(&store, &work, &shared);
    let kept = Successes::kept(&store);
    assert!(kept.worked().is_some() && at(&kept.retention).is_some() && at(&kept.export).is_none());
}
