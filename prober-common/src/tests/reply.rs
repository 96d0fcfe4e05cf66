//! The round trip: every reply that a peer or a router can make of a probe is accepted, and tells whom, what and when.

use proptest::prelude::*;
use std::vec;

use super::peer::{Kind, Probe, ROUTER, Received, TTL, WINDOW, any_probe, any_probe_of, snmp_report};
use super::properties;
use crate::address::V4;
use crate::counter::Counter;
use crate::event::{ReplyEvent, ReplyKind};
use crate::probe::udp::Protocol;
use crate::rules::Rules;
use crate::stamp::{TICK_NS, Tick, WINDOW_TICKS};
use crate::verdict::classify;

/// The longest time after which a reply still verifies, whatever the position inside its tick.
const LATEST_NS: u64 = (WINDOW_TICKS - 3) * TICK_NS;

/// Checks everything of the event that does not depend on the kind of reply.
fn accepted(probe: &Probe, frame: &[u8], rtt_ns: u64) -> ReplyEvent {
    let now_ns = probe.sent_ns + rtt_ns;
    let reply = classify(frame, &probe.rules(), now_ns).unwrap();
    let event = reply.event;
    assert_eq!((event.target, event.port), (probe.target, probe.port));
    assert_eq!((event.probe, event.ttl, event.received_ns), (probe.kind.probe() as u8, TTL, now_ns));
    assert!(event.rtt_ns.abs_diff(rtt_ns) <= probe.kind.resolution_ns() / 2, "{} for {rtt_ns}", event.rtt_ns);
    assert_eq!(reply.l3, if probe.path.vlan.is_some() { 18 } else { 14 });
    assert_eq!(reply.l4, reply.l3 + 20);
    event
}

fn kind_of(event: &ReplyEvent) -> ReplyKind {
    ReplyKind::from_code(event.kind).unwrap()
}

