//! Exports to Parquet, CSV and JSON lines. A file or folder appears under its name only when it is complete, and nothing
//! that exists is overwritten.

pub mod daily;

use std::path::{Path, PathBuf};

use super::{Store, StoreError};
use crate::model::scan::ScanId;

/// The format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// Apache Parquet, zstd-compressed.
    Parquet,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object per line.
    Jsonl,
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Parquet, Self::Csv, Self::Jsonl];

    /// The ending of its files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    const fn options(self) -> &'static str {
        match self {
            Self::Parquet => "FORMAT parquet, COMPRESSION zstd",
            Self::Csv => "FORMAT csv, HEADER true",
            Self::Jsonl => "FORMAT json",
        }
    }
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ExportTable {
    /// Replies as stored: numbers only, smallest.
    Reply,
    /// Replies with names and printed addresses.
    Answer,
    /// Open ports.
    OpenPort,
    /// Hosts that answered.
    Host,
    /// Banners as stored.
    Banner,
    /// The last banner of each service, with printed addresses.
    BannerLatest,
    /// Scans.
    Scan,
    /// Counters of the scans.
    ScanCounter,
    /// Figures per second.
    ScanRate,
    /// Stored exclusions.
    Exclusion,
    /// The audit trail.
    Audit,
    /// The latest estimates of each address's devices, with names.
    DeviceLatest,
    /// What a watch knows of each address, and when it is due.
    TargetState,
    /// Estimated access networks.
    Network,
    /// Estimated causes of failure.
    FailureCause,
    /// How busy clusters are over the day, and what they are allowed.
    Congestion,
}

impl ExportTable {
    /// Name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Answer => "answer",
            Self::OpenPort => "open_port",
            Self::Host => "host",
            Self::Banner => "banner",
            Self::BannerLatest => "banner_latest",
            Self::Scan => "scan",
            Self::ScanCounter => "scan_counter",
            Self::ScanRate => "scan_rate",
            Self::Exclusion => "exclusion",
            Self::Audit => "audit",
            Self::DeviceLatest => "device_latest",
            Self::TargetState => "target_state",
            Self::Network => "network",
            Self::FailureCause => "failure_cause",
            Self::Congestion => "congestion",
        }
    }

    /// The column that tells the day of a row; without one a folder holds a single file.
    const fn time_column(self) -> Option<&'static str> {
        match self {
            Self::Reply | Self::Answer => Some("received_at"),
            Self::OpenPort | Self::Host => Some("first_seen_at"),
            Self::Banner | Self::BannerLatest => Some("grabbed_at"),
            Self::ScanRate => Some("ended_at"),
            Self::Audit => Some("made_at"),
            Self::Scan => Some("started_at"),
            Self::ScanCounter
            | Self::Exclusion
            | Self::DeviceLatest
            | Self::TargetState
            | Self::Network
            | Self::FailureCause
            | Self::Congestion => None,
        }
    }

    /// The column with the scan's number.
    const fn scan_column(self) -> Option<&'static str> {
        match self {
            Self::Scan => Some("id"),
            Self::Exclusion | Self::Audit | Self::DeviceLatest | Self::TargetState | Self::Congestion => None,
            _ => Some("scan_id"),
        }
    }
}

/// An export to make.
#[derive(Clone, Debug)]
pub struct Export {
    /// What.
    pub table: ExportTable,
    /// Only this scan's rows; all scans if `None`.
    pub scan: Option<ScanId>,
    /// How.
    pub format: ExportFormat,
    /// Where: a file if the name ends like the format, else a folder with one subfolder per day (`day=2026-11-21`).
    pub to: PathBuf,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    /// The file or folder.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
}

