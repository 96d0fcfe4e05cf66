//! Parquet files, read and written by DuckDB.

use std::path::Path;

use duckdb::Connection;

use super::line::Collector;
use super::{LineOrder, TraceError};
use crate::model::trace::Trace;

/// Columns of names: those that look like numbers stay what they are.
const NAMES: &str =
    "{'scenario': 'VARCHAR', 'terminal': 'VARCHAR', 'network_type': 'VARCHAR', 'cause': 'VARCHAR', 'reply': 'VARCHAR'}";

pub(super) fn read(path: &Path, order: LineOrder) -> Result<Vec<Trace>, TraceError> {
    if !path.is_file() {
        return Err(TraceError::read(path, "there is no such file"));
    }
    let failed = |error: duckdb::Error| TraceError::read(path, crate::io::store::reason(&error.to_string()));
    let connection = Connection::open_in_memory().map_err(failed)?;
    let file = quoted(path)?;
    let heading: Vec<String> = connection
        .prepare(&format!("SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet({file}))"))
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(failed)?;
    let wrong = |line, what| TraceError::Line { path: path.to_owned(), line, what };
    let mut collector = Collector::new(&heading, order).map_err(|what| wrong(0, what))?;
    let query = format!("SELECT COLUMNS(*)::VARCHAR FROM read_parquet({file})");
    let mut statement = connection.prepare(&query).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut number = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        number += 1;
        let cell = |place| Ok(row.get::<_, Option<String>>(place)?.unwrap_or_default());
        let cells: Vec<String> = (0..heading.len()).map(cell).collect::<duckdb::Result<_>>().map_err(failed)?;
        collector.add(&cells).map_err(|what| wrong(number, what))?;
    }
    Ok(collector.finish())
}

/// Copies a CSV file that was just written.
pub(super) fn write(csv: &Path, path: &Path) -> Result<(), TraceError> {
    let failed = |error: duckdb::Error| TraceError::Write {
        path: path.to_owned(),
        cause: crate::io::store::reason(&error.to_string()),
    };
    let connection = Connection::open_in_memory().map_err(failed)?;
    let query = format!(
        "COPY (FROM read_csv({}, types = {NAMES})) TO {} (FORMAT parquet, COMPRESSION zstd)",
        quoted(csv)?,
        quoted(path)?
    );
    connection.execute_batch(&query).map_err(failed)
}

/// As a text of SQL.
fn quoted(path: &Path) -> Result<String, TraceError> {
    let text = path.to_str().ok_or_else(|| TraceError::read(path, "its name is not UTF-8"))?;
    Ok(format!("'{}'", text.replace('\'', "''")))
}
