//! The macros and views that analysts use.

use super::{count, finish, new_database, new_writer, push, reply, text};
use prober_common::address::V4;
use prober_common::event::ReplyEvent;
use prober_common::event::{ProbeKind, ReplyKind};

const MACROS: [(&str, &str); 15] = [
    ("ip(3221225985::UINTEGER)", "192.0.2.1"),
    ("ip(4294967295::UINTEGER)", "255.255.255.255"),
    ("ip(0::UINTEGER)", "0.0.0.0"),
    ("coalesce(ip(NULL), 'null')", "null"),
    ("ipn('192.0.2.1')::VARCHAR", "3221225985"),
    ("ip(ipn('255.255.255.255'))", "255.255.255.255"),
    ("slash24(ipn('192.0.2.77'))", "192.0.2.0/24"),
    ("in_prefix(ipn('192.0.2.77'), '192.0.2.0/24')::VARCHAR", "true"),
    ("in_prefix(ipn('192.0.3.0'), '192.0.2.0/24')::VARCHAR", "false"),
    ("in_prefix(ipn('192.0.2.77'), '192.0.2.99/24')::VARCHAR", "true"),
    ("in_prefix(ipn('255.255.255.255'), '0.0.0.0/0')::VARCHAR", "true"),
    ("in_prefix(ipn('1.2.3.4'), '1.2.3.4')::VARCHAR", "true"),
    ("in_prefix(ipn('1.2.3.5'), '1.2.3.4/32')::VARCHAR", "false"),
    ("icmp_name(3, 13)", "administratively prohibited"),
    ("icmp_name(11, 0)", "TTL exceeded"),
];

#[test]
fn macros_print_and_match() {
    let (_folder, _path, store) = new_database();
    for (expression, expected) in MACROS {
        assert_eq!(text(&store, &format!("SELECT {expression}")), expected, "{expression}");
    }
}

#[test]
fn ipn_refuses_what_is_no_address() {
    let (_folder, _path, store) = new_database();
    for address in ["1.2.3", "1.2.3.256", "1.2.3.4.5", "01.2.3.4", "x"] {
        let result = store.connection().query_row(&format!("SELECT ipn('{address}')"), [], |row| row.get::<_, u32>(0));
        assert!(result.unwrap_err().to_string().contains("not an IPv4 address"), "{address}");
    }
}

#[test]
fn names_in_sql_are_those_of_the_program() {
    let (_folder, _path, store) = new_database();
    for kind in ReplyKind::ALL {
        assert_eq!(text(&store, &format!("SELECT reply_kind({})", kind as u8)), kind.name());
    }
    for probe in ProbeKind::ALL {
        assert_eq!(text(&store, &format!("SELECT probe_kind({})", probe as u8)), probe.name());
    }
}

#[test]
fn views_tell_what_was_found() {
    let (_folder, _path, store) = new_database();
    let (_, writer, mut queue) = new_writer(store);
    let router = V4(0x0A63_0001);
    let unreachable = ReplyEvent {
        kind: ReplyKind::Unreachable as u8,
        detail: 0x030D,
        responder: router,
        quoted_ttl: 44,
        ..reply(9)
    };
    let events = [
        reply(1),
        ReplyEvent { port: 443, ..reply(1) },
        reply(2),
        ReplyEvent { kind: ReplyKind::Rst as u8, port: 23, detail: 0, ..reply(2) },
        ReplyEvent { kind: ReplyKind::EchoReply as u8, probe: ProbeKind::IcmpEcho as u8, port: 0, ..reply(3) },
        unreachable,
    ];
    push(&mut queue, &events);
    let store = finish(writer, queue);
    let row = |sql: &str| text(&store, &format!("SELECT concat_ws(' ', {sql}"));
    assert_eq!(
        row("count(*), min(rtt_min_ms), min(first_seen_at)) FROM open_port"),
        "3 20.0 2023-11-14 22:30:00.02001"
    );
    assert_eq!(row("port, addresses) FROM top_port ORDER BY addresses DESC LIMIT 1"), "80 2");
    assert_eq!(row("open_ports, closed_ports, answers_ping) FROM host WHERE ip = '10.0.0.2'"), "[80] [23] false");
    assert_eq!(row("count(*), bool_or(answers_ping)) FROM host"), "3 true");
    assert_eq!(
        row("type, code, name, replies, addresses, responders) FROM icmp_error"),
        "3 13 administratively prohibited 1 1 1"
    );
    let answer = "kind, ip, responder, icmp_type, icmp_code, quoted_ttl, coalesce(tcp_window, -1)) FROM answer WHERE kind = 'unreachable'";
    assert_eq!(row(answer), "unreachable 10.0.0.9 10.99.0.1 3 13 44 -1");
    assert_eq!(row("kind, replies, p50_ms, max_ms) FROM rtt WHERE kind = 'syn_ack'"), "syn_ack 3 20.0 20.0");
    assert_eq!(row("replies, duplicates, hosts, open_replies) FROM scan_summary"), "6 0 3 3");
}

#[test]
fn every_slot_of_a_day_has_its_time() {
    let (_folder, _path, store) = new_database();
    let rows = "INSERT INTO cluster VALUES (0, 'wired', 288, 0, 7, 1, 1, 1, TIMESTAMP '2026-01-01 00:00:00');
                INSERT INTO slot_congestion
                SELECT 0, false, slot, 1, 0, 0, [0, 0, 0, 0], 0, 0.1, 0, 0.2, 0, 1 FROM range(288) slots(slot)";
    store.connection().execute_batch(rows).unwrap();
    let times =
        "SELECT count(DISTINCT local_time)::UBIGINT FROM congestion WHERE local_time BETWEEN '00:00' AND '23:55'";
    assert_eq!(count(&store, times), 288);
}
