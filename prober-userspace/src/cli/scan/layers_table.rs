//! `--show-settings`: every setting, its value and where it was written.

use std::io;

use serde::Serialize;

use crate::cli::output::{put, put_json};
use crate::cli::settings::{Layers, Settings};

#[derive(Serialize)]
struct Shown<'s> {
    settings: &'s Settings,
    origins: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    setting: &'static str,
    value: String,
    origin: String,
}

pub(super) fn print(layers: &Layers, settings: &Settings, json: bool) -> io::Result<()> {
    let origins = rows(layers);
    if json { put_json(&Shown { settings, origins }) } else { put(&table(&origins)) }
}

/// The settings that differ from their defaults, as `setting value (origin)`.
pub(super) fn changed(layers: &Layers) -> Vec<String> {
    let chosen = rows(layers).into_iter().filter(|row| row.origin != "default");
    chosen.map(|row| format!("{} = {} ({})", row.setting, row.value, row.origin)).collect()
}

fn rows(layers: &Layers) -> Vec<Row> {
    layers
        .entries()
        .map(|(setting, entry)| Row { setting, value: entry.texts.join(" "), origin: entry.origin.to_string() })
        .collect()
}

fn table(rows: &[Row]) -> String {
    let width = |column: fn(&Row) -> usize| rows.iter().map(column).max().unwrap_or(0);
    let (first, second) = (width(|row| row.setting.len()), width(|row| row.value.len()).min(40));
    let line = |row: &Row| format!("{:first$}  {:second$}  {}", row.setting, row.value, row.origin);
    rows.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}