proptest! {
    #![proptest_config(properties(4_000))]

    #[test]
    fn the_answer_of_the_service_is_accepted(probe in any_probe(), rtt_ns in 0..LATEST_NS) {
        let sent = probe.frame();
        let event = accepted(&probe, &Received::read(&sent).answer(probe.kind), rtt_ns);
        let (kind, detail) = match probe.kind {
            Kind::Tcp(_) => (ReplyKind::SynAck, WINDOW),
            Kind::Icmp => (ReplyKind::EchoReply, 0),
            Kind::Udp(_) => (ReplyKind::UdpReply, 0),
        };
        prop_assert_eq!((kind_of(&event), event.detail), (kind, detail));
        prop_assert_eq!((event.responder, event.quoted_ttl), (probe.target, 0));
    }

    #[test]
    fn a_refusal_is_accepted(probe in any_probe_of(Kind::TCP), rtt_ns in 0..LATEST_NS) {
        let sent = probe.frame();
        let event = accepted(&probe, &Received::read(&sent).tcp_answer(false), rtt_ns);
        prop_assert_eq!((kind_of(&event), event.detail), (ReplyKind::Rst, WINDOW));
    }

    /// RFC 792 promises no more than eight bytes of the quoted packet's payload.
    #[test]
    fn an_icmp_error_is_accepted(probe in any_probe(), rtt_ns in 0..LATEST_NS, quoted in 8usize..80, code: u8) {
        let sent = probe.frame();
        let received = Received::read(&sent);
        let kinds = [
            (3, ReplyKind::Unreachable),
            (4, ReplyKind::IcmpOther),
            (5, ReplyKind::IcmpOther),
            (11, ReplyKind::TimeExceeded),
            (12, ReplyKind::IcmpOther),
        ];
        for (number, kind) in kinds {
            let event = accepted(&probe, &received.icmp_error(number, code, quoted), rtt_ns);
            prop_assert_eq!(kind_of(&event), kind);
            prop_assert_eq!(event.detail, u16::from_be_bytes([number, code]));
            prop_assert_eq!((event.responder, event.quoted_ttl), (ROUTER, received.packet[8]));
            let short = received.icmp_error(number, code, 7);
            let verdict = classify(short.as_slice(), &probe.rules(), probe.sent_ns);
            prop_assert_eq!(verdict.unwrap_err(), Counter::Truncated);
        }
    }

    #[test]
    fn link_padding_changes_nothing(probe in any_probe(), padding in any::<[u8; 46]>(), len in 0usize..46) {
        let sent = probe.frame();
        let mut frame = Received::read(&sent).answer(probe.kind);
        let plain = accepted(&probe, &frame, 1_000_000);
        frame.extend(&padding[..len]);
        prop_assert_eq!(accepted(&probe, &frame, 1_000_000), plain);
    }

    #[test]
    fn a_cut_reply_is_not_accepted(probe in any_probe(), cut in 1usize..200) {
        let sent = probe.frame();
        let frame = Received::read(&sent).answer(probe.kind);
        let kept = &frame[..frame.len().saturating_sub(cut)];
        prop_assert_eq!(classify(kept, &probe.rules(), probe.sent_ns).unwrap_err(), Counter::Truncated);
    }

    #[test]
    fn other_keys_sources_targets_and_ports_do_not_verify(probe in any_probe(), other: u64, bit in 0u32..64) {
        let sent = probe.frame();
        let frame = Received::read(&sent).answer(probe.kind);
        let verdict = |rules: &Rules, frame: &[u8]| classify(frame, rules, probe.sent_ns).unwrap_err();
        let mut rules = probe.rules();
        rules.key.0[(other % 2) as usize] ^= 1 << bit;
        prop_assert_eq!(verdict(&rules, &frame), Counter::BadToken);
        let rules = Rules { source: V4(probe.path.source.0 ^ 1 << (bit % 32)), ..probe.rules() };
        prop_assert_eq!(verdict(&rules, &frame), Counter::NotOurAddress);
        // Somebody else sends what the target would have sent.
        let l3 = if probe.path.vlan.is_some() { 18 } else { 14 };
        let mut elsewhere = frame.clone();
        elsewhere[l3 + 12 + (bit as usize / 8) % 4] ^= 1 << (bit % 8);
        prop_assert_eq!(verdict(&probe.rules(), &elsewhere), Counter::BadToken);
        if matches!(probe.kind, Kind::Tcp(_)) {
            let mut other_port = frame;
            other_port[l3 + 20 + (bit as usize / 8) % 2] ^= 1 << (bit % 8);
            prop_assert_eq!(verdict(&probe.rules(), &other_port), Counter::BadToken);
        }
    }

    #[test]
    fn age_decides_to_the_tick(probe in any_probe(), max in 0..WINDOW_TICKS as u32, rounds in 1u64..100) {
        let sent = probe.frame();
        let frame = Received::read(&sent).answer(probe.kind);
        let rules = Rules { max_age_ticks: max, ..probe.rules() };
        let tick = Tick::at(probe.sent_ns);
        let tick = if matches!(probe.kind, Kind::Udp(_)) { tick.even() } else { tick };
        let verdict = |age: u64| classify(frame.as_slice(), &rules, (tick.0 + age) * TICK_NS).map(|_| ());
        prop_assert_eq!(verdict(u64::from(max)), Ok(()));
        prop_assert_eq!(verdict(u64::from(max) + 1), Err(Counter::BadToken));
        // The bits that travel come round again, the cookie does not.
        prop_assert_eq!(verdict(rounds * WINDOW_TICKS), Err(Counter::BadToken));
    }

    /// Agents leave out leading zero bytes of the identifier, and write lengths in any of BER's forms.
    #[test]
    fn every_ber_form_of_an_snmp_report_is_read(probe in any_probe_of(Kind::SNMP), bits in 0u32..32, form in 0usize..5) {
        let sent = probe.frame();
        let received = Received::read(&sent);
        let mut id = 0;
        let frame = received.udp_answer(|request| {
            id = u32::from_be_bytes(request[9..13].try_into().unwrap());
            snmp_report(id, form)
        });
        accepted(&probe, &frame, 5_000);
        // An identifier of fewer bits, however it is written, is read as that number: its token is refused, not foreign.
        let short = id & ((1u64 << bits) - 1) as u32;
        prop_assume!(short != id);
        let frame = received.udp_answer(|_| snmp_report(short, form));
        prop_assert_eq!(classify(frame.as_slice(), &probe.rules(), probe.sent_ns).unwrap_err(), Counter::BadToken);
    }
}

