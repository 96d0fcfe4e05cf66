//! Files good and bad, migrations, modes.

use std::os::unix::fs::PermissionsExt;

use super::super::schema::STEPS;
use super::super::{Access, LATEST_SCHEMA, Store, StoreError};
use super::{count, new_database};

#[test]
fn a_new_file_is_private_and_of_the_latest_schema() {
    let (_folder, path, store) = new_database();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(count(&store, "SELECT max(version)::UBIGINT FROM schema_version"), u64::from(LATEST_SCHEMA));
    let wal = path.with_extension("duckdb.wal");
    store.connection().execute_batch("CREATE TABLE t AS SELECT 1; DROP TABLE t").unwrap();
    if let Ok(wal) = std::fs::metadata(wal) {
        assert_eq!(wal.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_file_left_blank_by_a_kill_is_taken_over_even_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blank.duckdb");
    drop(duckdb::Connection::open(&path).unwrap());
    let store = Store::open(&path, Access::Read).unwrap();
    assert_eq!(count(&store, "SELECT max(version)::UBIGINT FROM schema_version"), u64::from(LATEST_SCHEMA));
}

#[test]
fn opening_again_changes_nothing() {
    let (_folder, path, store) = new_database();
    drop(store);
    let store = Store::open(&path, Access::Write).unwrap();
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM schema_version"), STEPS);
    drop(store);
    let store = Store::open(&path, Access::Read).unwrap();
    assert!(store.connection().execute_batch("CREATE TABLE t (x INTEGER)").is_err());
}

#[test]
fn every_table_view_and_column_of_a_table_is_documented() {
    let (_folder, _path, store) = new_database();
    for sql in [
        "SELECT count(*)::UBIGINT FROM duckdb_tables() WHERE NOT internal AND comment IS NULL",
        "SELECT count(*)::UBIGINT FROM duckdb_views() WHERE NOT internal AND comment IS NULL",
    ] {
        assert_eq!(count(&store, sql), 0, "{sql}");
    }
    let bare = "SELECT count(*)::UBIGINT FROM duckdb_columns() WHERE NOT internal AND comment IS NULL
                AND table_name IN ('scan', 'reply', 'scan_counter', 'scan_clock', 'exclusion', 'audit', 'banner',
                    'scan_exclusion', 'device_signature', 'device_estimate',
                    'network_estimate', 'cause_estimate', 'study_probe')";
    assert_eq!(count(&store, bare), 0);
}

#[test]
fn a_file_of_schema_1_is_brought_forward_with_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.duckdb");
    let old = duckdb::Connection::open(&path).unwrap();
    for script in [include_str!("../schema/v1_tables.sql"), include_str!("../schema/v1_views.sql")] {
        old.execute_batch(script).unwrap();
    }
    old.execute_batch(
        "CREATE TABLE schema_version (version UINTEGER NOT NULL, program VARCHAR NOT NULL);
         INSERT INTO schema_version VALUES (1, '0');
         INSERT INTO exclusion VALUES (1, 2, 'asked', TIMESTAMP '2026-01-01', 'x')",
    )
    .unwrap();
    drop(old);
    let store = Store::open(&path, Access::Read).unwrap();
    assert_eq!(count(&store, "SELECT max(version)::UBIGINT FROM schema_version"), u64::from(LATEST_SCHEMA));
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM exclusion"), 1);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM banner_latest"), 0);
}

#[test]
fn a_newer_schema_is_refused_both_ways() {
    let (_folder, path, store) = new_database();
    store.connection().execute_batch("INSERT INTO schema_version VALUES (99, 'later')").unwrap();
    drop(store);
    for access in [Access::Read, Access::Write] {
        let error = Store::open(&path, access).unwrap_err();
        assert_eq!(error, StoreError::NewerSchema { path: path.clone(), found: 99, known: LATEST_SCHEMA });
        assert!(
            error
                .to_string()
                .ends_with(&format!("schema 99, but this program knows up to {LATEST_SCHEMA}; use a newer prober")),
            "{error}"
        );
    }
}

#[test]
fn what_is_not_ours_is_refused_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.duckdb");
    assert_eq!(Store::open(&path, Access::Read).unwrap_err(), StoreError::Missing { path: path.clone() });
    for garbage in [Vec::new(), b"hello".to_vec(), vec![0x55; 100_000]] {
        std::fs::write(&path, garbage).unwrap();
        for access in [Access::Read, Access::Write] {
            assert_eq!(Store::open(&path, access).unwrap_err(), StoreError::NotADatabase { path: path.clone() });
        }
    }
    std::fs::remove_file(&path).unwrap();
    duckdb::Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x INTEGER)").unwrap();
    for access in [Access::Read, Access::Write] {
        assert_eq!(Store::open(&path, access).unwrap_err(), StoreError::Foreign { path: path.clone() });
    }
    for bad in [folder.path().to_owned(), folder.path().join("missing/x.duckdb")] {
        let error = Store::open(&bad, Access::Write).unwrap_err().to_string();
        assert!(error.contains("cannot be opened") && !error.contains('\n'), "{error}");
    }
}
