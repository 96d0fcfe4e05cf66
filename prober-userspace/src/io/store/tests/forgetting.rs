//! Everything that is stored of addresses goes, and nothing else.

use super::*;
use crate::target::address_set::AddressSet;
use crate::target::list::parse_address_argument;
use crate::target::range::AddressRange;

fn set(ranges: &[&str]) -> AddressSet {
    AddressSet::from_ranges(ranges.iter().flat_map(|range| parse_address_argument(range).unwrap()))
}

/// Tables of the schema with a column `address`.
fn tables(store: &Store) -> Vec<String> {
    let sql = "SELECT table_name FROM duckdb_columns() JOIN duckdb_tables() USING (table_name)
               WHERE column_name = 'address' AND NOT duckdb_columns.internal ORDER BY 1";
    store.texts_for_test(sql)
}

#[test]
fn every_table_with_an_address_is_left_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
    let tables = tables(&store);
    assert!(tables.len() >= 9, "{tables:?}");
    // Three addresses on two days in each of them, whatever its columns are.
    for table in &tables {
        let sql = format!(
            "SELECT string_agg(CASE WHEN column_name = 'address' THEN '(3221225985 + n)::UINTEGER'
                 WHEN column_name = 'transport' THEN '''tcp'''
                 WHEN data_type LIKE 'TIMESTAMP%' THEN 'TIMESTAMP ''2026-01-01'' + to_days((n % 2)::INTEGER)'
                 WHEN data_type = 'VARCHAR' THEN '''''' WHEN data_type = 'BOOLEAN' THEN 'false'
                 WHEN data_type LIKE '%[]' THEN '[]' ELSE '0' END, ', ' ORDER BY column_index)
             FROM duckdb_columns() WHERE table_name = '{table}'"
        );
        let columns = store.texts_for_test(&sql).concat();
        let insert = format!("INSERT INTO {table} SELECT {columns} FROM range(3) AS r(n)");
        store.connection().execute_batch(&insert).unwrap_or_else(|cause| panic!("{insert}: {cause}"));
    }
    store
        .connection()
        .execute_batch(
            "INSERT INTO cluster_member VALUES (1, 3221225984, 3, 1), (1, 3221226240, 3, 1);
             INSERT INTO watch_network VALUES (3221225984, 3), (3221226240, 4)",
        )
        .unwrap();

    // 192.0.2.2 alone: its /24 stays a member.
    let mut rows = store.forget_states(&set(&["192.0.2.2"])).unwrap();
    store.forget_findings(&set(&["192.0.2.2"]), &mut rows, &|| true).unwrap();
    assert_eq!(rows.len(), 2, "given up before the first day: {rows:?}");
    store.forget_findings(&set(&["192.0.2.2"]), &mut rows, &|| false).unwrap();
    let mut named: Vec<_> = rows.iter().map(|(table, _)| table.clone()).collect();
    named.sort();
    assert_eq!(named, tables, "all of them");
    assert!(rows.iter().all(|(_, rows)| *rows == 1), "{rows:?}");
    for table in &tables {
        let left = store.texts_for_test(&format!("SELECT address::VARCHAR FROM {table} ORDER BY 1"));
        assert_eq!(left, ["3221225985", "3221225987"], "{table}");
    }

    let (mut rows, all) = (store.forget_states(&set(&["192.0.2.0/24"])).unwrap(), set(&["192.0.2.0/24", "192.0.9.1"]));
    store.forget_findings(&all, &mut rows, &|| false).unwrap();
    assert_eq!(rows.iter().map(|(_, rows)| rows).sum::<u64>(), 2 * tables.len() as u64 + 2);
    for table in ["cluster_member", "watch_network"] {
        assert_eq!(store.texts_for_test(&format!("SELECT network::VARCHAR FROM {table}")), ["3221226240"], "{table}");
    }
    let mut rows = store.forget_states(&all).unwrap();
    store.forget_findings(&all, &mut rows, &|| false).unwrap();
    assert_eq!(rows, [], "there is nothing left");
}

#[test]
fn many_ranges_are_no_matter() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
    let insert = "INSERT INTO target_base SELECT range, 1, 1, 1, 0, 0, 0, '' FROM range(1000)";
    store.connection().execute_batch(insert).unwrap();
    let even = AddressSet::from_ranges((0..1_000).step_by(2).map(|n| AddressRange::between(V4(n), V4(n))));
    assert_eq!(store.forget_states(&even).unwrap(), [("target_base".to_owned(), 500)]);
}
