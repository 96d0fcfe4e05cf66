//! The writer's loop: take replies, obey commands, commit when due. It never panics and never blocks on its callers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use prober_common::address::V4;
use prober_common::event::{ReplyEvent, ReplyKind};
use ringbuf::HeapCons;
use ringbuf::traits::{Consumer, Observer};

use super::clock::SteadyClock;
use super::status::WriterStatus;
use super::transaction::{Database, Pending, RateRow};
use super::{OpenPortSink, Outcome, WriterConfig};
use crate::io::clock::utc_now;
use crate::io::store::batch::BatchBuilder;
use crate::io::store::counters::{ScanCounters, own};
use crate::io::store::{FlushAck, Novelty, SeenReplies, Store, StoreCommand, StoreError};
use crate::model::banner::Transport;
use crate::model::scan::ScanId;

const KINDS: usize = ReplyKind::ALL.len();
/// Replies taken from the queue at once.
const SLICE: usize = 2_048;
/// Slices between looks at the commands.
const SLICES: usize = 16;
/// Rest when nothing is there. The queue holds a second of replies, so this costs nothing.
const IDLE: Duration = Duration::from_millis(4);
/// Between attempts of a commit: this, then twice as long each time.
const BACKOFF: Duration = Duration::from_millis(50);
/// Between attempts once the failure is reported.
const RETRY: Duration = Duration::from_secs(1);
/// Commit when so much text of banners waits.
const BANNER_BYTES: usize = 16 << 20;
/// Replies that can still recur were received at most this long ago (two generations of the duplicate check).
const RECALL_NS: u64 = 144_000_000_000;

/// The state of the thread.
pub(super) struct Run {
    events: HeapCons<ReplyEvent>,
    inbox: Receiver<StoreCommand>,
    status: Arc<WriterStatus>,
    config: WriterConfig,
    clock: SteadyClock,
    seen: SeenReplies,
    builder: BatchBuilder,
    pending: Pending,
    database: Database,
    counters: ScanCounters,
    tally: Tally,
    slice: Box<[ReplyEvent]>,
    latest_ns: u64,
    flushed: Instant,
    dirty: bool,
    failed: Option<StoreError>,
    open_ports: Option<OpenPortSink>,
    /// Banners dropped because the database could not be written.
    banners_failed: u64,
}

/// Replies since the last row of `scan_rate`.
#[derive(Debug, Default)]
struct Tally {
    replies: [u32; KINDS],
    duplicates: u32,
    lost: u32,
}

impl Run {
    pub(super) fn new(
        store: Store,
        scan: ScanId,
        events: HeapCons<ReplyEvent>,
        inbox: Receiver<StoreCommand>,
        status: Arc<WriterStatus>,
        config: WriterConfig,
        open_ports: Option<OpenPortSink>,
    ) -> Result<Self, StoreError> {
        let counters = ScanCounters::load(store.connection(), scan).map_err(store.failed("reading the counters"))?;
        let seen = recall(&store, scan, config.now_ns).map_err(store.failed("reading the last replies"))?;
        // One thread: a commit is too small to share, and the other cores are the scan's.
        store.connection().execute_batch("SET threads = 1").map_err(store.failed("setting up the writer"))?;
        let mut pending = Pending::default();
        let clock = SteadyClock::new(config.clock);
        pending.add_clock(clock.utc(config.now_ns), config.clock.micros);
        Ok(Self {
            events,
            inbox,
            status,
            config,
            clock,
            seen,
            builder: BatchBuilder::new(scan, config.flush_rows),
            pending,
            database: Database::new(store, scan),
            counters,
            tally: Tally::default(),
            slice: vec![ReplyEvent::default(); SLICE].into_boxed_slice(),
            latest_ns: config.now_ns,
            flushed: Instant::now(),
            dirty: true,
            failed: None,
            open_ports,
            banners_failed: 0,
        })
    }

    /// Runs until told to finish, or until nobody can tell it anything any more.
    pub(super) fn until_finished(mut self) -> Outcome {
        loop {
            let idle = self.take(SLICES) == 0;
            match self.next_command(idle) {
                Ok(None) => {}
                Ok(Some(StoreCommand::Finish { status, ended_at, error })) => {
                    self.pending.end = Some((status, ended_at, error));
                    return self.finish();
                }
                Ok(Some(command)) => self.obey(command),
                Err(_) => return self.finish(),
            }
            if self.due() {
                // Reported through the status; what waits is kept.
                let _ = self.flush();
            }
        }
    }

