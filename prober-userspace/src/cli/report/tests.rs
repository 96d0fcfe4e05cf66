//! The report of a small scan, as people, programs and browsers see it.

use prober_common::address::V4;
use prober_common::event::{ReplyEvent, ReplyKind};
use ringbuf::HeapRb;
use ringbuf::traits::{Producer, Split};

use super::figures::Report;
use super::{html, text};
use crate::cli::learning::ModelOption;
use crate::io::store::{
    Access, ClusterRow, CounterRole, CounterValue, LearntCluster, NetworkBatch, Store, StoreCommand, Writer,
    WriterConfig,
};
use crate::model::scan::{ScanId, ScanMeta, ScanStatus};
use crate::model::trace::Trace;
use crate::model::utc::{ClockOffset, UtcMicros};
use crate::network::access::estimate_place;
use crate::network::cause::{Circumstances, estimate};
use crate::network::congestion::load::{LoadEstimate, SlotDelays};
use crate::network::congestion::medium::Medium;
use crate::network::model::ModelKind;
use crate::network::task::places;

const START: UtcMicros = UtcMicros(1_700_000_000_000_000);

/// A scan of 1,000 probes: 40 open, 20 closed, 5 unreachable, 3 duplicates, 2 lost.
fn small_scan() -> Report {
    scan_with(&[])
}

/// The same with clusters of networks, each busy in the afternoon.
fn scan_with(clusters: &[u32]) -> Report {
    let (_folder, store) = store_with(clusters);
    Report::read(&store, None, START).unwrap()
}

/// A database and the folder that it is in.
fn store_with(clusters: &[u32]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("r.duckdb"), Access::Write).unwrap();
    let meta = ScanMeta {
        started_at: START,
        operator: "<b>tester</b>".to_owned(),
        host: "lab".to_owned(),
        program_version: "0.1.0".to_owned(),
        command: "prober scan 10.0.0.0/22 -p 80".to_owned(),
        settings: "{}".to_owned(),
        seed: 7,
        plan_fingerprint: 0xabc,
        targets: 1_000,
        ports: "80".to_owned(),
        probes_planned: 1_000,
        shard_index: 0,
        shard_count: 1,
        rate_pps: 500.0,
        engine: "packet".to_owned(),
        interface: "veth0".to_owned(),
        source_address: Some(V4(0x0A00_0001)),
        exclusions: Vec::new(),
    };
    let scan = store.begin_scan(&meta).unwrap();
    store.replace_clusters(&clusters.iter().map(|networks| learnt(*networks)).collect::<Vec<_>>()).unwrap();
    let (mut queue, events) = HeapRb::new(256).split();
    let writer = Writer::spawn(store, scan, events, WriterConfig::new(ClockOffset { micros: START.0 }, 0)).unwrap();
    let reply = |n: u32, kind: ReplyKind, detail: u16| ReplyEvent {
        received_ns: 1_000_000_000 + u64::from(n) * 1_000_000,
        rtt_ns: u64::from(n + 1) * 1_000_000,
        target: V4(0x0A00_0100 + n),
        responder: V4(0x0A00_0100 + n),
        port: 80,
        detail,
        kind: kind as u8,
        ..ReplyEvent::default()
    };
    for n in 0..65 {
        let (kind, detail) = match n {
            0..40 => (ReplyKind::SynAck, 65_535),
            40..60 => (ReplyKind::Rst, 0),
            _ => (ReplyKind::Unreachable, 0x0301),
        };
        queue.try_push(reply(n, kind, detail)).unwrap();
    }
    for n in 0..3 {
        queue.try_push(reply(n, ReplyKind::SynAck, 65_535)).unwrap();
    }
    let counter = |name, role, value| CounterValue { name, role, value, meaning: "a test's" };
    let counters = vec![
        counter("sent", CounterRole::Sent, 1_000),
        counter("accepted", CounterRole::Accepted, 70),
        counter("ring_full", CounterRole::Loss, 2),
    ];
    writer.send(StoreCommand::Counters(counters)).unwrap();
    for second in 1..=4u64 {
        let sent = if second <= 2 { 500 } else { 0 };
        writer.send(StoreCommand::Rate { ended_ns: second * 1_000_000_000, sent, lost: 0 }).unwrap();
    }
    let outcome = writer.finish(ScanStatus::Finished, UtcMicros(START.0 + 4_000_000), None);
    (folder, outcome.store.unwrap())
}

