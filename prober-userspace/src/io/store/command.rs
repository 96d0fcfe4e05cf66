//! What the engine tells the writer thread, besides replies.

use std::sync::mpsc::SyncSender;

use super::{StoreError, StudyProbe};
use crate::model::banner::Banner;
use crate::model::scan::ScanStatus;
use crate::model::utc::{ClockOffset, UtcMicros};

/// A counter's part in the accounting: accepted = stored + duplicate + loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterRole {
    /// Probes put on the wire.
    Sent,
    /// Replies that the kernel accepted.
    Accepted,
    /// Replies stored; the writer's own.
    Stored,
    /// Replies that had come before; the writer's own.
    Duplicate,
    /// Accepted replies lost for one reason.
    Loss,
    /// Everything else worth showing.
    Info,
}

impl CounterRole {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Loss => "loss",
            Self::Info => "info",
        }
    }
}

/// A counter as it stands, counted from the start of this session; the store adds the sessions before a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterValue {
    /// Stable name. The writer's own names (`stored`, `duplicate`, `duplicate_*`, `store_failed`, `stale`, `killed`) are
    /// taken.
    pub name: &'static str,
    /// Its part in the accounting.
    pub role: CounterRole,
    /// Events in this session.
    pub value: u64,
    /// What is counted, for the report.
    pub meaning: &'static str,
}

/// What the writer does between replies.
#[derive(Debug)]
pub enum StoreCommand {
    /// The engine's counters as they stand; written with the next flush.
    Counters(Vec<CounterValue>),
    /// A second has passed: one row of `scan_rate`. The writer adds the replies by kind.
    Rate {
        /// End of the second, monotonic clock.
        ended_ns: u64,
        /// Probes sent in it.
        sent: u64,
        /// Accepted replies lost in it before they reached the writer.
        lost: u32,
    },
    /// UTC minus monotonic, measured again; only a step of the wall clock (1 ms or more) changes anything.
    Clock(ClockOffset),
    /// What services said, grabbed beside the scan; written with the next flush.
    Banners(Vec<Banner>),
    /// Probes that were sent to terminals under study; written with the next flush.
    StudyProbes(Vec<StudyProbe>),
    /// Commit all that came before.
    Flush {
        /// Where to resume (JSON text), committed in the same transaction.
        checkpoint: Option<String>,
        /// Gets the answer; capacity of at least 1, so that the writer never waits.
        ack: SyncSender<Result<FlushAck, StoreError>>,
    },
    /// Drain the queue, commit, record the end and stop the thread.
    Finish {
        /// How the scan ended.
        status: ScanStatus,
        /// When.
        ended_at: UtcMicros,
        /// Why it failed, if it did.
        error: Option<String>,
    },
}

/// What is on disk after a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushAck {
    /// Rows of this scan on disk, all sessions.
    pub rows: u64,
}
