//! Tests with real database files.

mod banners;
mod devices;
mod exporting;
mod forgetting;
mod housekeeping;
mod networks;
mod opening;
mod resuming;
mod sql;
mod targets;
mod writing;

use std::path::PathBuf;

use prober_common::address::V4;
use prober_common::event::{ReplyEvent, ReplyKind};
use ringbuf::traits::{Producer, Split};
use ringbuf::{HeapProd, HeapRb};
use tempfile::TempDir;

use super::{Access, Store, Writer, WriterConfig};
use crate::model::scan::{ScanId, ScanMeta, ScanStatus};
use crate::model::utc::{ClockOffset, UtcMicros};

/// The monotonic clock at the start of test scans.
pub(super) const START_NS: u64 = 1_000_000_000_000;
/// UTC minus that: the scans start on 2023-11-14 at 22:30 UTC.
pub(super) const OFFSET: ClockOffset = ClockOffset { micros: 1_700_000_000_000_000 };
pub(super) const ENDED: UtcMicros = UtcMicros(1_700_001_100_000_000);

/// A new database in a folder of its own.
pub(super) fn new_database() -> (TempDir, PathBuf, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.duckdb");
    let store = Store::open(&path, Access::Write).unwrap();
    (folder, path, store)
}

pub(super) fn meta() -> ScanMeta {
    ScanMeta {
        started_at: UtcMicros(OFFSET.micros + 1_000_000_000),
        operator: "tester".to_owned(),
        host: "lab".to_owned(),
        program_version: "0".to_owned(),
        command: "prober scan 192.0.2.0/24".to_owned(),
        settings: "{}".to_owned(),
        seed: u64::MAX,
        plan_fingerprint: 0xfeed_f00d_dead_beef,
        targets: 256,
        ports: "80".to_owned(),
        probes_planned: 256,
        shard_index: 0,
        shard_count: 1,
        rate_pps: 10_000.0,
        engine: "packet".to_owned(),
        interface: "veth0".to_owned(),
        source_address: Some(V4(0xC000_0201)),
        exclusions: Vec::new(),
    }
}

/// The reply number `n`: distinct for distinct numbers.
pub(super) fn reply(n: u32) -> ReplyEvent {
    let target = V4(0x0A00_0000 + n);
    ReplyEvent {
        received_ns: START_NS + u64::from(n) * 10_000 + 20_000_000,
        rtt_ns: 20_000_000,
        target,
        responder: target,
        port: 80,
        detail: 64_240,
        kind: ReplyKind::SynAck as u8,
        probe: 0,
        ttl: 57,
        quoted_ttl: 0,
    }
}

/// A writer on a new scan, and where to push replies.
pub(super) fn new_writer(store: Store) -> (ScanId, Writer, HeapProd<ReplyEvent>) {
    let scan = store.begin_scan(&meta()).unwrap();
    let (writer, queue) = writer_of(store, scan, START_NS);
    (scan, writer, queue)
}

pub(super) fn writer_of(store: Store, scan: ScanId, now_ns: u64) -> (Writer, HeapProd<ReplyEvent>) {
    let (queue, consumer) = HeapRb::new(1 << 16).split();
    let writer = Writer::spawn(store, scan, consumer, WriterConfig::new(OFFSET, now_ns)).unwrap();
    (writer, queue)
}

/// Pushes all, waiting for room.
pub(super) fn push(queue: &mut HeapProd<ReplyEvent>, events: &[ReplyEvent]) {
    let mut rest = events;
    while !rest.is_empty() {
        let pushed = queue.push_slice(rest);
        rest = &rest[pushed..];
        if pushed == 0 {
            std::thread::yield_now();
        }
    }
}

pub(super) fn count(store: &Store, sql: &str) -> u64 {
    store.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

pub(super) fn text(store: &Store, sql: &str) -> String {
    store.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Ends the writer and expects that all went well.
pub(super) fn finish(writer: Writer, queue: HeapProd<ReplyEvent>) -> Store {
    drop(queue);
    let outcome = writer.finish(ScanStatus::Finished, ENDED, None);
    assert_eq!(outcome.error, None);
    outcome.store.unwrap()
}
