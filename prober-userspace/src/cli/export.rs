//! `prober export`: replies and the views on them as Parquet, CSV or JSON lines.

use std::path::PathBuf;

use super::UsageError;
use super::database::DatabaseArgs;
use super::figure::grouped;
use super::output::{put, put_json};
use super::report::{ScanChoice, scan_choice};
use crate::io::store::{Access, Export, ExportFormat, ExportTable};

/// Export to Parquet, CSV or JSON lines
///
/// With --json prints `{"path": ..., "rows": ...}`.
#[derive(Clone, Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// A file if the name ends in .parquet, .csv or .jsonl as --format says; else a folder, with a subfolder per day (UTC)
    #[arg(long, value_name = "DIR|FILE")]
    to: PathBuf,
    /// Format; by default what the name of the file says, else Parquet
    #[arg(long)]
    format: Option<ExportFormat>,
    /// What to export
    #[arg(long, default_value = "reply")]
    table: ExportTable,
    /// Only this scan (a number or `latest`); all by default
    #[arg(long, value_name = "ID", value_parser = scan_choice)]
    scan: Option<ScanChoice>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ExportArgs {
    /// Writes the export and says how much there is.
    pub fn run(self) -> anyhow::Result<()> {
        let store = self.database.open(Access::Read)?;
        let scan = match self.scan {
            None => None,
            Some(choice) => Some(store.find_scan(choice.number())?.id),
        };
        let named = || {
            ExportFormat::ALL.into_iter().find(|format| self.to.extension().is_some_and(|e| e == format.extension()))
        };
        if let (None, None, Some(ending)) = (self.format, named(), self.to.extension()) {
            let reason = format!(
                "--to {}: no format for files that end in .{}; name it .parquet, .csv or .jsonl, or give --format",
                self.to.display(),
                ending.display()
            );
            return Err(UsageError(reason).into());
        }
        let format = self.format.or_else(named).unwrap_or(ExportFormat::Parquet);
        let exported = store.export(&Export { table: self.table, scan, format, to: self.to })?;
        if self.json {
            return Ok(put_json(&exported)?);
        }
        Ok(put(&format!("{} rows of {} to {}\n", grouped(exported.rows), self.table.name(), exported.path.display()))?)
    }
}