/// Three terminals under study, the second and third losing some; estimates of all addresses.
fn studied() -> Report {
    const STUDY: &str = "
        INSERT INTO study_probe
        SELECT 1, TIMESTAMP '2023-11-14 22:14:00' + to_microseconds(((b * 18 + i * 0.08) * 1000000)::BIGINT), 167772416 + t,
               [80, 443][1 + i % 2], 0
        FROM range(3) terminals(t), range(8) bursts(b), range(28) probes(i);
        INSERT INTO reply
        SELECT scan_id, sent_at + to_microseconds(rtt_us), rtt_us, address, NULL, port, 0, 0, 57, 0, 0
        FROM (SELECT *, (8000 + hash(sent_at) % 9000 * (1 + 6 * (address % 3)))::UINTEGER AS rtt_us FROM study_probe
              WHERE hash(sent_at, address) % 10 >= 2 * (address % 3));";
    let (_folder, store) = store_with(&[]);
    store.connection().execute_batch(STUDY).unwrap();
    let model = |kind| ModelOption::named("built-in").load(kind).unwrap();
    let (network, cause) = (model(ModelKind::Network), model(ModelKind::Cause));
    let batch = NetworkBatch { scan: ScanId(1), estimated_at: START, model: "built-in".to_owned() };
    let traces = store.traces(ScanId(1)).unwrap();
    let of_place = |place: &Vec<&Trace>| estimate_place(&network, place, None, 0.4);
    let types: Vec<_> = places(&traces).iter().flat_map(of_place).collect();
    store.add_network_estimates(&batch, &types).unwrap();
    let causes: Vec<_> = traces
        .iter()
        .map(|trace| estimate(&cause, trace, Circumstances { neighbours_answer: true, access: None }, 0.0))
        .collect();
    store.add_cause_estimates(&batch, &causes).unwrap();
    Report::read(&store, None, START).unwrap()
}

fn learnt(networks: u32) -> LearntCluster {
    let row = ClusterRow {
        cluster: networks,
        medium: Medium::Lte,
        slots: 24,
        utc_offset_s: 0,
        half_life_days: 7.0,
        networks,
        addresses: u64::from(networks) * 10,
        answers: 480.0,
        updated_at: START,
    };
    let cell = |cell: usize| {
        let is_busy = cell % 24 >= 12;
        let (load, below) = if is_busy { (0.9, [1.0, 1.0, 2.0, 4.0]) } else { (0.1, [19.0; 4]) };
        let mean_s = if is_busy { 0.5 } else { 0.003 };
        let delays = SlotDelays { answers: 20.0, below, mean_s, sd_s: mean_s };
        let load = LoadEstimate { load, low: load - 0.05, high: load + 0.05, answers: 20.0 };
        (cell, delays, 19_675, load, 1e6, 0.5)
    };
    LearntCluster { row, members: vec![(0x0A00_0000, 10, 480.0)], cells: (0..48).map(cell).collect() }
}

#[test]
fn congestion_is_drawn_and_the_plan_keeps_to_the_quiet_hours() {
    let report = scan_with(&[3, 7]);
    let page = html::page(&report);
    assert!(page.contains("Congestion by cluster and time of day") && page.contains("Chosen slots"));
    assert!(page.contains("12:00 load 0.90") && page.contains("7 (7)"), "largest cluster first");
    assert!(!page.contains("NaN") && !page.contains("inf"), "a figure could not be drawn");
    assert_eq!(page.matches("<svg ").count(), page.matches("</svg>").count());
    assert_eq!(page.matches("<title>").count(), page.matches("</title>").count());
    let json = serde_json::to_value(&report).unwrap();
    let slots = json["congestion"]["plan"].as_array().unwrap();
    assert_eq!(slots.len(), 24);
    for slot in slots.iter().filter(|slot| slot["used"] == "quiet") {
        assert!(slot["local"].as_str().unwrap() < "12:00", "{slot}");
    }
    assert!(slots.iter().any(|slot| slot["used"] == "quiet"));
}

