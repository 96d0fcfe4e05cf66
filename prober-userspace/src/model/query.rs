//! A query of somebody else's on the database of a running daemon, and what it gives. How it is checked and carried out is
//! elsewhere.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum RowFormat {
    /// Aligned columns, at most 10,000 rows
    Table,
    /// Comma-separated values with a header line (RFC 4180)
    Csv,
    /// A JSON array with one object per row
    Json,
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlQuery {
    /// One statement that reads.
    pub sql: String,
    /// How its rows are wanted.
    pub format: RowFormat,
    /// After this it is given up, s.
    pub timeout_s: u64,
    /// Of this database, if the daemon has to have this very one.
    pub database: Option<PathBuf>,
}

/// Its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlAnswer {
    /// Ready to print.
    pub text: String,
    /// That rows are missing, and why; for people.
    pub cut: Option<String>,
}
