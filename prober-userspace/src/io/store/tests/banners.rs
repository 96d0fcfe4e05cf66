//! Banners as they are stored and shown.

use prober_common::address::V4;
use prober_common::event::{ProbeKind, ReplyEvent, ReplyKind};

use super::{count, finish, new_database, new_writer, push, reply, text};
use crate::model::banner::{Banner, BannerProtocol, GrabOutcome, Transport};
use crate::model::utc::UtcMicros;

fn banner(port: u16, text: &[u8]) -> Banner {
    Banner {
        address: V4(0xC000_0201),
        port,
        transport: Transport::Tcp,
        protocol: BannerProtocol::Http,
        outcome: GrabOutcome::Answered,
        truncated: false,
        text: text.to_vec(),
        grabbed_at: UtcMicros(1_700_000_000_000_000),
        duration_us: 1234,
        received_bytes: 99,
        sent_bytes: 50,
        connections: 1,
    }
}

#[test]
fn the_last_banner_of_each_service_is_shown_with_its_title() {
    let (_folder, _path, store) = new_database();
    let page = b"HTTP/1.1 401 x\r\nServer: lighttpd/1.4\r\nWWW-Authenticate: Basic realm=\"NVR-4\"\r\n\r\n<TITLE>\n Cam\0 1</title>";
    let later = Banner { grabbed_at: UtcMicros(1_700_000_001_000_000), ..banner(80, page) };
    store.add_banners(&[banner(80, b"old"), banner(8080, b"\xff\xfe"), later], None).unwrap();
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM banner"), 3);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM banner_latest"), 2);
    let shown =
        text(&store, "SELECT concat_ws('|', ip, title, realm, server, outcome) FROM banner_latest WHERE port = 80");
    assert_eq!(shown, "192.0.2.1|Cam\\x00 1|NVR-4|lighttpd/1.4|answered");
    assert_eq!(text(&store, "SELECT text FROM banner_latest WHERE port = 8080"), "\\xff\\xfe");
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM banner WHERE text LIKE '%lighttpd%'"), 1);
    assert_eq!(count(&store, "SELECT addresses::UBIGINT FROM top_banner"), 1);
}

#[test]
fn open_ports_are_those_that_answered() {
    let (_folder, _path, store) = new_database();
    let (scan, writer, mut queue) = new_writer(store);
    let events = [
        reply(1),
        ReplyEvent { kind: ReplyKind::Rst as u8, port: 23, ..reply(2) },
        ReplyEvent { kind: ReplyKind::UdpReply as u8, probe: ProbeKind::Udp as u8, port: 161, ..reply(1) },
        ReplyEvent { kind: ReplyKind::EchoReply as u8, probe: ProbeKind::IcmpEcho as u8, port: 0, ..reply(3) },
    ];
    push(&mut queue, &events);
    let store = finish(writer, queue);
    let expected = [(V4(0x0A00_0001), Transport::Tcp, 80), (V4(0x0A00_0001), Transport::Udp, 161)];
    assert_eq!(store.open_ports(scan).unwrap(), expected);
}

#[test]
fn what_was_asked_for_a_scan_or_after_it_is_not_left() {
    let (_folder, _path, store) = new_database();
    let (scan, writer, mut queue) = new_writer(store);
    let port = |port| ReplyEvent { port, ..reply(1) };
    push(&mut queue, &[port(21), port(22), port(23), port(80), port(443)]);
    let udp = ReplyEvent { kind: ReplyKind::UdpReply as u8, probe: ProbeKind::Udp as u8, ..port(22) };
    push(&mut queue, &[udp]);
    let store = finish(writer, queue);
    let begun = count(&store, "SELECT epoch_us(started_at)::UBIGINT FROM scan") as i64;
    let asked = |port, at, outcome| Banner {
        address: V4(0x0A00_0001),
        grabbed_at: UtcMicros(at),
        outcome,
        ..banner(port, b"x")
    };
    // Of the scan; long ago; after the scan, for another reason; interrupted.
    store.add_banners(&[asked(22, begun - 5, GrabOutcome::GivenUp)], Some(scan)).unwrap();
    let others = [
        asked(21, begun - 5, GrabOutcome::Answered),
        asked(23, begun + 5, GrabOutcome::Silent),
        asked(443, begun + 5, GrabOutcome::Interrupted),
    ];
    store.add_banners(&others, None).unwrap();
    let left: Vec<_> =
        store.open_ports_left(scan).unwrap().into_iter().map(|(_, transport, port)| (transport, port)).collect();
    let (tcp, udp) = (Transport::Tcp, Transport::Udp);
    assert_eq!(left, [(tcp, 21), (tcp, 80), (tcp, 443), (udp, 22)]);
    assert_eq!(store.open_ports(scan).unwrap().len(), 6);
}

#[test]
fn what_was_given_up_or_interrupted_does_not_hide_a_banner() {
    let (_folder, _path, store) = new_database();
    let later =
        |outcome, text: &[u8]| Banner { outcome, grabbed_at: UtcMicros(1_700_000_009_000_000), ..banner(80, text) };
    store
        .add_banners(
            &[banner(80, b"whole"), later(GrabOutcome::Interrupted, b"ha"), later(GrabOutcome::GivenUp, b"")],
            None,
        )
        .unwrap();
    assert_eq!(text(&store, "SELECT text FROM banner_latest"), "whole");
    store.add_banners(&[later(GrabOutcome::Answered, b"new")], None).unwrap();
    assert_eq!(text(&store, "SELECT text FROM banner_latest"), "new");
}