#[test]
fn estimates_are_drawn() {
    let report = studied();
    let page = html::page(&report);
    assert!(page.contains("Round-trip time by access network") && page.contains(r#"class="median""#));
    assert!(page.contains("How well access networks are told") && page.contains("How well causes are told"));
    let json = serde_json::to_value(&report).unwrap();
    let causes = json["causes"].as_array().unwrap();
    assert!(!causes.is_empty() && !page.contains("Terminals over time"), "{causes:?}");
    let (mut sent, mut answered) = (0, 0);
    for cause in causes {
        let ip = cause["ip"].as_str().unwrap();
        assert!(page.contains(&format!("Terminal {ip}")) && page.contains(cause["explanation"].as_str().unwrap()));
        sent += cause["probes"].as_u64().unwrap();
        answered += cause["replies"].as_u64().unwrap();
    }
    // Each probe is a dot or a stroke.
    assert_eq!(page.matches("<circle ").count() as u64, answered);
    assert_eq!(page.matches(r#"class="fill lost""#).count() as u64, sent - answered);
    let addresses: u64 =
        json["networks"].as_array().unwrap().iter().map(|one| one["addresses"].as_u64().unwrap()).sum();
    assert_eq!(addresses, 60, "all that answered themselves");
    assert!(!page.contains("NaN") && !page.contains("inf"), "a figure could not be drawn");
}

#[test]
fn what_cannot_be_drawn_is_said_in_words() {
    let page = html::page(&small_scan());
    assert!(page.contains("none is estimated (prober network estimate --scan 1)"));
    assert!(!page.contains(r#"class="median""#) && !page.contains("How well"));
}

#[test]
fn figures_are_those_of_the_scan() {
    let report = small_scan();
    assert_eq!((report.sent, report.hosts, report.open), (1_000, 60, 40));
    assert!((report.sent_pps - 500.0).abs() < 1e-9);
    let kinds: Vec<_> = report.kinds.iter().map(|kind| (kind.kind.as_str(), kind.replies)).collect();
    assert_eq!(kinds, [("syn_ack", 40), ("rst", 20), ("unreachable", 5)]);
    let rtt = &report.kinds[0].rtt_ms;
    assert_eq!([rtt.min, rtt.p50, rtt.max].map(|ms| ms.to_string()), ["1", "20", "40"]);
    assert!(report.accounting.balanced);
    assert_eq!(report.rtt_histogram.iter().map(|bin| bin.replies).sum::<u64>(), 65);
    assert_eq!(report.rate.len(), 4);
    assert_eq!((report.icmp_errors[0].name.as_str(), report.icmp_errors[0].replies), ("host unreachable", 5));
    assert_eq!((report.ports[0].port, report.ports[0].addresses), (80, 40));
}

#[test]
fn json_fields_are_stable() {
    let json = serde_json::to_value(small_scan()).unwrap();
    let fields: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "accounting",
        "causes",
        "congestion",
        "counters",
        "hosts",
        "icmp_errors",
        "kinds",
        "met",
        "models",
        "networks",
        "open",
        "ports",
        "rate",
        "rtt_histogram",
        "scan",
        "sent",
        "sent_pps",
    ];
    assert_eq!(fields, expected);
    assert_eq!(json["scan"]["started_at"], "2023-11-14T22:13:20.000000Z");
    assert_eq!(json["scan"]["source_address"], "10.0.0.1");
    assert_eq!(json["accounting"]["duplicates"], 3);
    assert_eq!(json["kinds"][0]["rtt_ms"]["p50"], 20.0);
}

#[test]
fn the_text_has_the_accounting_line() {
    let text = text::render(&small_scan());
    assert!(text.contains("accepted 70 = stored 65 + duplicates 3 + lost 2   balanced"), "{text}");
    let has = |row: &[&str]| text.lines().any(|line| line.split_whitespace().eq(row.iter().copied()));
    assert!(has(&["syn_ack", "40", "4.00", "%"]), "{text}");
    assert!(has(&["80", "tcp_syn", "40", "66.7", "%", "20.50"]), "{text}");
    assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
}

#[test]
fn the_page_is_whole_and_escapes_what_it_is_given() {
    let page = html::page(&small_scan());
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(page.contains("&lt;b&gt;tester&lt;/b&gt;") && !page.contains("<b>tester"));
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    for tag in ["svg", "table", "section", "div", "ul"] {
        let opened = page.matches(&format!("<{tag} ")).count() + page.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "a figure could not be drawn");
}

#[test]
fn a_session_is_not_measured_by_a_plan() {
    let (_folder, store) = store_with(&[]);
    let change = "INSERT INTO session VALUES (1, 'watch');
                  UPDATE scan SET probes_planned = 0, ports = (SELECT string_agg(n, ',') FROM range(1000, 1200) t(n))";
    store.connection().execute_batch(change).unwrap();
    let report = Report::read(&store, None, START).unwrap();
    let text = text::render(&report);
    let line = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default();
    assert!(line("watch").contains("1,000 addresses; to begin with, ports 1000,1001,"), "{text}");
    assert!(line("watch").len() < 160 && line("watch").ends_with(" ..."), "{text}");
    assert_eq!(line("sent").trim(), "sent       1,000 probes", "{text}");
    let html = html::page(&report);
    assert!(html.contains("by the watch") && !html.contains("of the plan"));
    assert_eq!(serde_json::to_value(&report).unwrap()["scan"]["session"], "watch");
}

#[test]
fn a_watch_tells_who_was_met_and_what_it_knows() {
    let (_folder, store) = store_with(&[]);
    let change = "INSERT INTO session VALUES (1, 'watch');
                  INSERT INTO watch VALUES (TIMESTAMP '2023-11-14 22:00:00', 60, 1, 'efficient', '{}', '', TIMESTAMP '2023-11-14 22:20:00');
                  INSERT INTO target_base SELECT 167772416 + n, 0, 0, 0, 0, 0, CASE WHEN n < 4 THEN 3 ELSE 1 END, '' FROM range(1000) t(n);
                  INSERT INTO target_base SELECT 167773416 + n, 0, 4294967295, 0, 0, 0, 0, '' FROM range(5000) t(n);
                  INSERT INTO device_signature VALUES
                  (1, 5, 'Maker', 'Maker <M1>', 'M1', 'camera', 1, '', ['M1'], [1.0], NULL, '', TIMESTAMP '2023-11-14 22:00:00');
                  INSERT INTO device_estimate
                  SELECT 167772416 + n, 5, 1, 1, 1, '0', NULL, 1, TIMESTAMP '2023-11-14 22:15:00', 1 FROM range(3) t(n)";
    store.connection().execute_batch(change).unwrap();
    let report = Report::read(&store, None, START).unwrap();
    let text = text::render(&report);
    assert!(text.contains("silent") && text.contains("99.6 %") && text.contains("Maker <M1>"), "{text}");
    let html = html::page(&report);
    assert!(html.contains("Maker &lt;M1&gt;") && html.contains("What the watch knows"));
    assert_eq!(serde_json::to_value(&report.met).unwrap()["devices"][0]["addresses"], 3);
    // Those that were not visited yet are there or not, depending on when all states were last written.
    let standings = |report: &Report| serde_json::to_value(&report.met).unwrap()["standings"].clone();
    assert_eq!(
        standings(&report),
        serde_json::json!([
            { "standing": "silent", "addresses": 996 }, { "standing": "answering", "addresses": 4 }
        ])
    );
    // Today's states are not an earlier run's.
    store.connection().execute_batch("INSERT INTO session VALUES (2, 'watch')").unwrap();
    assert_eq!(standings(&Report::read(&store, None, START).unwrap()), serde_json::json!([]));
    assert!(small_scan().met.tables().is_empty());
}
