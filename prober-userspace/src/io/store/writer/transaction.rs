//! One transaction after another: rows, counters, rates, clock and checkpoint together, each row exactly once even when a
//! commit fails half-way.

use std::path::PathBuf;

use arrow::record_batch::RecordBatch;
use duckdb::{Connection, params};

use crate::io::store::banners::append_banners;
use crate::io::store::counters::{ScanCounters, own};
use crate::io::store::networks::append_study_probes;
use crate::io::store::scans::timestamp;
use crate::io::store::{Store, StoreError, StudyProbe};
use crate::model::banner::Banner;
use crate::model::scan::{ScanId, ScanStatus};
use crate::model::utc::UtcMicros;

/// Text of banners held in memory while the database cannot be written; more is dropped and counted.
const BANNER_BYTES_HELD: usize = 64 << 20;

/// What waits for the next transaction. `checkpoint` and `end` are replaced by later ones, the rest adds up.
#[derive(Debug, Default)]
pub(super) struct Pending {
    batches: Vec<RecordBatch>,
    rates: Vec<RateRow>,
    clocks: Vec<(UtcMicros, i64)>,
    banners: Vec<Banner>,
    banner_bytes: usize,
    /// As many as a study has, at most.
    pub(super) study_probes: Vec<StudyProbe>,
    pub(super) checkpoint: Option<(String, UtcMicros)>,
    pub(super) end: Option<(ScanStatus, UtcMicros, Option<String>)>,
}

/// A row of `scan_rate`.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateRow {
    pub(super) ended_at: UtcMicros,
    pub(super) sent: u64,
    pub(super) replies: [u32; 7],
    pub(super) duplicates: u32,
    pub(super) lost: u32,
}

impl Pending {
    pub(super) fn add_rows(&mut self, batch: RecordBatch) {
        self.batches.push(batch);
    }

    /// An hour of rates is kept while the database cannot be written; later ones are dropped.
    pub(super) fn add_rate(&mut self, rate: RateRow) {
        if self.rates.len() < 3_600 {
            self.rates.push(rate);
        }
    }

    pub(super) fn add_clock(&mut self, set_at: UtcMicros, offset_us: i64) {
        if self.clocks.len() < 3_600 {
            self.clocks.push((set_at, offset_us));
        }
    }

    /// Says how many there is no room for, while the database cannot be written.
    pub(super) fn add_banners(&mut self, banners: Vec<Banner>) -> u64 {
        let mut dropped = 0;
        for banner in banners {
            if self.banner_bytes + banner.text.len() > BANNER_BYTES_HELD {
                dropped += 1;
            } else {
                self.banner_bytes += banner.text.len();
                self.banners.push(banner);
            }
        }
        dropped
    }

    /// Text of the banners that wait.
    pub(super) fn banner_bytes(&self) -> usize {
        self.banner_bytes
    }

    pub(super) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn write(&self, connection: &Connection, scan: ScanId) -> duckdb::Result<()> {
        let mut replies = connection.appender("reply")?;
        for batch in &self.batches {
            replies.append_record_batch(batch.clone())?;
        }
        replies.flush()?;
        let mut rates = connection.appender("scan_rate")?;
        for rate in &self.rates {
            let [syn_ack, rst, echo, udp, unreachable, exceeded, other] = rate.replies;
            let at = timestamp(rate.ended_at);
            rates.append_row(params![
                scan.0,
                at,
                rate.sent,
                syn_ack,
                rst,
                echo,
                udp,
                unreachable,
                exceeded,
                other,
                rate.duplicates,
                rate.lost
            ])?;
        }
        rates.flush()?;
        for &(set_at, offset_us) in &self.clocks {
            connection
                .execute("INSERT INTO scan_clock VALUES (?, ?, ?)", params![scan.0, timestamp(set_at), offset_us])?;
        }
        if !self.banners.is_empty() {
            append_banners(connection, &self.banners, Some(scan))?;
        }
        if !self.study_probes.is_empty() {
            append_study_probes(connection, scan, &self.study_probes)?;
        }
        if let Some((checkpoint, at)) = &self.checkpoint {
            let sql = "UPDATE scan SET checkpoint = ?, checkpoint_at = ? WHERE id = ?";
            connection.execute(sql, params![checkpoint, timestamp(*at), scan.0])?;
        }
        if let Some((status, at, error)) = &self.end {
            let sql = "UPDATE scan SET status = ?, ended_at = ?, error = ? WHERE id = ?";
            connection.execute(sql, params![status.name(), timestamp(*at), error, scan.0])?;
        }
        Ok(())
    }
}