    fn next_command(&self, idle: bool) -> Result<Option<StoreCommand>, TryRecvError> {
        if !idle {
            return match self.inbox.try_recv() {
                Err(TryRecvError::Empty) => Ok(None),
                other => other.map(Some),
            };
        }
        match self.inbox.recv_timeout(IDLE) {
            Ok(command) => Ok(Some(command)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(TryRecvError::Disconnected),
        }
    }

    fn obey(&mut self, command: StoreCommand) {
        self.dirty = true;
        match command {
            StoreCommand::Counters(counters) => counters.into_iter().for_each(|counter| self.counters.set(counter)),
            StoreCommand::Rate { ended_ns, sent, lost } => {
                let Tally { replies, duplicates, lost: own_lost } = std::mem::take(&mut self.tally);
                let ended_at = self.clock.utc(ended_ns);
                self.pending.add_rate(RateRow {
                    ended_at,
                    sent,
                    replies,
                    duplicates,
                    lost: lost.saturating_add(own_lost),
                });
            }
            StoreCommand::Clock(offset) => {
                if self.clock.follow(offset, self.latest_ns) {
                    self.pending.add_clock(self.clock.utc(self.latest_ns), offset.micros);
                }
            }
            StoreCommand::Flush { checkpoint, ack } => {
                if let Some(checkpoint) = checkpoint {
                    self.pending.checkpoint = Some((checkpoint, utc_now()));
                }
                self.drain();
                let done = self
                    .flush()
                    .map(|()| FlushAck { rows: self.counters.before(own::STORED) + self.database.stored() });
                // Who asked may have gone; the flush took place all the same.
                let _ = ack.try_send(done);
            }
            StoreCommand::Banners(banners) => self.banners_failed += self.pending.add_banners(banners),
            StoreCommand::StudyProbes(probes) => self.pending.study_probes.extend(probes),
            // Handled by the loop, which it ends.
            StoreCommand::Finish { .. } => {}
        }
    }

    fn finish(mut self) -> Outcome {
        self.drain();
        let error = self.flush().err();
        if error.is_some() {
            self.status.store_failed.fetch_add((self.pending.rows() + self.builder.len()) as u64, Ordering::Relaxed);
        }
        Outcome {
            rows: self.counters.before(own::STORED) + self.database.stored(),
            duplicates: self.status.duplicates(),
            store_failed: self.status.store_failed(),
            store: self.database.into_store(),
            error,
        }
    }

    fn due(&self) -> bool {
        let since = self.flushed.elapsed();
        if self.failed.is_some() {
            return since >= RETRY;
        }
        self.builder.len() >= self.config.flush_rows
            || self.pending.banner_bytes() >= BANNER_BYTES
            || since >= self.config.flush_interval && (self.dirty || self.builder.len() > 0)
    }

    /// Takes what was in the queue when called.
    fn drain(&mut self) {
        let mut left = self.events.occupied_len();
        while left > 0 {
            if self.failed.is_none() && self.builder.len() >= self.config.flush_rows {
                // Reported through the status; from then on the rows are held.
                let _ = self.flush();
            }
            left = left.saturating_sub(self.take(1).max(1));
        }
    }

    /// Takes up to `slices` slices, at most until a commit is due. Returns how many replies.
    fn take(&mut self, slices: usize) -> usize {
        let mut taken = 0;
        for _ in 0..slices {
            // Not beyond a row group; while the database cannot be written, on and on until the limit of held rows.
            let room = match self.failed {
                None => self.config.flush_rows.saturating_sub(self.builder.len()).min(SLICE),
                Some(_) => SLICE,
            };
            let count = self.events.pop_slice(&mut self.slice[..room]);
            taken += count;
            self.sort_out(count);
            if count < room || room == 0 {
                break;
            }
        }
        taken
    }

    /// New replies become rows, others are counted.
    fn sort_out(&mut self, count: usize) {
        let room = self.config.held_rows.saturating_sub(self.pending.rows() + self.builder.len());
        let (kept, dropped) = self.slice[..count].split_at(count.min(room));
        let (mut replies, mut duplicates, mut stale) = ([0u32; KINDS], [0u32; KINDS], 0u32);
        for event in kept {
            let kind = usize::from(event.kind).min(KINDS - 1);
            self.latest_ns = self.latest_ns.max(event.received_ns);
            match self.seen.note(event) {
                Novelty::New => {
                    self.builder.push(event, self.clock.utc(event.received_ns));
                    replies[kind] += 1;
                    if let Some(tell) = &mut self.open_ports {
                        tell_if_open(tell, event);
                    }
                }
                Novelty::Duplicate => duplicates[kind] += 1,
                Novelty::Stale => stale += 1,
            }
        }
        for kind in 0..KINDS {
            self.tally.replies[kind] += replies[kind];
            self.tally.duplicates += duplicates[kind];
            self.status.replies[kind].fetch_add(u64::from(replies[kind]), Ordering::Relaxed);
            self.status.duplicates[kind].fetch_add(u64::from(duplicates[kind]), Ordering::Relaxed);
        }
        self.tally.lost += stale + dropped.len() as u32;
        self.status.stale.fetch_add(u64::from(stale), Ordering::Relaxed);
        self.status.store_failed.fetch_add(dropped.len() as u64, Ordering::Relaxed);
    }

    /// Commits what waits: several attempts at first, a single one once the failure is reported.
    fn flush(&mut self) -> Result<(), StoreError> {
        let attempts = if self.failed.is_some() { 1 } else { self.config.attempts.max(1) };
        let mut attempt = 1;
        loop {
            match self.commit() {
                Ok(()) => {
                    if self.failed.take().is_some() {
                        log::warn!("database: can be written again");
                    }
                    return Ok(());
                }
                Err(error) if attempt >= attempts => {
                    if self.failed.is_none() {
                        // Whoever runs the scan says it, once, with how the scan ended.
                        self.status.report(error.clone());
                    }
                    self.failed = Some(error.clone());
                    self.flushed = Instant::now();
                    return Err(error);
                }
                Err(error) => {
                    log::debug!("{error}; attempt {attempt} of {attempts}");
                    std::thread::sleep(BACKOFF * (1 << attempt.min(6)) / 2);
                    attempt += 1;
                }
            }
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if self.builder.len() > 0 {
            self.pending.add_rows(self.builder.take());
        }
        for kind in 0..KINDS {
            let value = self.status.duplicates[kind].load(Ordering::Relaxed);
            self.counters.set(own::duplicate(kind, value));
        }
        self.counters.set(own::store_failed(self.status.store_failed()));
        self.counters.set(own::stale(self.status.stale()));
        if self.banners_failed > 0 {
            self.counters.set(own::banners_failed(self.banners_failed));
        }
        self.database.commit(&mut self.pending, &mut self.counters)?;
        self.status.committed.store(self.database.stored(), Ordering::Relaxed);
        self.flushed = Instant::now();
        self.dirty = false;
        Ok(())
    }
}

fn tell_if_open(tell: &mut OpenPortSink, event: &ReplyEvent) {
    let transport = match ReplyKind::from_code(event.kind) {
        Some(ReplyKind::SynAck) => Transport::Tcp,
        Some(ReplyKind::UdpReply) => Transport::Udp,
        _ => return,
    };
    if event.port > 0 {
        tell(event.target, transport, event.port);
    }
}

/// The replies of an earlier session that can still recur, told by the clock offset of that session. Replies of before a
/// reboot come out in the future or long ago, and none of them can recur. Not exact for replies within a backward step of
/// the wall clock just before the resume: those may be stored twice.
fn recall(store: &Store, scan: ScanId, now_ns: u64) -> duckdb::Result<SeenReplies> {
    let mut seen = SeenReplies::default();
    let mut statement = store.connection().prepare(
        "WITH last AS (SELECT max_by(offset_us, set_at) AS offset_us FROM scan_clock WHERE scan_id = $1)
         SELECT (epoch_us(received_at) - offset_us)::UBIGINT AS received_us, rtt_us, address, port, kind, probe
         FROM reply, last
         WHERE scan_id = $1 AND epoch_us(received_at) - offset_us BETWEEN $2 AND $3
         ORDER BY received_us - rtt_us",
    )?;
    let (from_us, until_us) = (now_ns.saturating_sub(RECALL_NS) / 1000, now_ns / 1000);
    let mut rows = statement.query(duckdb::params![scan.0, from_us as i64, until_us as i64])?;
    while let Some(row) = rows.next()? {
        let event = ReplyEvent {
            received_ns: row.get::<_, u64>(0)? * 1000,
            rtt_ns: u64::from(row.get::<_, u32>(1)?) * 1000,
            target: V4(row.get(2)?),
            port: row.get(3)?,
            kind: row.get(4)?,
            probe: row.get(5)?,
            ..ReplyEvent::default()
        };
        seen.note(&event);
    }
    Ok(seen)
}
