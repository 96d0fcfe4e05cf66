//! The writer: nothing lost, nothing twice, all accounted for.

use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use prober_common::address::V4;
use prober_common::event::{ReplyEvent, ReplyKind};
use ringbuf::HeapRb;
use ringbuf::traits::Split;

use super::super::{
    Access, CounterRole, CounterValue, OpenPortSink, Store, StoreCommand, StoreError, Writer, WriterConfig,
};
use super::{ENDED, OFFSET, START_NS, count, finish, meta, new_database, new_writer, push, reply, text};
use crate::model::scan::ScanStatus;
use crate::model::utc::ClockOffset;

fn counter(name: &'static str, role: CounterRole, value: u64) -> CounterValue {
    CounterValue { name, role, value, meaning: "a test's" }
}

#[test]
fn a_row_holds_what_the_event_said() {
    let (_folder, _path, store) = new_database();
    let (scan, writer, mut queue) = new_writer(store);
    let event = ReplyEvent {
        received_ns: START_NS + 67_000_123_456,
        rtt_ns: 66_999_123_456,
        target: V4(u32::MAX),
        responder: V4(0),
        port: u16::MAX,
        detail: 0x0B01,
        kind: ReplyKind::TimeExceeded as u8,
        probe: 2,
        ttl: 255,
        quoted_ttl: 1,
    };
    push(&mut queue, &[event, ReplyEvent { target: V4(7), responder: V4(7), ..event }]);
    let store = finish(writer, queue);
    let columns = "concat_ws(' ', scan_id, epoch_us(received_at), rtt_us, address, responder, port, kind, probe, ttl, detail, quoted_ttl)";
    let received_us = OFFSET.micros as u64 + START_NS / 1000 + 67_000_123;
    assert_eq!(
        text(&store, &format!("SELECT {columns} FROM reply WHERE address > 7")),
        format!("{scan} {received_us} 66999123 4294967295 0 65535 5 2 255 2817 1"),
    );
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM reply WHERE address = 7 AND responder IS NULL"), 1);
}

#[test]
fn duplicates_are_counted_and_the_account_balances() {
    let (_folder, _path, store) = new_database();
    let (_, writer, mut queue) = new_writer(store);
    let events: Vec<ReplyEvent> = (0..300_000).map(reply).collect();
    push(&mut queue, &events);
    push(&mut queue, &events[..1_000]);
    let counters = vec![
        counter("sent", CounterRole::Sent, 600_000),
        counter("accepted", CounterRole::Accepted, 301_007),
        counter("ring_full", CounterRole::Loss, 7),
    ];
    writer.send(StoreCommand::Counters(counters)).unwrap();
    writer.send(StoreCommand::Rate { ended_ns: START_NS + 1_000_000_000, sent: 600_000, lost: 7 }).unwrap();
    let store = finish(writer, queue);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM reply"), 300_000);
    assert_eq!(count(&store, "SELECT value FROM scan_counter WHERE name = 'duplicate_syn_ack'"), 1_000);
    let summary = "concat_ws(' ', status, sent, accepted, replies, duplicates, lost, accounted)";
    assert_eq!(
        text(&store, &format!("SELECT {summary} FROM scan_summary")),
        "finished 600000 301007 300000 1000 7 true"
    );
    // Rows of `scan_rate` are cut by when they arrive; what came after the last is not in any.
    let rate = "SELECT (sent = 600000 AND lost = 7 AND syn_ack + duplicates <= 301000)::VARCHAR FROM scan_rate";
    assert_eq!(text(&store, rate), "true");
}

#[test]
fn whoever_must_not_wait_is_told_that_there_is_no_room() {
    let (_folder, _path, store) = new_database();
    let scan = store.begin_scan(&meta()).unwrap();
    let (mut queue, events) = HeapRb::new(1 << 10).split();
    let ((reached, has_reached), (go_on, may_go_on)) = (channel(), channel::<()>());
    // Whoever is told of open ports keeps the writer from everything else, as a slow disk does.
    let stall: OpenPortSink = Box::new(move |_, _, _| {
        reached.send(()).unwrap();
        let _ = may_go_on.recv();
    });
    let config = WriterConfig::new(OFFSET, START_NS);
    let writer = Writer::spawn_telling(store, scan, events, config, Some(stall)).unwrap();
    push(&mut queue, &[reply(0)]);
    has_reached.recv().unwrap();
    let rate = |sent| StoreCommand::Rate { ended_ns: START_NS + sent * 1_000_000, sent, lost: 0 };
    let taken = (1..1_000).take_while(|sent| writer.try_send(rate(*sent))).count() as u64;
    assert!((1..999).contains(&taken), "{taken}");
    drop(go_on);
    writer.send(rate(1_000)).unwrap();
    let store = finish(writer, queue);
    let sent = taken * (taken + 1) / 2 + 1_000;
    assert_eq!(count(&store, "SELECT sum(sent)::UBIGINT FROM scan_rate"), sent);
}

