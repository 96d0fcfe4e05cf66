//! The writer: one thread that owns the connection, takes replies from the receive thread's queue, drops duplicates and
//! commits rows, counters and checkpoints together. This file is its outside; the loop is in `writer/run.rs`.

mod clock;
mod run;
mod status;
mod transaction;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use prober_common::address::V4;
use prober_common::event::ReplyEvent;
use ringbuf::HeapCons;

use self::run::Run;
pub use self::status::WriterStatus;
use super::{FlushAck, Store, StoreCommand, StoreError};
use crate::model::banner::Transport;
use crate::model::scan::{ScanId, ScanStatus};
use crate::model::utc::{ClockOffset, UtcMicros};

/// Capacity of the queue of replies before the writer (32 MB): one second at 1 M replies/s, against pauses for
/// checkpoints of the database of about 0.1 s.
pub const EVENT_QUEUE: usize = 1 << 20;

/// Commands that may wait; the engine sends a handful per second.
const COMMAND_QUEUE: usize = 64;

/// How the writer works.
#[derive(Clone, Copy, Debug)]
pub struct WriterConfig {
    /// UTC minus the monotonic clock at the start.
    pub clock: ClockOffset,
    /// The monotonic clock at the start, ns: replies of a session before it count as seen if they can still recur.
    pub now_ns: u64,
    /// Commit when this many rows wait: exactly one row group of the database, which goes straight into the file. A
    /// fraction more would make a small group, rewritten at the next checkpoint and leaving holes in the file.
    pub flush_rows: usize,
    /// Commit at least this often.
    pub flush_interval: Duration,
    /// Rows held in memory (36 bytes each) while the database cannot be written; more are dropped and counted.
    pub held_rows: usize,
    /// Attempts of a commit before the failure is reported.
    pub attempts: u32,
}

impl WriterConfig {
    /// The usual settings.
    pub const fn new(clock: ClockOffset, now_ns: u64) -> Self {
        Self {
            clock,
            now_ns,
            flush_rows: 122_880,
            flush_interval: Duration::from_millis(500),
            held_rows: 4_000_000,
            attempts: 4,
        }
    }
}

/// Whom the writer tells of open ports; must not wait.
pub type OpenPortSink = Box<dyn FnMut(V4, Transport, u16) + Send>;

/// How the writer ended.
#[derive(Debug)]
pub struct Outcome {
    /// The database, unless it could not be opened again after a failure.
    pub store: Option<Store>,
    /// Rows of the scan on disk, all sessions.
    pub rows: u64,
    /// Replies of this session that had come before.
    pub duplicates: u64,
    /// Replies of this session that could not be stored.
    pub store_failed: u64,
    /// The failure, if the last commit did not succeed.
    pub error: Option<StoreError>,
}

/// The running writer. Dropping it drains the queue, commits and leaves the scan marked as running.
#[derive(Debug)]
pub struct Writer {
    commands: Option<SyncSender<StoreCommand>>,
    status: Arc<WriterStatus>,
    thread: Option<JoinHandle<Outcome>>,
    path: PathBuf,
}

impl Writer {
    /// Starts the thread for a scan that was begun or resumed. Reads the last replies of an earlier session first.
    pub fn spawn(
        store: Store,
        scan: ScanId,
        events: HeapCons<ReplyEvent>,
        config: WriterConfig,
    ) -> Result<Self, StoreError> {
        Self::spawn_telling(store, scan, events, config, None)
    }

    /// The same; `open_ports` is told of each port that answers as open, once.
    pub fn spawn_telling(
        store: Store,
        scan: ScanId,
        events: HeapCons<ReplyEvent>,
        config: WriterConfig,
        open_ports: Option<OpenPortSink>,
    ) -> Result<Self, StoreError> {
        let path = store.path().to_owned();
        let status = Arc::new(WriterStatus::default());
        let (commands, inbox) = sync_channel(COMMAND_QUEUE);
        let run = Run::new(store, scan, events, inbox, Arc::clone(&status), config, open_ports)?;
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || run.until_finished()).map_err(
            |error| StoreError::Open { path: path.clone(), reason: format!("the writer thread cannot start: {error}") },
        )?;
        Ok(Self { commands: Some(commands), status, thread: Some(thread), path })
    }

    /// Figures that change while it runs, and its failure.
    pub fn status(&self) -> &Arc<WriterStatus> {
        &self.status
    }

    /// Hands over a command. Waits only while [`COMMAND_QUEUE`] others do.
    pub fn send(&self, command: StoreCommand) -> Result<(), StoreError> {
        let commands = self.commands.as_ref().ok_or_else(|| self.gone())?;
        commands.send(command).map_err(|_| self.gone())
    }

    /// Hands over a command unless [`COMMAND_QUEUE`] others wait; whether it is on its way. Never waits.
    pub fn try_send(&self, command: StoreCommand) -> bool {
        self.commands.as_ref().is_some_and(|commands| commands.try_send(command).is_ok())
    }

    /// For a thread that sends commands of its own; it has to end before the writer does.
    pub fn inlet(&self) -> Result<SyncSender<StoreCommand>, StoreError> {
        self.commands.clone().ok_or_else(|| self.gone())
    }

    /// Commits what came before, with a checkpoint if there is one, and waits for it (one transaction; up to the
    /// retries' 1 s when the database cannot be written).
    pub fn flush(&self, checkpoint: Option<String>) -> Result<FlushAck, StoreError> {
        let (ack, answer) = sync_channel(1);
        self.send(StoreCommand::Flush { checkpoint, ack })?;
        answer.recv().unwrap_or_else(|_| Err(self.gone()))
    }

    /// Drains the queue, commits, records how the scan ended and stops. The receive thread must have stopped before.
    pub fn finish(mut self, status: ScanStatus, ended_at: UtcMicros, error: Option<String>) -> Outcome {
        // If the thread is gone already, its outcome says why.
        let _ = self.send(StoreCommand::Finish { status, ended_at, error });
        let gone = Outcome { store: None, rows: 0, duplicates: 0, store_failed: 0, error: Some(self.gone()) };
        self.join().unwrap_or(gone)
    }

    fn join(&mut self) -> Option<Outcome> {
        self.commands = None;
        self.thread.take().and_then(|thread| thread.join().ok())
    }

    fn gone(&self) -> StoreError {
        self.status.failure().unwrap_or_else(|| StoreError::WriterGone { path: self.path.clone() })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.join();
    }
}
