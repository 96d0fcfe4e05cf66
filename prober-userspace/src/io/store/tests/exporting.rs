//! Exports come back as they were, and overwrite nothing.

use std::path::Path;

use super::super::{Export, ExportError, ExportFormat, ExportTable, Store};
use super::{count, finish, new_database, new_writer, push, reply};
use crate::model::scan::ScanId;

fn filled() -> (tempfile::TempDir, Store) {
    let (folder, _path, store) = new_database();
    let (_, writer, mut queue) = new_writer(store);
    // Replies on three days.
    let days = |n: u32| prober_common::event::ReplyEvent {
        received_ns: reply(n).received_ns + u64::from(n % 3) * 86_400_000_000_000,
        ..reply(n)
    };
    let mut events: Vec<_> = (0..3_000).map(days).collect();
    events.sort_by_key(|event| event.received_ns);
    push(&mut queue, &events);
    (folder, finish(writer, queue))
}

fn export(table: ExportTable, format: ExportFormat, to: &Path) -> Export {
    Export { table, scan: None, format, to: to.to_owned() }
}

#[test]
fn folders_by_day_round_trip() {
    round_trip(ExportFormat::Parquet, "read_parquet('{}/*/*.parquet', hive_partitioning = true)");
    round_trip(ExportFormat::Csv, "read_csv('{}/*/*.csv', hive_partitioning = true)");
    round_trip(ExportFormat::Jsonl, "read_json('{}/*/*.jsonl', hive_partitioning = true)");
}

fn round_trip(format: ExportFormat, reader: &str) {
    let (folder, store) = filled();
    let to = folder.path().join("it's out");
    let exported = store.export(&export(ExportTable::Reply, format, &to)).unwrap();
    assert_eq!(exported.rows, 3_000);
    let mut days: Vec<_> = std::fs::read_dir(&to).unwrap().map(|day| day.unwrap().file_name()).collect();
    days.sort();
    assert_eq!(days, ["day=2023-11-14", "day=2023-11-15", "day=2023-11-16"]);
    let reader = reader.replace("{}", &to.display().to_string().replace('\'', "''"));
    let columns = "scan_id, epoch_us(received_at::TIMESTAMP), rtt_us, address, port, kind, ttl, detail";
    let differences =
        format!("SELECT count(*)::UBIGINT FROM (SELECT {columns} FROM reply EXCEPT SELECT {columns} FROM {reader})");
    assert_eq!(count(&store, &differences), 0);
    assert_eq!(count(&store, &format!("SELECT count(*)::UBIGINT FROM {reader}")), 3_000);
}

#[test]
fn a_single_file_holds_all() {
    let (folder, store) = filled();
    let tables = [
        (ExportTable::Answer, 3_000),
        (ExportTable::OpenPort, 3_000),
        (ExportTable::Scan, 1),
        (ExportTable::Exclusion, 0),
    ];
    for (table, rows) in tables {
        for format in ExportFormat::ALL {
            let to = folder.path().join("new").join(table.name()).with_extension(format.extension());
            assert_eq!(store.export(&export(table, format, &to)).unwrap().rows, rows);
            assert!(to.is_file());
        }
    }
}

#[test]
fn nothing_is_overwritten_and_no_half_file_is_left() {
    let (folder, store) = filled();
    let to = folder.path().join("out.csv");
    std::fs::write(&to, "mine").unwrap();
    let refused = store.export(&export(ExportTable::Reply, ExportFormat::Csv, &to)).unwrap_err();
    assert!(matches!(refused, ExportError::Exists(_)), "{refused}");
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "mine");
    let unknown =
        Export { scan: Some(ScanId(7)), ..export(ExportTable::Reply, ExportFormat::Csv, &folder.path().join("a")) };
    assert!(store.export(&unknown).unwrap_err().to_string().contains("no scan 7"));
    let per_scan =
        Export { scan: Some(ScanId(1)), ..export(ExportTable::Audit, ExportFormat::Csv, &folder.path().join("a")) };
    assert!(store.export(&per_scan).unwrap_err().to_string().contains("leave --scan out"));
    let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| !name.to_string_lossy().starts_with("test.duckdb"));
    assert_eq!(names, ["out.csv"]);
}