#[test]
fn a_flush_puts_all_before_it_on_disk_with_its_checkpoint() {
    let (_folder, path, store) = new_database();
    let (scan, writer, mut queue) = new_writer(store);
    push(&mut queue, &(0..5_000).map(reply).collect::<Vec<_>>());
    assert_eq!(writer.flush(Some("{\"position\": 5000}".to_owned())).unwrap().rows, 5_000);
    assert_eq!(writer.status().committed(), 5_000);
    assert_eq!(writer.status().replies(ReplyKind::SynAck), 5_000);
    // The copy is what a kill would leave.
    let copy = path.with_file_name("copy.duckdb");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(path.with_extension("duckdb.wal"), copy.with_extension("duckdb.wal")).unwrap();
    let left = Store::open(&copy, Access::Read).unwrap();
    assert_eq!(count(&left, "SELECT count(*)::UBIGINT FROM reply"), 5_000);
    let state = text(&left, &format!("SELECT concat_ws(' ', status, checkpoint) FROM scan WHERE id = {scan}"));
    assert_eq!(state, "running {\"position\": 5000}");
    finish(writer, queue);
}

#[test]
fn a_writer_that_is_dropped_still_commits() {
    let (_folder, path, store) = new_database();
    let (_, writer, mut queue) = new_writer(store);
    push(&mut queue, &(0..10).map(reply).collect::<Vec<_>>());
    drop(writer);
    let store = Store::open(&path, Access::Read).unwrap();
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM reply"), 10);
    assert_eq!(text(&store, "SELECT status FROM scan"), "running");
}

#[test]
fn a_step_of_the_wall_clock_does_not_reorder() {
    let (_folder, _path, store) = new_database();
    let (_, writer, mut queue) = new_writer(store);
    push(&mut queue, &(0..1_000).map(reply).collect::<Vec<_>>());
    writer.flush(None).unwrap();
    writer.send(StoreCommand::Clock(ClockOffset { micros: OFFSET.micros + 40 })).unwrap();
    writer.send(StoreCommand::Clock(ClockOffset { micros: OFFSET.micros - 3_600_000_000 })).unwrap();
    push(&mut queue, &(1_000..2_000).map(reply).collect::<Vec<_>>());
    let store = finish(writer, queue);
    let disorder = "SELECT count(*)::UBIGINT FROM (SELECT received_at < lag(received_at) OVER (ORDER BY address) AS back FROM reply) WHERE back";
    assert_eq!(count(&store, disorder), 0);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM scan_clock"), 2);
}

#[test]
fn an_end_with_a_fault_is_recorded() {
    let (_folder, _path, store) = new_database();
    let (_, writer, _queue) = new_writer(store);
    let outcome = writer.finish(ScanStatus::Failed, ENDED, Some("interface gone".to_owned()));
    let store = outcome.store.unwrap();
    assert_eq!(text(&store, "SELECT concat_ws(' ', status, error) FROM scan"), "failed interface gone");
}

/// Set in the child process that runs under a limit of the file size.
const LIMITED: &str = "PROBER_TEST_LIMITED_DATABASE";

#[test]
fn a_full_disk_is_reported_and_nothing_is_lost_once_there_is_room() {
    if let Ok(path) = std::env::var(LIMITED) {
        return fill_up(path.as_ref());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("full.duckdb");
    let name = "io::store::tests::writing::a_full_disk_is_reported_and_nothing_is_lost_once_there_is_room";
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f 4096; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(LIMITED, &path)
        .output()
        .unwrap();
    assert!(
        child.status.success(),
        "{}{}",
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr)
    );
    let store = Store::open(&path, Access::Read).unwrap();
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM reply"), 1_000_000);
    assert_eq!(count(&store, "SELECT count(DISTINCT address)::UBIGINT FROM reply"), 1_000_000);
    assert_eq!(text(&store, "SELECT accounted::VARCHAR FROM scan_summary"), "true");
}

fn fill_up(path: &std::path::Path) {
    let store = Store::open(path, Access::Write).unwrap();
    let (_, writer, mut queue) = new_writer(store);
    let scattered = |n: u32| ReplyEvent { target: V4(n.wrapping_mul(2_654_435_761)), ttl: (n >> 3) as u8, ..reply(n) };
    push(&mut queue, &(0..1_000_000).map(scattered).collect::<Vec<_>>());
    writer.send(StoreCommand::Counters(vec![counter("accepted", CounterRole::Accepted, 1_000_000)])).unwrap();
    let error = writer.flush(None).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!(writer.status().failure(), Some(error));
    let room = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &std::process::id().to_string()]).status();
    assert!(room.unwrap().success());
    while writer.flush(None).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(writer.status().committed(), 1_000_000);
    assert_eq!(writer.status().store_failed(), 0);
    finish(writer, queue);
}
