//! The nightly export, for whoever may not touch the database while it is written to: what stands, and each finished day (UTC) of a table as one Parquet file in a folder of its own. A folder appears
//! under its name only when its file is complete and on the disk, so an interrupted export is made again and a finished
//! one is left alone; but one that was made while the clock was ahead lacks the rest of its day, and is made again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use duckdb::params;
use serde::Serialize;

use super::{Export, ExportError, ExportFormat, ExportTable, Exported, quote, remove};
use crate::io::store::Store;
use crate::io::store::scans::timestamp;
use crate::model::utc::UtcMicros;

/// What is exported each night.
pub const NIGHTLY: [ExportTable; 4] =
    [ExportTable::Reply, ExportTable::Banner, ExportTable::ScanRate, ExportTable::Audit];

/// What stands at the moment: exported whole each night, beside the days.
pub const STANDING: [ExportTable; 7] = [
    ExportTable::DeviceLatest,
    ExportTable::TargetState,
    ExportTable::Network,
    ExportTable::FailureCause,
    ExportTable::Congestion,
    ExportTable::Exclusion,
    ExportTable::Scan,
];

const PREFIX: &str = "day=";
/// Folder of what stands.
const LATEST: &str = "latest";
const DAY_US: i64 = 86_400_000_000;

/// What a night brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Night {
    /// New folders.
    pub exported: Vec<Exported>,
    /// Folders that were older than they are kept.
    pub removed: u64,
}

impl Store {
    /// Exports every finished day that is not in `folder` yet, or has more rows than there, and removes those older than `keep`. Each new folder gets a
    /// line in `audit`.
    pub fn export_finished_days(
        &self,
        folder: &Path,
        keep: Option<Duration>,
        now: UtcMicros,
        who: &str,
    ) -> Result<Night, ExportError> {
        let today = UtcMicros(now.0.div_euclid(DAY_US) * DAY_US);
        let keep_us = keep.map_or(i64::MAX, |keep| i64::try_from(keep.as_micros()).unwrap_or(i64::MAX));
        let oldest = UtcMicros(today.0.saturating_sub(keep_us));
        let mut night = Night::default();
        for table in NIGHTLY {
            let home = folder.join(table.name());
            fs::create_dir_all(&home).map_err(|error| ExportError::Io(home.clone(), error))?;
            let there = folders(&home)?;
            for (day, rows) in self.days(table, oldest, today)? {
                let name = format!("{PREFIX}{day}");
                // Fewer are what is left of a day whose rows were removed since.
                if there.contains(&name) && self.exported_rows(&file_of(table, &home.join(name)))? >= rows {
                    continue;
                }
                let exported = self.export_day(table, &day, &home)?;
                let detail = serde_json::json!({ "path": exported.path, "rows": exported.rows });
                self.audit(now, who, "export.day", &detail)?;
                night.exported.push(exported);
            }
            for name in there.iter().filter(|name| is_older(name, oldest)) {
                let path = home.join(name);
                remove(&path).map_err(|error| ExportError::Io(path.clone(), error))?;
                self.audit(now, who, "export.remove", &serde_json::json!({ "path": path }))?;
                night.removed += 1;
            }
        }
        Ok(night)
    }

    /// Exports what stands now as `latest/NAME.parquet` in `folder`, instead of what stood there; a reader finds a whole file at any
    /// time.
    pub fn export_standing(&self, folder: &Path) -> Result<Vec<Exported>, ExportError> {
        let home = folder.join(LATEST);
        fs::create_dir_all(&home).map_err(|error| ExportError::Io(home.clone(), error))?;
        let mut exported = Vec::new();
        for table in STANDING {
            let name = format!("{}.{}", table.name(), ExportFormat::Parquet.extension());
            let (to, partial) = (home.join(&name), home.join(format!(".{name}.partial")));
            let io = |error| ExportError::Io(to.clone(), error);
            remove(&partial).map_err(io)?;
            let export = Export { table, scan: None, format: ExportFormat::Parquet, to: to.clone() };
            let query = format!("FROM {}", table.name());
            let rows = self.copy_to(&export, &query, &partial, ExportFormat::Parquet.options())?;
            File::open(&partial).and_then(|file| file.sync_all()).map_err(io)?;
            fs::rename(&partial, &to).map_err(io)?;
            exported.push(Exported { path: to, rows });
        }
        File::open(&home).and_then(|home| home.sync_all()).map_err(|error| ExportError::Io(home.clone(), error))?;
        Ok(exported)
    }