/// The database with its failures. After one, the connection is given up and the file opened anew; a counter that each
/// commit raises tells whether the commit that reported the failure took place all the same.
#[derive(Debug)]
pub(super) struct Database {
    scan: ScanId,
    store: Option<Store>,
    path: PathBuf,
    suspect: bool,
    doubt: Option<Doubt>,
    commits: u64,
    stored: u64,
}

/// How much of what waits was in the commit that failed.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    batches: usize,
    rates: usize,
    clocks: usize,
    banners: usize,
    study_probes: usize,
    commits: u64,
}

impl Database {
    pub(super) fn new(store: Store, scan: ScanId) -> Self {
        let path = store.path().to_owned();
        Self { scan, store: Some(store), path, suspect: false, doubt: None, commits: 0, stored: 0 }
    }

    /// Rows stored in this session.
    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    pub(super) fn into_store(self) -> Option<Store> {
        self.store
    }

    /// Writes all that waits and empties it; on failure it stays.
    pub(super) fn commit(&mut self, pending: &mut Pending, counters: &mut ScanCounters) -> Result<(), StoreError> {
        self.recover(pending)?;
        let rows = pending.rows() as u64;
        counters.set(own::commits(self.commits + 1));
        counters.set(own::stored(self.stored + rows));
        let Some(store) = &self.store else {
            return Err(StoreError::WriterGone { path: self.path.clone() });
        };
        let written = store.in_transaction(|connection| {
            pending.write(connection, self.scan)?;
            counters.write(connection)
        });
        if let Err(error) = written {
            self.suspect = true;
            self.doubt = Some(Doubt {
                batches: pending.batches.len(),
                rates: pending.rates.len(),
                clocks: pending.clocks.len(),
                banners: pending.banners.len(),
                study_probes: pending.study_probes.len(),
                commits: counters.total(own::COMMITS),
            });
            return Err(StoreError::statement(&self.path, "storing replies", &error));
        }
        self.commits += 1;
        self.stored += rows;
        *pending = Pending::default();
        Ok(())
    }

    /// After a failure: opens anew and drops from what waits whatever is on disk already.
    fn recover(&mut self, pending: &mut Pending) -> Result<(), StoreError> {
        if !self.suspect {
            return Ok(());
        }
        let store = match self.store.take() {
            Some(store) if store.is_shared() => match store.another() {
                Ok(another) => another,
                Err(error) => {
                    self.store = Some(store);
                    return Err(error);
                }
            },
            Some(store) => store.reopen().map_err(|(_, error)| error)?,
            None => Store::open(&self.path, super::super::Access::Write)?,
        };
        if let Some(doubt) = self.doubt {
            let on_disk = ScanCounters::load(store.connection(), self.scan)
                .map_err(store.failed("reading the counters"))?
                .total(own::COMMITS);
            if on_disk == doubt.commits {
                self.commits += 1;
                self.stored += pending.batches.drain(..doubt.batches).map(|batch| batch.num_rows() as u64).sum::<u64>();
                pending.rates.drain(..doubt.rates);
                pending.clocks.drain(..doubt.clocks);
                pending.banners.drain(..doubt.banners);
                pending.study_probes.drain(..doubt.study_probes);
                pending.banner_bytes = pending.banners.iter().map(|banner| banner.text.len()).sum();
            }
        }
        self.doubt = None;
        self.suspect = false;
        self.store = Some(store);
        Ok(())
    }
}
