//! The rows of a query as an aligned table, CSV or JSON.

use std::io::Write;

use anyhow::anyhow;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use crate::cli::table::{Align, Table};
use crate::io::store::{Store, reason};
use crate::model::query::RowFormat;

/// Most rows in a table: it is held in memory to align it, and nobody reads more.
pub(super) const TABLE_ROWS: usize = 10_000;

/// Where rows go, and how many may.
pub(super) struct Sheet<W> {
    /// The writer.
    pub(super) out: W,
    room: Room,
    rows: usize,
    bytes: usize,
    is_cut: bool,
}

/// How much may be printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Rows.
    pub(super) rows: usize,
    /// Bytes, and the rest of a row.
    pub(super) bytes: usize,
}

impl Room {
    /// Whatever there is.
    pub(super) const ALL: Self = Self { rows: usize::MAX, bytes: usize::MAX };
}

impl<W: Write> Sheet<W> {
    pub(super) const fn new(out: W, room: Room) -> Self {
        Self { out, room, rows: 0, bytes: 0, is_cut: false }
    }

    /// Whether rows are missing.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether there is room for a row that is there; then it is counted.
    fn takes_row(&mut self) -> bool {
        self.is_cut |= self.rows >= self.room.rows || self.bytes >= self.room.bytes;
        self.rows += usize::from(!self.is_cut);
        !self.is_cut
    }

    fn put(&mut self, text: &str) -> anyhow::Result<()> {
        self.bytes += text.len();
        Ok(self.out.write_all(text.as_bytes())?)
    }
}

/// Runs a query and prints its rows as they come.
pub(super) fn print<W: Write>(store: &Store, sql: &str, format: RowFormat, sheet: &mut Sheet<W>) -> anyhow::Result<()> {
    let failed = |error: duckdb::Error| anyhow!("sql: {}", explain(&error.to_string()));
    let mut statement = store.connection().prepare(sql).map_err(failed)?;
    let batches = statement.query_arrow([]).map_err(failed)?;
    let schema = batches.get_schema();
    match format {
        RowFormat::Table => table(sheet, &schema, batches),
        RowFormat::Csv => csv(sheet, &schema, batches),
        RowFormat::Json => json(sheet, batches),
    }?;
    Ok(sheet.out.flush()?)
}

/// One line out of DuckDB's message, with the candidates that it suggests.
pub(super) fn explain(text: &str) -> String {
    let hints = ["Candidate", "Did you mean"];
    let hint = text.lines().skip(1).map(str::trim).find(|line| hints.iter().any(|start| line.starts_with(start)));
    match hint {
        Some(hint) => format!("{} ({hint})", reason(text)),
        None => reason(text),
    }
}

fn table<W: Write>(
    sheet: &mut Sheet<W>,
    schema: &Schema,
    batches: impl Iterator<Item = RecordBatch>,
) -> anyhow::Result<()> {
    let heads = schema.fields().iter().map(|field| {
        let align = if is_number(field.data_type()) { Align::Right } else { Align::Left };
        (field.name().clone(), align)
    });
    let mut table = Table::new(heads);
    let mut rows = 0;
    for batch in batches {
        let columns = formatters(&batch)?;
        for row in (0..batch.num_rows()).take(TABLE_ROWS.saturating_sub(rows)) {
            if !sheet.takes_row() {
                break;
            }
            let cells: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            sheet.bytes += cells.iter().map(String::len).sum::<usize>();
            table.row(cells);
        }
        rows += batch.num_rows();
    }
    sheet.put(&table.render())?;
    // Else whoever cut it says so.
    if rows > TABLE_ROWS && sheet.room.rows > TABLE_ROWS {
        sheet.put(&format!("... {} more rows; --format csv or json prints all\n", rows - TABLE_ROWS))?;
    }
    sheet.is_cut |= rows > sheet.room.rows;
    Ok(())
}

fn csv<W: Write>(
    sheet: &mut Sheet<W>,
    schema: &Schema,
    batches: impl Iterator<Item = RecordBatch>,
) -> anyhow::Result<()> {
    let heads: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
    sheet.put(&format!("{}\n", heads.join(",")))?;
    for batch in batches {
        let columns = formatters(&batch)?;
        for row in 0..batch.num_rows() {
            if !sheet.takes_row() {
                return Ok(());
            }
            for (index, column) in columns.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                sheet.put(&format!("{comma}{}", quoted(&column.value(row).to_string())))?;
            }
            sheet.put("\n")?;
        }
    }
    Ok(())
}

fn json<W: Write>(sheet: &mut Sheet<W>, batches: impl Iterator<Item = RecordBatch>) -> anyhow::Result<()> {
    let mut separator = "[";
    'rows: for batch in batches {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            if !sheet.takes_row() {
                break 'rows;
            }
            let mut object = serde_json::Map::new();
            for (field, column) in schema.fields().iter().zip(batch.columns()) {
                object.insert(field.name().clone(), value(column.as_ref(), row)?);
            }
            sheet.put(&format!("{separator}\n{}", Value::Object(object)))?;
            separator = ",";
        }
    }
    if separator == "[" {
        sheet.put("[")?;
    }
    sheet.put("\n]\n")
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
