//! Shows that the emulated world tells the truth about itself, without a prober: probes written here, its answers
//! compared with its record.

use std::{collections::HashMap, net::Ipv4Addr};

use prober_tests::{
    far_end::FarEndConfig,
    frame::{self, ACK, Envelope, RST, Received, SYN, Segment},
    lab::Lab,
    replayer::{self, Replayer},
    sys,
    world::{Habits, WorldConfig, delay::Delay, record},
};

const ADDRESSES: u32 = 600;
const OUTGOING: u8 = 4;

fn address(i: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x140a_0000 + i)
}

#[test]
fn answers_are_recorded_with_the_delay_they_had() {
    let directory = tempfile::tempdir().unwrap();
    let records = directory.path().join("records");
    let far_end = FarEndConfig { seed: 4, answer_one_in: 1, ..FarEndConfig::default() };
    let delay = Delay::LogUniform { least_ns: 500_000, most_ns: 300_000_000 };
    let habits = Habits { delay: Some(delay), loss: Some(0.0), duplicates: Some(0.1) };
    let world = WorldConfig { habits, replays: 0, records: Some(records.clone()), ..WorldConfig::default() };
    let mut lab = Lab::world(&far_end, &world).unwrap();
    lab.receive_by_kernel().unwrap();
    let replayer = Replayer::listen(lab.world_side()).unwrap();
    let socket = lab.near_socket().unwrap();

    let (from_mac, to_mac) = lab.macs().unwrap();
    let mut sent_ns = HashMap::new();
    let mut probe = Vec::new();
    for i in 0..ADDRESSES {
        let envelope = Envelope { from_mac, to_mac, vlan: None, from: lab.source(), to: address(i), ttl: 64 };
        if i % 2 == 0 {
            let syn = Segment { from: 40_000, to: 80, sequence: i, flags: SYN, window: 1024, ..Segment::default() };
            frame::write_tcp(&mut probe, &envelope, &syn);
        } else {
            frame::write_icmp(&mut probe, &envelope, 8, 0, i.to_be_bytes(), b"token");
        }
        sent_ns.insert(address(i), sys::monotonic_ns());
        socket.send(&probe).unwrap();
    }
    let mut received = Vec::new();
    let mut buffer = [0; 2048];
    while let Some((frame, kind)) = socket.receive(&mut buffer, 700).unwrap() {
        let now_ns = sys::monotonic_ns();
        if kind != OUTGOING && Received::parse(frame).is_some() {
            received.push((now_ns, frame.to_vec()));
        }
    }
    // The kernel's RSTs to SYN-ACKs it never asked for are among the arrivals, and no probes.
    let counts = lab.stop_world().unwrap();
    assert_eq!((counts.send_failed, counts.pending, counts.lost), (0, 0, 0));
    assert_eq!(counts.arrivals - counts.not_probes, u64::from(ADDRESSES));
    assert_eq!(counts.answered + counts.filtered, u64::from(ADDRESSES));
    assert_eq!(received.len() as u64, counts.answered + counts.repeated);
    assert!(counts.filtered > 20 && counts.repeated > 20);

    let records = record::read_all(&records).unwrap();
    assert_eq!(records.len(), received.len());
    let mut kinds = [0; 7];
    for record in &records {
        kinds[record.kind as usize] += 1;
        // The witness saw it after it was sent and before its answer; the answer was not early.
        assert!(sent_ns[&record.target] <= record.arrival_ns && record.arrival_ns < record.answer_ns);
        assert!(record.delay_ns() >= 500_000);
    }
    assert!(kinds[0] > 50 && kinds[1] > 30 && kinds[2] > 100 && kinds[4] > 20 && kinds[5] > 5, "{kinds:?}");
    for ((received_ns, frame), record) in received.iter().zip(&records) {
        let answer = Received::parse(frame).unwrap();
        assert!(answer.verifies());
        assert_eq!((answer.envelope.from, answer.envelope.ttl), (record.responder, record.ttl));
        assert!(record.answer_ns <= *received_ns);
        if let Some(tcp) = answer.tcp() {
            assert_eq!((tcp.from, tcp.to, tcp.acknowledged), (80, 40_000, record.token + 1));
            assert_eq!(tcp.flags, if record.kind == 0 { SYN | ACK } else { RST | ACK });
        }
    }

    let kept = replayer.heard(lab.source(), 100, 10_000).unwrap();
    assert_eq!(kept.len(), received.len());
    assert_eq!(replayer::replay(lab.world_side(), &kept, 2).unwrap(), 2 * kept.len() as u64);
    let mut again = 0;
    while let Some((_, kind)) = socket.receive(&mut buffer, 300).unwrap() {
        again += usize::from(kind != OUTGOING);
    }
    assert_eq!(again, 2 * kept.len());
    assert_eq!(lab.counts().unwrap().arrivals_lost, 0);
}

#[test]
fn udp_services_answer_or_say_that_they_are_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let records = directory.path().join("records");
    let far_end = FarEndConfig { seed: 4, answer_one_in: 1, ..FarEndConfig::default() };
    let habits = Habits { delay: Some(Delay::Constant { ns: 1_000_000 }), loss: Some(0.0), duplicates: Some(0.0) };
    let mut lab = Lab::world(
        &far_end,
        &WorldConfig { habits, replays: 1, records: Some(records.clone()), ..WorldConfig::default() },
    )
    .unwrap();
    lab.receive_by_kernel().unwrap();
    let socket = lab.near_socket().unwrap();
    let (from_mac, to_mac) = lab.macs().unwrap();
    let mut ntp = [0; 48];
    ntp[0] = 0x23;
    ntp[40..].copy_from_slice(b"transmit");
    let mut probe = Vec::new();
    for i in 0..200 {
        let envelope = Envelope { from_mac, to_mac, vlan: None, from: lab.source(), to: address(i), ttl: 64 };
        frame::write_udp(&mut probe, &envelope, 50_000, 123, &ntp);
        socket.send(&probe).unwrap();
    }
    let (mut buffer, mut services, mut errors) = ([0; 2048], 0, 0);
    while let Some((frame, kind)) = socket.receive(&mut buffer, 400).unwrap() {
        let Some(answer) = Received::parse(frame).filter(|_| kind != OUTGOING) else { continue };
        if let Some((from, to, payload)) = answer.udp() {
            assert_eq!((from, to, &payload[24..32]), (123, 50_000, &b"transmit"[..]));
            services += 1;
        } else {
            errors += 1;
        }
    }
    let counts = lab.stop_world().unwrap();
    assert_eq!(counts.answered, counts.repeated);
    assert_eq!(services + errors, counts.answered + counts.repeated);
    assert!(services > 80 && errors > 60, "{services} {errors}");
    let records = record::read_all(&records).unwrap();
    assert_eq!(records.iter().filter(|record| record.copy > 0).count() as u64, counts.repeated);
}
