//! Queries of others on the database of a running daemon: one statement that reads tables and views of this database and
//! nothing else, within a time, its rows within a size. DuckDB's own parser says what a statement is; a transaction that only
//! reads stands behind it.

use std::collections::HashSet;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use duckdb::Connection;
use serde_json::Value;

use super::rows::{Room, Sheet, TABLE_ROWS, explain, print};
use crate::io::store::Store;
use crate::model::query::{SqlAnswer, SqlQuery};

/// The most rows, and bytes of text, of an answer.
const ROOM: Room = Room { rows: TABLE_ROWS, bytes: 16 << 20 };
/// How often it is looked whether a query takes too long.
const LOOK: Duration = Duration::from_millis(100);
/// Functions that give rows out of nothing but their arguments and the catalogue.
const TABLE_FUNCTIONS: [&str; 13] = [
    "duckdb_columns",
    "duckdb_functions",
    "duckdb_indexes",
    "duckdb_settings",
    "duckdb_tables",
    "duckdb_views",
    "generate_series",
    "json_each",
    "json_tree",
    "pragma_database_size",
    "pragma_table_info",
    "range",
    "unnest",
];

/// Checks a query, runs it and prints its rows, unless nobody wants them any more; an error is one line.
pub fn answer(store: &Store, query: &SqlQuery, is_wanted: impl Fn() -> bool + Send) -> Result<SqlAnswer, String> {
    let connection = store.connection();
    check(connection, &query.sql)?;
    // With one row more than fits, so that it is known whether any are missing; a comment at the end stays one.
    let sql = query.sql.trim().trim_end_matches(';');
    let sql = format!("FROM (\n{sql}\n) LIMIT {}", ROOM.rows + 1);
    let mut sheet = Sheet::new(Vec::new(), ROOM);
    let limit = Duration::from_secs(query.timeout_s);
    let run = || print(store, &sql, query.format, &mut sheet);
    let (printed, is_late) = read_only(connection, limit, is_wanted, run)?;
    if is_late && printed.is_err() {
        return Err(format!("sql: no answer within {} s, given up; --timeout allows up to 10 min", query.timeout_s));
    }
    printed.map_err(|cause| format!("{cause:#}"))?;
    let cut = sheet.is_cut().then(|| {
        let (rows, megabytes) = (ROOM.rows, ROOM.bytes >> 20);
        format!(
            "rows are missing: a running daemon gives up to {rows} of them and {megabytes} MB; ask for less, or read what \
             [export] writes each night"
        )
    });
    Ok(SqlAnswer { text: String::from_utf8_lossy(&sheet.out).into_owned(), cut })
}

/// Reads in a transaction that only reads, so that all of it is of one moment, and interrupts it after a time, or when nobody
/// wants it; whether it took too long. An error if there is no such transaction.
pub(in crate::cli) fn read_only<T>(
    connection: &Connection,
    limit: Duration,
    is_wanted: impl Fn() -> bool + Send,
    read: impl FnOnce() -> T,
) -> Result<(T, bool), String> {
    connection.execute_batch("BEGIN TRANSACTION READ ONLY").map_err(|cause| told(&cause))?;
    let read = within(limit, is_wanted, connection, read);
    // Whatever became of it: there is nothing to keep.
    let _ = connection.execute_batch("ROLLBACK");
    Ok(read)
}

/// Runs work on the connection and interrupts it after a time, or when nobody wants it; whether it took too long.
fn within<T>(
    limit: Duration,
    is_wanted: impl Fn() -> bool + Send,
    connection: &Connection,
    work: impl FnOnce() -> T,
) -> (T, bool) {
    let (interrupt, until) = (connection.interrupt_handle(), Instant::now() + limit);
    let (finished, end) = channel::<()>();
    thread::scope(|scope| {
        let watcher = scope.spawn(move || {
            let mut is_late = false;
            while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                is_late |= Instant::now() >= until;
                // Again and again: between two steps of the work it would be overheard.
                if is_late || !is_wanted() {
                    interrupt.interrupt();
                }
            }
            is_late
        });
        let outcome = work();
        drop(finished);
        (outcome, watcher.join().unwrap_or(false))
    })
}