    /// The days with rows and how many, from `oldest` until before `today`, as 2026-11-21.
    fn days(&self, table: ExportTable, oldest: UtcMicros, today: UtcMicros) -> Result<Vec<(String, u64)>, ExportError> {
        let time = table.time_column().expect("what is exported each night has a time");
        let query = format!(
            "SELECT strftime({time}::DATE, '%Y-%m-%d'), count(*)::UBIGINT FROM {} WHERE {time} >= ? AND {time} < ?
             GROUP BY {time}::DATE ORDER BY 1",
            table.name()
        );
        let read = || -> duckdb::Result<Vec<(String, u64)>> {
            let mut statement = self.connection().prepare(&query)?;
            let days = params![timestamp(oldest), timestamp(today)];
            statement.query_map(days, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        Ok(read().map_err(self.failed("looking for days to export"))?)
    }

    /// Rows of an exported day, as its file says. One that its owner has taken out of the folder, or changed, is left alone.
    fn exported_rows(&self, file: &Path) -> Result<u64, ExportError> {
        let path = file.to_str().ok_or_else(|| ExportError::NotUtf8(file.to_owned()))?;
        let query = format!("SELECT sum(num_rows)::UBIGINT FROM parquet_file_metadata({})", quote(path));
        let rows = self.connection().query_row(&query, [], |row| row.get(0));
        Ok(rows.unwrap_or_else(|cause| {
            log::debug!("{path}: {cause}");
            u64::MAX
        }))
    }

    fn export_day(&self, table: ExportTable, day: &str, home: &Path) -> Result<Exported, ExportError> {
        let to = home.join(format!("{PREFIX}{day}"));
        let partial = home.join(format!(".{PREFIX}{day}.partial"));
        let io = |error| ExportError::Io(to.clone(), error);
        remove(&partial).map_err(io)?;
        fs::create_dir_all(&partial).map_err(io)?;
        let file = file_of(table, &partial);
        let time = table.time_column().expect("what is exported each night has a time");
        let query = format!(
            "SELECT * FROM {} WHERE {time} >= TIMESTAMP '{day}' AND {time} < TIMESTAMP '{day}' + INTERVAL 1 DAY ORDER BY {time}",
            table.name()
        );
        let export = Export { table, scan: None, format: ExportFormat::Parquet, to: to.clone() };
        let rows = self.copy_to(&export, &query, &file, ExportFormat::Parquet.options())?;
        File::open(&file).and_then(|file| file.sync_all()).map_err(io)?;
        if to.is_dir() {
            // A reader finds a whole file at any time.
            fs::rename(&file, file_of(table, &to)).map_err(io)?;
            remove(&partial).map_err(io)?;
            File::open(&to).and_then(|to| to.sync_all()).map_err(io)?;
        } else {
            fs::rename(&partial, &to).map_err(io)?;
        }
        File::open(home).and_then(|home| home.sync_all()).map_err(io)?;
        Ok(Exported { path: to, rows })
    }
}

/// The file of a day, in its folder.
fn file_of(table: ExportTable, folder: &Path) -> PathBuf {
    folder.join(table.name()).with_extension(ExportFormat::Parquet.extension())
}

/// Folders of exported days of tables with addresses, in the order of their names; none if nothing was exported.
pub fn exported_days(folder: &Path) -> Vec<PathBuf> {
    let mut days = Vec::new();
    for table in [ExportTable::Reply, ExportTable::Banner] {
        let home = folder.join(table.name());
        days.extend(folders(&home).unwrap_or_default().into_iter().map(|name| home.join(name)));
    }
    days
}

/// Names of the day folders in it; what an interrupted export left does not count.
fn folders(home: &Path) -> Result<BTreeSet<String>, ExportError> {
    let read = || -> io::Result<BTreeSet<String>> {
        let names = fs::read_dir(home)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.filter(|name| name.as_ref().map_or(true, |name: &String| name.starts_with(PREFIX))).collect()
    };
    read().map_err(|error| ExportError::Io(home.to_owned(), error))
}

/// Days in this form are in the order of their letters.
fn is_older(name: &str, oldest: UtcMicros) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|day| oldest.0 > 0 && day < &oldest.to_string()[..10])
}
