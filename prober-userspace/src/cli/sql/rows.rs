//! The rows of a query as an aligned table, CSV or JSON.

use std::io::{BufWriter, ErrorKind, Write};

use anyhow::anyhow;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use crate::cli::table::{Align, Table};
use crate::io::store::{Store, reason};

/// Most rows in a table: it is held in memory to align it, and nobody reads more.
const TABLE_ROWS: usize = 10_000;

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns, at most 10,000 rows
    Table,
    /// Comma-separated values with a header line (RFC 4180)
    Csv,
    /// A JSON array with one object per row
    Json,
}

/// Runs a query and prints its rows as they come.
pub(super) fn show(store: &Store, sql: &str, parameters: &[Option<String>], format: Format) -> anyhow::Result<()> {
    let failed = |error: duckdb::Error| anyhow!("sql: {}", explain(&error.to_string()));
    let mut statement = store.connection().prepare(sql).map_err(failed)?;
    let batches = statement.query_arrow(duckdb::params_from_iter(parameters)).map_err(failed)?;
    let schema = batches.get_schema();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = match format {
        Format::Table => table(&mut out, &schema, batches),
        Format::Csv => csv(&mut out, &schema, batches),
        Format::Json => json(&mut out, batches),
    };
    match written.and_then(|()| Ok(out.flush()?)) {
        Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => {
            Ok(())
        }
        other => other,
    }
}

/// One line out of DuckDB's message, with the candidates that it suggests.
fn explain(text: &str) -> String {
    let hints = ["Candidate", "Did you mean"];
    let hint = text.lines().skip(1).map(str::trim).find(|line| hints.iter().any(|start| line.starts_with(start)));
    match hint {
        Some(hint) => format!("{} ({hint})", reason(text)),
        None => reason(text),
    }
}

fn table(out: &mut impl Write, schema: &Schema, batches: impl Iterator<Item = RecordBatch>) -> anyhow::Result<()> {
    let heads = schema.fields().iter().map(|field| {
        let align = if is_number(field.data_type()) { Align::Right } else { Align::Left };
        (field.name().clone(), align)
    });
    let mut table = Table::new(heads);
    let mut rows = 0;
    for batch in batches {
        let columns = formatters(&batch)?;
        for row in (0..batch.num_rows()).take(TABLE_ROWS.saturating_sub(rows)) {
            table.row(columns.iter().map(|column| column.value(row).to_string()));
        }
        rows += batch.num_rows();
    }
    out.write_all(table.render().as_bytes())?;
    if rows > TABLE_ROWS {
        writeln!(out, "... {} more rows; --format csv or json prints all", rows - TABLE_ROWS)?;
    }
    Ok(())
}

fn csv(out: &mut impl Write, schema: &Schema, batches: impl Iterator<Item = RecordBatch>) -> anyhow::Result<()> {
    let heads: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
    writeln!(out, "{}", heads.join(","))?;
    for batch in batches {
        let columns = formatters(&batch)?;
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                write!(out, "{comma}{}", quoted(&column.value(row).to_string()))?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

fn json(out: &mut impl Write, batches: impl Iterator<Item = RecordBatch>) -> anyhow::Result<()> {
    let mut separator = "[";
    for batch in batches {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let mut object = serde_json::Map::new();
            for (field, column) in schema.fields().iter().zip(batch.columns()) {
                object.insert(field.name().clone(), value(column.as_ref(), row)?);
            }
            write!(out, "{separator}\n{}", Value::Object(object))?;
            separator = ",";
        }
    }
    if separator == "[" {
        write!(out, "[")?;
    }
    writeln!(out, "\n]")?;
    Ok(())
}

fn formatters(batch: &RecordBatch) -> anyhow::Result<Vec<ArrayFormatter<'_>>> {
    const OPTIONS: FormatOptions<'_> = FormatOptions::new();
    Ok(batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &OPTIONS))
        .collect::<Result<_, _>>()?)
}

fn is_number(kind: &DataType) -> bool {
    kind.is_numeric()
}

/// A CSV cell, quoted where it must be.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// Numbers, booleans, lists and nulls as such, all else as text.
fn value(column: &dyn Array, row: usize) -> anyhow::Result<Value> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    if let DataType::List(_) = column.data_type() {
        let items = column.as_list::<i32>().value(row);
        return (0..items.len()).map(|item| value(items.as_ref(), item)).collect::<Result<_, _>>().map(Value::Array);
    }
    let text = ArrayFormatter::try_new(column, &FormatOptions::new())?.value(row).to_string();
    let plain = is_number(column.data_type()) || matches!(column.data_type(), DataType::Boolean);
    if plain { Ok(serde_json::from_str(&text).unwrap_or(Value::String(text))) } else { Ok(Value::String(text)) }
}
