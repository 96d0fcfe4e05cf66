//! Resuming a scan: the plan is checked, the account settled, replies of the session before are known.

use super::super::{Access, CounterRole, CounterValue, Store, StoreCommand, StoreError};
use super::{START_NS, count, finish, meta, new_database, new_writer, push, reply, text, writer_of};
use crate::model::scan::{ScanId, ScanMeta, ScanStatus};
use crate::model::utc::UtcMicros;

const NOW: UtcMicros = UtcMicros(1_700_001_200_000_000);

fn accepted(value: u64) -> StoreCommand {
    StoreCommand::Counters(vec![CounterValue { name: "accepted", role: CounterRole::Accepted, value, meaning: "test" }])
}

#[test]
fn somebody_begins_every_scan() {
    let (_folder, _path, store) = new_database();
    store.begin_session(&ScanMeta { operator: String::new(), ..meta() }, "watch").unwrap();
    assert_ne!(text(&store, "SELECT who FROM audit WHERE what = 'scan.begin'"), "");
}

#[test]
fn replies_of_the_session_before_are_duplicates_and_the_account_is_settled() {
    let (_folder, path, store) = new_database();
    let (scan, writer, mut queue) = new_writer(store);
    push(&mut queue, &(0..1_000).map(reply).collect::<Vec<_>>());
    writer.send(accepted(1_010)).unwrap();
    writer.flush(Some("here".to_owned())).unwrap();
    drop((writer, queue)); // Ends as a kill would: still running, ten replies accepted but not stored.
    let store = Store::open(&path, Access::Write).unwrap();
    let resumption = store.resume_scan(scan, meta().plan_fingerprint, NOW, "tester").unwrap();
    assert_eq!(resumption.checkpoint.as_deref(), Some("here"));
    assert_eq!((resumption.seed, resumption.killed), (u64::MAX, 10));
    let (writer, mut queue) = writer_of(store, scan, START_NS + 30_000_000_000);
    push(&mut queue, &(500..1_500).map(reply).collect::<Vec<_>>());
    writer.send(accepted(1_000)).unwrap();
    let store = finish(writer, queue);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM reply"), 1_500);
    let summary = "concat_ws(' ', accepted, replies, duplicates, lost, accounted)";
    assert_eq!(text(&store, &format!("SELECT {summary} FROM scan_summary")), "2010 1500 500 10 true");
    assert_eq!(count(&store, "SELECT resumed::UBIGINT FROM scan"), 1);
    assert_eq!(text(&store, "SELECT string_agg(what, ' ' ORDER BY made_at) FROM audit"), "scan.begin scan.resume");
}

#[test]
fn rows_beyond_the_last_counter_reading_count_as_accepted() {
    let (_folder, path, store) = new_database();
    let (scan, writer, mut queue) = new_writer(store);
    writer.send(accepted(5)).unwrap();
    push(&mut queue, &(0..10).map(reply).collect::<Vec<_>>());
    drop((writer, queue));
    let store = Store::open(&path, Access::Write).unwrap();
    assert_eq!(store.resume_scan(scan, meta().plan_fingerprint, NOW, "tester").unwrap().killed, 0);
    assert_eq!(text(&store, "SELECT concat_ws(' ', accepted, replies, accounted) FROM scan_summary"), "10 10 true");
}

#[test]
fn rows_before_the_first_counter_reading_count_as_accepted() {
    let (_folder, path, store) = new_database();
    let (scan, writer, mut queue) = new_writer(store);
    push(&mut queue, &(0..10).map(reply).collect::<Vec<_>>());
    drop((writer, queue));
    let store = Store::open(&path, Access::Write).unwrap();
    assert_eq!(store.resume_scan(scan, meta().plan_fingerprint, NOW, "tester").unwrap().killed, 0);
    let (writer, mut queue) = writer_of(store, scan, START_NS + 1_000_000_000);
    push(&mut queue, &(10..15).map(reply).collect::<Vec<_>>());
    writer.send(accepted(5)).unwrap();
    let store = finish(writer, queue);
    assert_eq!(text(&store, "SELECT concat_ws(' ', accepted, replies, accounted) FROM scan_summary"), "15 15 true");
}

#[test]
fn after_a_reboot_old_replies_are_not_in_the_way() {
    let (_folder, path, store) = new_database();
    let (scan, writer, mut queue) = new_writer(store);
    push(&mut queue, &(0..100).map(reply).collect::<Vec<_>>());
    drop((writer, queue));
    let store = Store::open(&path, Access::Write).unwrap();
    store.resume_scan(scan, meta().plan_fingerprint, NOW, "tester").unwrap();
    let (writer, mut queue) = writer_of(store, scan, 5_000_000_000);
    let early = |n: u32| prober_common::event::ReplyEvent { received_ns: 6_000_000_000 + u64::from(n), ..reply(n) };
    push(&mut queue, &(0..100).map(early).collect::<Vec<_>>());
    let store = finish(writer, queue);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM reply"), 200);
}

#[test]
fn other_plans_unknown_and_finished_scans_are_refused() {
    let (_folder, path, store) = new_database();
    let (scan, writer, queue) = new_writer(store);
    let store = finish(writer, queue);
    let plan = meta().plan_fingerprint;
    let finished = StoreError::NotResumable { scan, status: ScanStatus::Finished };
    assert_eq!(store.resume_scan(scan, plan, NOW, "x").unwrap_err(), finished);
    let unknown = StoreError::NoSuchScan { path: path.clone(), scan: ScanId(99) };
    assert_eq!(store.resume_scan(ScanId(99), plan, NOW, "x").unwrap_err(), unknown);
    let other = store.begin_scan(&meta()).unwrap();
    let error = store.resume_scan(other, 1, NOW, "x").unwrap_err();
    assert!(error.to_string().contains("fingerprint feedf00ddeadbeef, now 0000000000000001"), "{error}");
    assert_eq!(text(&store, "SELECT status FROM scan ORDER BY id DESC LIMIT 1"), "running");
    assert_eq!(store.find_scan(None).unwrap().id, other);
}