/// Refuses everything but one statement that reads tables and views of this database.
fn check(connection: &Connection, sql: &str) -> Result<(), String> {
    let tree = connection.query_row("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", [sql], |row| row.get(0));
    let tree: String = tree.map_err(|cause| told(&cause))?;
    let tree: Value = serde_json::from_str(&tree).map_err(|_| "sql: the query is nested too deeply".to_owned())?;
    if tree["error"].as_bool() == Some(true) {
        let message = tree["error_message"].as_str().unwrap_or_default();
        return Err(match tree["error_type"].as_str() {
            Some("parser") => format!("sql: Parser Error: {}", explain(message)),
            _ => "sql: a running daemon only lets read: SELECT, FROM, VALUES, DESCRIBE or SUMMARIZE; nothing was done"
                .to_owned(),
        });
    }
    if tree["statements"].as_array().map(Vec::len) != Some(1) {
        return Err("sql: one query at a time while the daemon runs; nothing was done".to_owned());
    }
    let tables = tables(connection).map_err(|cause| told(&cause))?;
    match foreign(&tree, &tables) {
        None => Ok(()),
        Some(name) => Err(format!(
            "sql: \"{name}\" is none of this database's tables: a running daemon reads no files and nothing else; nothing \
             was done"
        )),
    }
}

/// Schema and name of every table and view, in lower case.
fn tables(connection: &Connection) -> duckdb::Result<HashSet<(String, String)>> {
    let sql = "SELECT lower(schema_name), lower(table_name) FROM duckdb_tables()
               UNION SELECT lower(schema_name), lower(view_name) FROM duckdb_views()";
    connection.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The first name in a tree that could stand for something outside the database: DuckDB takes `FROM 'x.csv'`, and even
/// `FROM x.csv`, for a file.
fn foreign(tree: &Value, tables: &HashSet<(String, String)>) -> Option<String> {
    match tree {
        Value::Array(items) => items.iter().find_map(|item| foreign(item, tables)),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
            let own = match fields.get("type").and_then(Value::as_str) {
                Some("TABLE_FUNCTION") => {
                    let function = fields["function"]["function_name"].as_str().unwrap_or_default().to_lowercase();
                    (!TABLE_FUNCTIONS.contains(&function.as_str())).then_some(function)
                }
                _ => foreign_table(&text("schema_name"), &text("table_name"), tables),
            };
            own.or_else(|| fields.values().find_map(|field| foreign(field, tables)))
        }
        _ => None,
    }
}

fn foreign_table(schema: &str, table: &str, tables: &HashSet<(String, String)>) -> Option<String> {
    let table = table.trim_matches('"');
    let is_known = |(in_schema, name): &(String, String)| name == table && (schema.is_empty() || in_schema == schema);
    // Without any of these it is a part of the query itself, or DuckDB says what it thinks of it.
    let may_be_file = !schema.is_empty() || table.contains(['.', '/', '\\', ':', '*', '?']);
    (may_be_file && !tables.iter().any(is_known)).then(|| match schema {
        "" => table.to_owned(),
        schema => format!("{schema}.{table}"),
    })
}