/// Tokens whose SNMP identifier is short are rare (one in 256 lacks a byte): find some of each length on purpose.
#[test]
fn short_snmp_identifiers_verify() {
    let kind = Kind::Udp(Protocol::Snmp);
    let path = crate::template::Path {
        source_mac: [2; 6],
        gateway_mac: [4; 6],
        vlan: None,
        source: V4(0x0a00_0001),
        ttl: None,
    };
    let mut found = [0; 5];
    for n in 0..3_000_000 {
        let key = crate::cookie::Key([5, 6]);
        let probe = Probe { kind, path, key, target: V4(0x0808_0808), port: 161, sent_ns: n * 16_000 };
        let sent = probe.frame();
        let id = u32::from_be_bytes(sent[51..55].try_into().unwrap());
        let significant = 4 - id.leading_zeros() as usize / 8;
        if found[significant] >= 20 || significant == 4 {
            continue;
        }
        found[significant] += 1;
        accepted(&probe, &Received::read(&sent).answer(kind), 250_000_000);
    }
    assert_eq!(found[3], 20);
    assert_eq!(found[2], 20);
}

/// Every bit of the token counts, in every kind of reply: flipping one is refused.
#[test]
fn one_wrong_bit_is_refused() {
    let path = crate::template::Path {
        source_mac: [2; 6],
        gateway_mac: [4; 6],
        vlan: Some(7),
        source: V4(0x0a00_0001),
        ttl: None,
    };
    for kind in Kind::ALL {
        let key = crate::cookie::Key([0x1234, 0x5678]);
        let sent_ns = 777_777_777_777;
        let probe = Probe { kind, path, key, target: V4(0x0808_0404), port: kind.port(443), sent_ns };
        let sent = probe.frame();
        let received = Received::read(&sent);
        let (l4, quote) = (38, 38 + 8);
        let answer = received.answer(kind);
        let (places, error_places) = match kind {
            Kind::Tcp(_) => (vec![2..4, 8..12], vec![20..22, 24..28]),
            Kind::Icmp => (vec![4..6, 6..10], vec![22..24, 24..28]),
            Kind::Udp(protocol) => {
                let nonce = match protocol {
                    Protocol::Dns => 21..29,
                    Protocol::Ntp => 32..36,
                    // The report's outer header is as long as the request's.
                    Protocol::Snmp => 17..21,
                    Protocol::Coap => 12..16,
                    Protocol::Stun => 16..20,
                };
                // Ports, and what else is quoted: identification and checksum.
                (vec![2..4, nonce], vec![4..6, 20..22, 26..28])
            }
        };
        refuses_flips(&probe, &answer, l4, &places);
        refuses_flips(&probe, &received.icmp_error(3, 3, 8), quote, &error_places);
    }
}

fn refuses_flips(probe: &Probe, frame: &[u8], base: usize, places: &[core::ops::Range<usize>]) {
    accepted(probe, frame, 3_000_000);
    for at in places.iter().cloned().flatten() {
        for bit in 0..8 {
            let mut wrong = frame.to_vec();
            wrong[base + at] ^= 1 << bit;
            let verdict = classify(wrong.as_slice(), &probe.rules(), probe.sent_ns + 3_000_000);
            // The case of DNS letters is not part of the token (RFC 1035, 2.3.3).
            let is_case = probe.kind == Kind::Udp(Protocol::Dns) && bit == 5 && at >= 21 && base == 38;
            assert_eq!(verdict.is_ok(), is_case, "{:?} byte {at} bit {bit}: {verdict:?}", probe.kind);
        }
    }
}
