//! What can go wrong with the database, each as one line: operation, subject, cause and what to do.

use std::path::{Path, PathBuf};

use crate::model::scan::{ScanId, ScanStatus};
use crate::target::range::AddressRange;

/// An error of the store. Cheap to clone, so that the writer can report one and keep trying.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No such file, and it was to be read only.
    #[error("database {}: not found; run `prober scan` first, or name another file with --db", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It may not be looked for.
    #[error(
        "database {}: cannot be looked for: {reason}; do it as whoever owns it (like `sudo -u prober`), or name another file \
         with --db", .path.display()
    )]
    Hidden {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file holds something else.
    #[error("database {}: not a DuckDB database; name another file with --db", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A DuckDB database of somebody else.
    #[error("database {}: a DuckDB database, but not one of prober's; name another file with --db", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// DuckDB lets either one writer or several readers in, across processes.
    #[error(
        "database {}: in use by {holder}, and DuckDB lets no other process in meanwhile, not even to read; wait until it \
         ends, or ask a running scan with `prober control status`, a daemon with `prober sql` and its --config or --socket", .path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// Program and process id, as far as known.
        holder: String,
    },
    /// Written by a later version.
    #[error("database {}: schema {found}, but this program knows up to {known}; use a newer prober", .path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Latest version of the program.
        known: u32,
    },
    /// Any other reason not to open.
    #[error("database {}: cannot be opened: {reason}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system or DuckDB said.
        reason: String,
    },
    /// An exclusion that is to be removed is not there.
    #[error("{range} is not stored as such, nothing was removed; `prober exclude list` shows what is")]
    NoSuchExclusion {
        /// Which.
        range: AddressRange,
    },
    /// A statement failed.
    #[error("database {}: {operation}: {reason}", .path.display())]
    Statement {
        /// The file.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// What DuckDB said.
        reason: String,
    },
    /// The disk (or quota, or file size limit) is exhausted.
    #[error("database {}: no space left while {operation}; free space, then start it again (a scan with --resume)", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
    },
    /// No scan has this number.
    #[error("database {}: no scan {scan}; `prober sql 'FROM scan_summary'` lists them", .path.display())]
    NoSuchScan {
        /// The file.
        path: PathBuf,
        /// The number.
        scan: ScanId,
    },
    /// Nothing was scanned yet.
    #[error("database {}: holds no scan yet; run `prober scan` first", .path.display())]
    NoScan {
        /// The file.
        path: PathBuf,
    },
    /// It ended well, so there is nothing to resume.
    #[error("scan {scan} is {}; only a scan that did not finish can be resumed", .status.name())]
    NotResumable {
        /// The number.
        scan: ScanId,
        /// How it stands.
        status: ScanStatus,
    },
    /// Every scan of this shard has finished.
    #[error("database {}: every scan of shard {shard} has finished; leave out --resume to begin another", .path.display())]
    NothingToResume {
        /// The file.
        path: PathBuf,
        /// Like 0/1.
        shard: String,
    },
    /// Targets, ports or seed differ.
    #[error(
        "scan {scan} had another plan (fingerprint {stored:016x}, now {given:016x}); resume with its targets, ports and seed"
    )]
    OtherPlan {
        /// The number.
        scan: ScanId,
        /// As recorded.
        stored: u64,
        /// As asked for.
        given: u64,
    },
    /// The writer thread has ended.
    #[error("database {}: the writer has ended", .path.display())]
    WriterGone {
        /// The file.
        path: PathBuf,
    },
}

impl StoreError {
    /// Why opening failed, told from DuckDB's message: it has no codes for these.
    pub(super) fn opening(path: &Path, error: &duckdb::Error) -> Self {
        let path = path.to_owned();
        let text = error.to_string();
        if text.contains("not a valid DuckDB database") {
            Self::NotADatabase { path }
        } else if text.contains("Conflicting lock is held") || text.contains("Could not set lock") {
            Self::Locked { holder: holder(&text), path }
        } else {
            Self::Open { reason: reason(&text), path }
        }
    }

    /// Why a statement failed.
    pub(super) fn statement(path: &Path, operation: &'static str, error: &duckdb::Error) -> Self {
        let text = error.to_string();
        let path = path.to_owned();
        let full = ["No space left", "File too large", "Disk quota", "Out of Memory Error: failed to offload"];
        if full.iter().any(|sign| text.contains(sign)) {
            Self::Full { path, operation }
        } else {
            Self::Statement { path, operation, reason: reason(&text) }
        }
    }
}

/// The first line of a message, without the pointer to the web that DuckDB adds.
pub(crate) fn reason(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("unknown reason");
    line.split(". See also").next().unwrap_or(line).trim_end_matches('.').to_owned()
}

/// Program and process id out of "Conflicting lock is held in /usr/bin/x (PID 12)".
fn holder(text: &str) -> String {
    text.split_once("held in ")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or_else(|| "another process".to_owned(), |(holder, _)| format!("{holder})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_holder_of_the_lock() {
        let said = "IO Error: Could not set lock on file \"/x\": Conflicting lock is held in /usr/bin/prober (PID 12). See also https://d";
        assert_eq!(holder(said), "/usr/bin/prober (PID 12)");
        assert_eq!(holder("Could not set lock"), "another process");
    }

    #[test]
    fn reasons_are_one_line() {
        assert_eq!(reason("\nParser Error: no\n\nLINE 1: x"), "Parser Error: no");
        assert_eq!(reason(""), "unknown reason");
    }
}