fn told(cause: &duckdb::Error) -> String {
    format!("sql: {}", explain(&cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::store::Access;
    use crate::model::query::RowFormat;

    fn ask(store: &Store, sql: &str) -> Result<SqlAnswer, String> {
        let query = SqlQuery { sql: sql.to_owned(), format: RowFormat::Csv, timeout_s: 30, database: None };
        answer(store, &query, || true)
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
        (folder, store)
    }

    #[test]
    fn whatever_reads_the_database_is_answered() {
        let (_folder, store) = store();
        let said = |sql: &str| ask(&store, sql).unwrap_or_else(|cause| panic!("{sql}: {cause}"));
        assert_eq!(said("SELECT 1 AS a, 'x' AS b;").text, "a,b\n1,x\n");
        assert_eq!(said("FROM range(3) t(n) ORDER BY n DESC -- backwards").text, "n\n2\n1\n0\n");
        assert_eq!(said("WITH own AS (SELECT 7 AS n) SELECT n FROM own").text, "n\n7\n");
        assert_eq!(
            said("SELECT ip(ipn('192.0.2.1')) AS ip FROM main.session RIGHT JOIN (SELECT 1) ON true").text,
            "ip\n192.0.2.1\n"
        );
        for sql in [
            "VALUES (1)",
            "DESCRIBE reply",
            "SUMMARIZE scan",
            "SHOW TABLES",
            "FROM scan_summary",
            "FROM duckdb_tables()",
            "SELECT unnest([1, 2])",
            "SELECT count(*) FROM information_schema.tables",
            "SELECT a.scan_id FROM Reply a, reply_counts b",
        ] {
            if let Err(cause) = ask(&store, sql) {
                assert!(cause.contains("reply_counts"), "{sql}: {cause}");
            }
        }
    }

    #[test]
    fn whatever_does_anything_else_is_refused_in_one_line() {
        let (folder, store) = store();
        let file = folder.path().join("x.csv");
        std::fs::write(&file, "secret\n1\n").unwrap();
        let file = file.display();
        for sql in [
            "DELETE FROM exclusion".to_owned(),
            "INSERT INTO exclusion VALUES (1, 2, 'x', now(), 'me')".to_owned(),
            "UPDATE exclusion SET first = 0".to_owned(),
            "CREATE TABLE x (a INTEGER)".to_owned(),
            "CREATE TEMP TABLE x AS SELECT 1".to_owned(),
            "DROP VIEW host".to_owned(),
            format!("COPY scan TO '{file}.copy'"),
            format!("EXPORT DATABASE '{file}.folder'"),
            format!("ATTACH '{file}.duckdb' AS other"),
            "SET memory_limit = '1GB'".to_owned(),
            "PRAGMA database_list".to_owned(),
            "INSTALL httpfs".to_owned(),
            "LOAD json".to_owned(),
            "CHECKPOINT".to_owned(),
            "CALL force_checkpoint()".to_owned(),
            "BEGIN; SELECT 1".to_owned(),
            "SELECT 1; DELETE FROM exclusion".to_owned(),
            format!("FROM read_csv('{file}')"),
            format!("FROM read_text('{file}')"),
            format!("SELECT * FROM '{file}'"),
            format!("FROM (SELECT (SELECT count(*) FROM \"{file}\"))"),
            format!("WITH \"{file}\" AS (SELECT 1) FROM \"{file}\""),
            format!("DESCRIBE '{file}'"),
            "FROM x.csv".to_owned(),
            format!("FROM glob('{file}')"),
            "FROM force_checkpoint()".to_owned(),
            "FROM query('DELETE FROM exclusion')".to_owned(),
            "SELEC 1".to_owned(),
            "SELECT nothing FROM scan".to_owned(),
            String::new(),
        ] {
            let refusal = ask(&store, &sql).expect_err(&sql);
            assert!(refusal.starts_with("sql: ") && !refusal.contains('\n'), "{sql}: {refusal}");
            assert!(!refusal.contains("secret"), "{sql}: {refusal}");
        }
        assert_eq!(
            std::fs::read_dir(folder.path())
                .unwrap()
                .flatten()
                .filter(|entry| entry.file_name().to_string_lossy().starts_with("x.csv."))
                .count(),
            0
        );
        assert!(ask(&store, "DELETE FROM exclusion").unwrap_err().contains("only lets read"));
        assert!(ask(&store, "SELEC 1").unwrap_err().contains("syntax error"));
        // Behind the check stands a transaction that only reads.
        store.connection().execute_batch("BEGIN TRANSACTION READ ONLY").unwrap();
        assert!(store.connection().execute_batch("DELETE FROM exclusion").is_err());
        store.connection().execute_batch("ROLLBACK").unwrap();
    }

    #[test]
    fn rows_beyond_the_room_are_told() {
        let (_folder, store) = store();
        let fits = ask(&store, "FROM range(10000)").unwrap();
        assert_eq!((fits.text.lines().count(), fits.cut), (10_001, None));
        let cut = ask(&store, "FROM range(10001) ORDER BY 1 DESC").unwrap();
        assert_eq!(cut.text.lines().nth(1), Some("10000"));
        assert_eq!(cut.text.lines().count(), 10_001);
        assert!(cut.cut.expect("it is told").contains("up to 10000 of them"));
        let wide = ask(&store, "SELECT repeat('x', 1000000) AS wide FROM range(100)").unwrap();
        assert!(wide.cut.is_some() && wide.text.len() < 18 << 20, "{}", wide.text.len());
        for format in [RowFormat::Table, RowFormat::Json] {
            let query = SqlQuery { sql: "FROM range(20000)".to_owned(), format, timeout_s: 30, database: None };
            let cut = answer(&store, &query, || true).unwrap();
            assert!(cut.cut.is_some() && !cut.text.contains("more rows"), "{format:?}");
            if format == RowFormat::Json {
                let rows: Vec<Value> = serde_json::from_str(&cut.text).unwrap();
                assert_eq!(rows.len(), 10_000);
            }
        }
    }

    #[test]
    fn what_takes_too_long_is_given_up_and_the_connection_stays_of_use() {
        let (_folder, store) = store();
        let sql = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * 7 + b.range) % 1000003 = 5";
        let query = SqlQuery { sql: sql.to_owned(), format: RowFormat::Csv, timeout_s: 1, database: None };
        assert!(answer(&store, &query, || true).unwrap_err().contains("no answer within 1 s"));
        assert_eq!(ask(&store, "SELECT 1 AS a").unwrap().text, "a\n1\n");
        let query = SqlQuery { timeout_s: 600, ..query };
        assert!(answer(&store, &query, || false).unwrap_err().contains("INTERRUPT"), "nobody wants it");
    }
}
