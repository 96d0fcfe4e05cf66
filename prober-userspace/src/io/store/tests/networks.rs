//! Estimates of networks and causes, and traces out of replies and sends.

use prober_common::address::V4;
use prober_common::event::ProbeKind;

use super::super::{NetworkBatch, StudyProbe};
use super::{ENDED, count, new_database, text};
use crate::model::scan::ScanId;
use crate::model::utc::UtcMicros;
use crate::network::access::estimate_place;
use crate::network::cause::{Circumstances, estimate};
use crate::network::model::{Model, ModelKind};
use crate::network::task::places;
use crate::target::range::AddressRange;

const SCAN: ScanId = ScanId(1);
const STUDIED: V4 = V4(0xC000_0201);

fn model(text: &str, kind: ModelKind) -> Model {
    Model::read(text, kind, &kind.feature_names()).unwrap()
}

#[test]
fn silences_of_terminals_under_study_are_in_their_traces() {
    let (_folder, _path, store) = new_database();
    store
        .connection()
        .execute_batch(
            "INSERT INTO reply (scan_id, received_at, rtt_us, address, port, kind, probe, ttl, detail, quoted_ttl) VALUES
                 (1, make_timestamp(1000000000030000), 30000, 3221225985, 80, 0, 0, 57, 0, 0),
                 (1, make_timestamp(1000000002040000), 40000, 3221225985, 80, 1, 0, 57, 0, 0),
                 (1, make_timestamp(1000000002040000), 40000, 3221225986, 80, 0, 0, 57, 0, 0),
                 (1, make_timestamp(1000000002040000), 40000, 3221225986, 80, 4, 0, 57, 0, 0)",
        )
        .unwrap();
    let sent = |seconds: i64| StudyProbe {
        sent_at: UtcMicros(1_000_000_000_000_000 + seconds * 1_000_000),
        address: STUDIED,
        port: 80,
        kind: ProbeKind::TcpSyn,
    };
    store.add_study_probes(SCAN, &[sent(0), sent(1), sent(2)]).unwrap();
    let traces = store.traces(SCAN).unwrap();
    assert_eq!(traces.len(), 2);
    assert_eq!((traces[0].terminal.as_str(), traces[0].place.as_str()), ("192.0.2.1", "192.0.2.0/24"));
    let rtts: Vec<_> = traces[0].probes.iter().map(|probe| probe.rtt_ms).collect();
    assert_eq!(rtts, [Some(30.0), None, Some(40.0)]);
    assert_eq!(traces[1].probes.len(), 1, "an ICMP error is no reply of the terminal");
    assert!(traces[0].has_silence && !traces[1].has_silence);

    let batch = NetworkBatch { scan: SCAN, estimated_at: ENDED, model: "built-in".to_owned() };
    let network = model(include_str!("../../../../models/network.json"), ModelKind::Network);
    let types: Vec<_> =
        places(&traces).iter().flat_map(|place| estimate_place(&network, place, None, 0.9999)).collect();
    store.add_network_estimates(&batch, &types).unwrap();
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM network WHERE hops = 7"), 2);
    let cause = model(include_str!("../../../../models/cause.json"), ModelKind::Cause);
    let causes: Vec<_> = traces
        .iter()
        .map(|trace| estimate(&cause, trace, Circumstances { neighbours_answer: true, access: None }, 0.0))
        .collect();
    assert!(causes[1].cause.is_none() && causes[1].explanation.contains("only answers are stored"));
    store.add_cause_estimates(&batch, &causes).unwrap();
    store.add_cause_estimates(&NetworkBatch { estimated_at: UtcMicros(ENDED.0 + 1), ..batch }, &causes[..1]).unwrap();
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM failure_cause"), 2);
    let row = "SELECT concat_ws('|', ip, probes, replies) FROM failure_cause ORDER BY address LIMIT 1";
    assert_eq!(text(&store, row), "192.0.2.1|3|2");
}

#[test]
fn terminals_worth_a_study_answer_on_many_ports_and_were_not_studied_yet() {
    let (_folder, _path, store) = new_database();
    let reply = |address: u32, port: u16, kind: u8| {
        format!("(1, make_timestamp(1000000000030000), 30000, {address}, {port}, {kind}, 0, 57, 0, 0)")
    };
    let first = 0xC000_0200_u32;
    // One port; two ports; an ICMP error; one port, in the next /24; outside.
    let rows = [(1, 80, 0), (2, 80, 0), (2, 22, 1), (3, 80, 4), (256, 80, 0), (512, 80, 0)];
    let rows = rows.map(|(host, port, kind)| reply(first + host, port, kind)).join(", ");
    store
        .connection()
        .execute_batch(&format!(
            "INSERT INTO reply (scan_id, received_at, rtt_us, address, port, kind, probe, ttl, detail, quoted_ttl) VALUES {rows}"
        ))
        .unwrap();
    let range = AddressRange::prefix(V4(first), 23);
    let terminals = || store.answering_terminals(range).unwrap().iter().map(|one| one.0 - first).collect::<Vec<_>>();
    assert_eq!(terminals(), [2, 1, 256]);
    let sent_at = UtcMicros(1_000_000_000_000_000);
    let studied = StudyProbe { sent_at, address: V4(first + 2), port: 80, kind: ProbeKind::TcpSyn };
    store.add_study_probes(SCAN, &[studied]).unwrap();
    assert_eq!(terminals(), [1, 2, 256]);
}
