//! Trace files: one line for each probe, sent to a terminal of a place. The same columns as CSV (also gzipped) and as Parquet.
//!
//! | column | holds |
//! |---|---|
//! | `terminal` | the terminal within its place; wanted |
//! | `t_send_s` | when the probe was sent, in seconds from any beginning; wanted. Empty: in the order of the lines |
//! | `rtt_ms` | how long the reply took, in milliseconds, 0 to 600,000; empty if there was none; wanted |
//! | `scenario` | the place: prefix or scenario; also `place` or `dataset` |
//! | `condition` | set apart from other series of the same terminal |
//! | `network_type` | where known: wired, wlan, lte, nb-iot, wisun, lora, satellite; `gateway` for the last router; also `access` |
//! | `background` | where known: 1 with other traffic, 0 without |
//! | `cause` | where known: normal, congestion, disconnected, hidden_terminal, weak_link, ports_blocked, unstable, interference |
//! | `ttl_seen` | TTL of the reply as it arrived |
//! | `hop_count` | routers on the way, used where no `ttl_seen` is |
//! | `port` | the port probed |
//! | `reply` | `synack` (open), `rst` (refused) or `none` |
//! | `lost` | 1: no reply, whatever `rtt_ms` says |
//!
//! Other columns are ignored. The probes of a terminal come in the order of their times, give or take a second: a file that is
//! not in order may be of a clock that was stepped, or of two series under one name. What cannot be true - a line cut off, a
//! time before 0, before its forerunner's, or ten years from the others, a reply without a round-trip time - is an error with the
//! number of its line.

mod csv;
mod line;
mod parquet;
mod write;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::model::trace::Trace;
pub use write::write_traces;

/// Why a trace file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It cannot be read.
    #[error("reading traces from {path}: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// It cannot be written.
    #[error("writing traces to {path}: {cause}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// A line says what cannot be.
    #[error("{path}:{line}: {what}")]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1, the heading included; of Parquet, the row.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// Nothing is in it.
    #[error("{path}: there is no probe in it")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl TraceError {
    fn read(path: &Path, cause: impl std::fmt::Display) -> Self {
        Self::Read { path: path.to_owned(), cause: format!("{cause}") }
    }
}

/// In what order the lines of a terminal are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineOrder {
    /// By time; anything else is an error.
    ByTime,
    /// Any: they are sorted.
    Any,
}

/// Reads a file of either kind, its lines in order; by place and terminal, probes by time.
pub fn read_traces(path: &Path) -> Result<Vec<Trace>, TraceError> {
    read_traces_in(path, LineOrder::ByTime)
}

/// The same of lines in this order.
pub fn read_traces_in(path: &Path, order: LineOrder) -> Result<Vec<Trace>, TraceError> {
    let traces = if path.extension().is_some_and(|ending| ending == "parquet") {
        parquet::read(path, order)?
    } else {
        csv::read(path, order)?
    };
    if traces.is_empty() { Err(TraceError::Empty { path: path.to_owned() }) } else { Ok(traces) }
}
