//! The DuckDB store: opening and migrating the file, recording scans, the writer thread, exports. What analysts see of
//! it is in `store/schema/*.sql`. Queries of single commands stay with the commands.

mod banners;
mod batch;
mod command;
mod complaints;
mod congestion;
mod counters;
mod devices;
mod error;
mod exclusions;
mod export;
mod forgetting;
mod networks;
mod open_ports;
mod recent_traces;
mod retention;
mod scans;
mod schema;
mod seen;
mod service_state;
mod targets;
mod terminals;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use duckdb::{AccessMode, Config, Connection};

use crate::io::privileges::restrict_new_files;
use crate::io::sys::run_behind;
pub use banners::OpenPort;
pub use command::{CounterRole, CounterValue, FlushAck, StoreCommand};
pub use complaints::Complaint;
pub use congestion::{ClusterRow, LearntCluster, NetworkAnswers};
pub use devices::{EstimateBatch, EstimationRecord, StoredBanner};
pub use error::StoreError;
pub(crate) use error::reason;
pub use exclusions::{StoredExclusion, stored_ranges};
pub use export::daily::{Night, exported_days};
pub use export::{Export, ExportError, ExportFormat, ExportTable, Exported};
pub use forgetting::ForgottenRows;
pub use networks::{NetworkBatch, StudyProbe};
pub use retention::{RetentionLimits, Retired};
pub use scans::{Resumption, ScanRow};
pub use schema::LATEST as LATEST_SCHEMA;
pub use seen::{Novelty, SeenReplies};
pub use targets::{StoredTarget, WatchClock};
pub use writer::{EVENT_QUEUE, OpenPortSink, Outcome, Writer, WriterConfig, WriterStatus};

/// The file used when none is named.
pub const DEFAULT_PATH: &str = "prober.duckdb";

/// What a daemon's database may take of the memory unless the configuration says otherwise, bytes.
pub const USUAL_MEMORY: u64 = 1_000_000_000;

/// What a command wants of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only to read; the file must exist. Several readers may share it, but none while a scan writes.
    Read,
    /// To write; the file is made if it is missing (mode 0600) and migrated if it is older.
    Write,
}

/// An open database of the current schema.
pub struct Store {
    connection: Connection,
    path: PathBuf,
    access: Access,
    /// One for each connection to the same open database.
    siblings: Arc<()>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({}, {:?})", self.path.display(), self.access)
    }
}

impl Store {
    /// Opens, and creates or migrates as `access` allows.
    pub fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        match access {
            Access::Write => {
                // DuckDB makes its log file anew after every checkpoint: a mode set afterwards would leave gaps.
                restrict_new_files();
                let connection = connect(path, AccessMode::ReadWrite)?;
                schema::migrate(&connection, path)?;
                Ok(Self { connection, path: path.to_owned(), access, siblings: Arc::default() })
            }
            Access::Read => {
                Self::expect(path)?;
                let connection = connect(path, AccessMode::ReadOnly)?;
                match schema::version(&connection, path)? {
                    None if !schema::is_blank(&connection, path)? => {
                        return Err(StoreError::Foreign { path: path.to_owned() });
                    }
                    // Older, or left by a process that was killed just after it had made the file.
                    found if found.is_none_or(|found| found < LATEST_SCHEMA) => {
                        drop(connection);
                        drop(Self::open(path, Access::Write)?);
                        return Self::open(path, Access::Read);
                    }
                    found => schema::refuse_newer(found.unwrap_or_default(), path)?,
                }
                Ok(Self { connection, path: path.to_owned(), access, siblings: Arc::default() })
            }
        }
    }

    /// Whether the file is there; an error where that may not be looked for.
    pub fn is_there(path: &Path) -> Result<bool, StoreError> {
        path.try_exists().map_err(|cause| StoreError::Hidden { path: path.to_owned(), reason: cause.to_string() })
    }

    /// An error unless the file is there.
    pub fn expect(path: &Path) -> Result<(), StoreError> {
        if Self::is_there(path)? { Ok(()) } else { Err(StoreError::Missing { path: path.to_owned() }) }
    }

    /// Opens to write; the threads that the database starts for itself run behind all others, so that long queries do not
    /// slow down what must not wait.
    pub fn open_behind(path: &Path) -> Result<Self, StoreError> {
        // Threads inherit the priority of the one that starts them.
        let open = || {
            if let Err(cause) = run_behind() {
                log::warn!("the database's threads cannot be put behind the probing: {cause}");
            }
            Self::open(path, Access::Write)
        };
        std::thread::scope(|scope| {
            let opened = std::thread::Builder::new().name("opening".into()).spawn_scoped(scope, open);
            match opened.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(opened)) => opened,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(cause) => Err(StoreError::Open { path: path.to_owned(), reason: cause.to_string() }),
            }
        })
    }

    /// Lets the database take about so much memory for its pages, sorts and joins, bytes; what needs more goes to disk.
    /// For all connections of this process to the file.
    pub fn limit_memory(&self, bytes: u64) -> Result<(), StoreError> {
        let limit = format!("SET memory_limit = '{}MiB'", (bytes >> 20).max(1));
        self.connection.execute_batch(&limit).map_err(self.failed("limiting the memory"))
    }

    /// The connection, for queries.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether other connections to the same open database live.
    fn is_shared(&self) -> bool {
        Arc::strong_count(&self.siblings) > 1
    }

    /// Closes and opens again: after a failed commit DuckDB may refuse all further work on the old connection.
    /// Not while [`is_shared`](Self::is_shared): the file would be open twice.
    fn reopen(self) -> Result<Self, (PathBuf, StoreError)> {
        let Self { connection, path, access, .. } = self;
        drop(connection);
        Self::open(&path, access).map_err(|error| (path, error))
    }

    /// Wraps an error of a statement.
    pub(crate) fn failed(&self, operation: &'static str) -> impl Fn(duckdb::Error) -> StoreError + '_ {
        move |error| StoreError::statement(&self.path, operation, &error)
    }
}

/// Opens the file alone. Extensions are never fetched: the program opens no network connection of its own.
fn connect(path: &Path, mode: AccessMode) -> Result<Connection, StoreError> {
    if path.is_dir() {
        return Err(StoreError::Open { path: path.to_owned(), reason: "it is a directory; name a file".to_owned() });
    }
    let opening = |error: duckdb::Error| StoreError::opening(path, &error);
    let config = Config::default()
        .access_mode(mode)
        .and_then(|config| config.enable_autoload_extension(false))
        // Fewer, larger checkpoints: with the default of 16 MB a scan at 100 k replies/s spends a fifth of the
        // writer's time on them.
        .and_then(|config| config.with("wal_autocheckpoint", "64MB"))
        .map_err(opening)?;
    Connection::open_with_flags(path, config).map_err(opening)
}