/// Why an export was not made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is something under that name.
    #[error("export to {}: it exists; name another place, or remove it first", .0.display())]
    Exists(PathBuf),
    /// The table knows no scans.
    #[error("export of {0}: it is not kept per scan; leave --scan out")]
    NotPerScan(&'static str),
    /// DuckDB cannot name it.
    #[error("export to {}: the name is not valid UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// Files could not be made or renamed.
    #[error("export to {}: {}", .0.display(), .1)]
    Io(PathBuf, std::io::Error),
    /// DuckDB failed.
    #[error("export to {}: {reason}", .path.display())]
    Failed {
        /// Where to.
        path: PathBuf,
        /// What DuckDB said.
        reason: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Writes an export. One pass over the table.
    pub fn export(&self, export: &Export) -> Result<Exported, ExportError> {
        let to = &export.to;
        if to.symlink_metadata().is_ok() {
            return Err(ExportError::Exists(to.clone()));
        }
        let partial = partial_name(to);
        let single_file = to.extension().is_some_and(|extension| extension == export.format.extension());
        let io = |error| ExportError::Io(to.clone(), error);
        if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(io)?;
        }
        remove(&partial).map_err(io)?;
        let written = self.copy(export, &partial, single_file);
        let rows = match written {
            Ok(rows) => rows,
            Err(error) => {
                // What was written is incomplete; if it cannot even be removed, its name says so.
                let _ = remove(&partial);
                return Err(error);
            }
        };
        std::fs::rename(&partial, to).map_err(io)?;
        Ok(Exported { path: to.clone(), rows })
    }

    fn copy(&self, export: &Export, partial: &Path, single_file: bool) -> Result<u64, ExportError> {
        let (table, format) = (export.table, export.format);
        let filter = match (export.scan, table.scan_column()) {
            (None, _) => "true".to_owned(),
            (Some(scan), Some(column)) => format!("{column} = {}", self.find_scan(Some(scan))?.id),
            (Some(_), None) => return Err(ExportError::NotPerScan(table.name())),
        };
        let source = format!("FROM {} WHERE {filter}", table.name());
        if single_file {
            return self.copy_to(export, &format!("SELECT * {source}"), partial, format.options());
        }
        let io = |error| ExportError::Io(export.to.clone(), error);
        std::fs::create_dir_all(partial).map_err(io)?;
        let file = Path::new(table.name()).with_extension(format.extension());
        let Some(time) = table.time_column() else {
            return self.copy_to(export, &format!("SELECT * {source}"), &partial.join(file), format.options());
        };
        let day = format!("strftime({time}, '%Y-%m-%d')");
        if format != ExportFormat::Jsonl {
            let options = format!(
                "{}, PARTITION_BY (day), OVERWRITE_OR_IGNORE, FILENAME_PATTERN '{}_{{i}}', FILE_EXTENSION '{}'",
                format.options(),
                table.name(),
                format.extension()
            );
            return self.copy_to(export, &format!("SELECT *, {day} AS day {source}"), partial, &options);
        }
        // DuckDB's JSON writer knows no partitions: a pass per day, which skips the row groups of others.
        let failed = |error: duckdb::Error| failure(export, &error);
        let mut statement =
            self.connection().prepare(&format!("SELECT DISTINCT {day} {source} ORDER BY 1")).map_err(failed)?;
        let days = statement.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
        let mut rows = 0;
        for name in days.collect::<duckdb::Result<Vec<_>>>().map_err(failed)? {
            let folder = partial.join(format!("day={name}"));
            std::fs::create_dir_all(&folder).map_err(io)?;
            let start = format!("TIMESTAMP {}", quote(&name));
            let query = format!("SELECT * {source} AND {time} >= {start} AND {time} < {start} + INTERVAL 1 DAY");
            rows += self.copy_to(export, &query, &folder.join(&file), format.options())?;
        }
        Ok(rows)
    }

    fn copy_to(&self, export: &Export, query: &str, target: &Path, options: &str) -> Result<u64, ExportError> {
        let target = target.to_str().ok_or_else(|| ExportError::NotUtf8(export.to.clone()))?;
        let sql = format!("COPY ({query}) TO {} ({options})", quote(target));
        self.connection().execute(&sql, []).map(|rows| rows as u64).map_err(|error| failure(export, &error))
    }
}

fn failure(export: &Export, error: &duckdb::Error) -> ExportError {
    ExportError::Failed { path: export.to.clone(), reason: super::reason(&error.to_string()) }
}

/// A string literal of SQL.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn partial_name(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(format!(".{name}.partial"))
}

fn remove(path: &Path) -> std::io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    }
}
