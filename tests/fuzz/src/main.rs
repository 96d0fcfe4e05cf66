//! What must hold of the verdict on any frame whatsoever. The input is the frame; bit 0 of its first byte (of a MAC
//! address, which the verdict does not look at) asks for a genuine token, without which mutations would not get far.
#![no_main]

#[allow(dead_code, reason = "the lab's own; only its checksum is used here")]
#[path = "../../src/frame.rs"]
mod frame;
#[path = "../../src/vectors/token.rs"]
mod token;

use libfuzzer_sys::fuzz_target;
use prober_common::{
    address::V4,
    cookie::Key,
    counter::Counter,
    event::{ProbeKind, ReplyEvent, ReplyKind},
    probe::tcp_syn::write_reset,
    rules::Rules,
    stamp::{TICK_NS, Tick},
    verdict::{Reply, classify},
};

/// As in the lab's vectors, which are the first inputs.
const RULES: Rules = Rules {
    key: Key([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]),
    source: V4(0x0a63_0002),
    max_age_ticks: 4_000_000,
    flags: 0,
    reserved: 0,
    live_pass: 0,
};
/// When the vectors' probes were sent (`cargo xtask fuzz` makes them so).
const SENT_NS: u64 = 1 << 45;
const NOW_NS: u64 = SENT_NS + 3_000_000;

fuzz_target!(|input: &[u8]| {
    let mut frame = input.to_vec();
    if frame.first().is_some_and(|first| first & 1 != 0) {
        let _ = token::renew(&mut frame, &RULES, Tick::at(SENT_NS));
    }
    let verdict = classify(frame.as_slice(), &RULES, NOW_NS);
    assert_eq!(classify(frame.as_slice(), &RULES, NOW_NS), verdict, "the same frame, another verdict");
    match verdict {
        Ok(reply) => accepted(&frame, reply),
        Err(Counter::BadToken) => only_the_token_was_wrong(frame),
        Err(Counter::NotIpv4 | Counter::NotOurAddress | Counter::Truncated | Counter::Fragment | Counter::Foreign) => {}
        Err(counter) => panic!("{counter:?} is no reason to refuse a frame"),
    }
});

fn accepted(frame: &[u8], reply: Reply) {
    let Reply { event, l3, l4 } = reply;
    let kind = ReplyKind::from_code(event.kind).expect("a known kind");
    let probe = ProbeKind::from_code(event.probe).expect("a known probe");
    assert_eq!(event.received_ns, NOW_NS);
    assert!(event.rtt_ns <= u64::from(RULES.max_age_ticks + 1) * TICK_NS);
    assert!((l3 == 14 || l3 == 18) && (l3 + 20..=l3 + 60).contains(&l4) && l4 + 8 <= frame.len());
    token_is_genuine(frame, &event, probe);

    // Later it is the same reply, longer under way, until it is too old.
    let later = classify(frame, &RULES, NOW_NS + TICK_NS).map(|reply| reply.event);
    if event.rtt_ns / TICK_NS + 4 < u64::from(RULES.max_age_ticks) {
        let later = later.expect("still young enough");
        let expected = ReplyEvent { received_ns: NOW_NS + TICK_NS, rtt_ns: event.rtt_ns + TICK_NS, ..event };
        assert!(later == expected || event.rtt_ns == 0);
    }
    let too_late_ns = NOW_NS + u64::from(RULES.max_age_ticks + 2) * TICK_NS;
    assert_eq!(classify(frame, &RULES, too_late_ns), Err(Counter::BadToken));

    // Padding adds nothing, and nothing behind the datagram was looked at.
    let padded = [frame, &[0xa5; 60]].concat();
    assert_eq!(classify(padded.as_slice(), &RULES, NOW_NS), Ok(reply));
    let end = l3 + usize::from(u16::from_be_bytes([frame[l3 + 2], frame[l3 + 3]]));
    assert_eq!(classify(&frame[..end - 1], &RULES, NOW_NS), Err(Counter::Truncated));

    if kind == ReplyKind::SynAck {
        reset_is_right(frame, reply);
    }
}

/// Writing the token that belongs there changes nothing.
fn token_is_genuine(frame: &[u8], event: &ReplyEvent, probe: ProbeKind) {
    let resolution = if probe == ProbeKind::Udp { 2 * TICK_NS } else { TICK_NS };
    if event.rtt_ns == 0 || has_many_forms(frame, event) {
        return;
    }
    let sent = Tick::at(NOW_NS - event.rtt_ns - resolution / 2);
    let mut same = frame.to_vec();
    token::renew(&mut same, &RULES, sent).expect("a token was found");
    assert_eq!(same, frame, "accepted with a token that is not genuine");
}

/// What was refused for its token is accepted with another.
fn only_the_token_was_wrong(mut frame: Vec<u8>) {
    if token::renew(&mut frame, &RULES, Tick::at(SENT_NS)).is_none() {
        return;
    }
    match classify(frame.as_slice(), &RULES, NOW_NS) {
        Ok(_) => {}
        // BER can say the same in many ways, and the lab writes one of them.
        Err(reason) => assert!(is_udp_from(&frame, 161), "{reason:?} with a genuine token"),
    }
}

/// DNS letters of either case, and BER, are the same token in other bytes.
fn has_many_forms(frame: &[u8], event: &ReplyEvent) -> bool {
    event.kind == ReplyKind::UdpReply as u8 && (is_udp_from(frame, 53) || is_udp_from(frame, 161))
}

fn is_udp_from(frame: &[u8], port: u16) -> bool {
    let ip = if frame[12..14] == [0x81, 0] { 18 } else { 14 };
    let l4 = ip + usize::from(frame[ip] & 0xf) * 4;
    frame[ip + 9] == 17 && frame[l4..l4 + 2] == port.to_be_bytes()
}

fn reset_is_right(frame: &[u8], reply: Reply) {
    let mut reset = frame.to_vec();
    let len = write_reset(reset.as_mut_slice(), &reply).expect("an accepted SYN-ACK has room for an RST");
    assert_eq!(len, reply.l3 + 40);
    reset.truncate(len);
    let received = frame::Received::parse(&reset).expect("an RST");
    assert!(received.verifies(), "wrong checksums: {reset:02x?}");
    let sequence = u32::from_be_bytes(frame[reply.l4 + 8..reply.l4 + 12].try_into().expect("four bytes"));
    let tcp = received.tcp().expect("an RST");
    assert_eq!((tcp.flags, tcp.sequence, tcp.acknowledged, tcp.to), (frame::RST, sequence, 0, reply.event.port));
    assert_eq!(V4::from(received.envelope.to), reply.event.target);
    assert_eq!(V4::from(received.envelope.from), RULES.source);
}
