//! Replies of every kind to probes of ours, whole and right. The probe is the product's, the reply is the lab's.

use std::net::Ipv4Addr;

use prober_common::{
    event::{ProbeKind, ReplyKind},
    probe::{icmp_echo, tcp_syn, tcp_syn::Profile, udp, udp::Protocol, write},
    slot::ProbeSlot,
    stamp::Tick,
    template::{Path, Template},
};

use super::RULES;
use crate::frame::{self, ACK, Envelope, RST, Received, SYN, Segment};

/// Who is probed.
pub const TARGET: Ipv4Addr = Ipv4Addr::new(20, 1, 2, 3);
/// The router that reports errors.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);
const TTL: u8 = 55;

/// What was probed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// TCP SYN to port 443.
    Tcp(Profile),
    /// Echo request.
    Icmp,
    /// A request to the service's port.
    Udp(Protocol),
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The positive answer of the service.
    Positive,
    /// TCP RST.
    Refusal,
    /// An ICMP error of this type, quoting eight bytes of the probe's payload.
    Error(u8),
    /// The same, quoting all of it.
    LongError(u8),
}

/// A reply to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What was sent.
    pub probe: Probe,
    /// What came back.
    pub answer: Answer,
    /// On a tagged link.
    pub vlan: Option<u16>,
}

const PROBES: [Probe; 9] = [
    Probe::Tcp(Profile::Mss),
    Probe::Tcp(Profile::Linux),
    Probe::Tcp(Profile::Windows),
    Probe::Icmp,
    Probe::Udp(Protocol::Dns),
    Probe::Udp(Protocol::Ntp),
    Probe::Udp(Protocol::Snmp),
    Probe::Udp(Protocol::Coap),
    Probe::Udp(Protocol::Stun),
];

impl Reply {
    /// Every reply: each probe's positive answer, refusals, and each ICMP error to each transport; some of them tagged.
    pub fn all() -> Vec<Self> {
        let untagged = |probe, answer| Self { probe, answer, vlan: None };
        let mut all: Vec<Self> = PROBES.iter().map(|&probe| untagged(probe, Answer::Positive)).collect();
        all.push(untagged(PROBES[0], Answer::Refusal));
        for probe in [PROBES[0], Probe::Icmp, Probe::Udp(Protocol::Dns)] {
            all.extend([3, 4, 5, 11, 12].map(|kind| untagged(probe, Answer::Error(kind))));
            all.push(untagged(probe, Answer::LongError(3)));
            all.push(Self { probe, answer: Answer::Positive, vlan: Some(42) });
            all.push(Self { probe, answer: Answer::Error(11), vlan: Some(0xe002) });
        }
        all
    }

    /// Its name, unique among [`Self::all`].
    pub fn name(self) -> String {
        let probe = match self.probe {
            Probe::Tcp(profile) => format!("tcp {}", profile.name()),
            Probe::Icmp => "echo".to_owned(),
            Probe::Udp(protocol) => format!("{protocol:?}").to_lowercase(),
        };
        let answer = match self.answer {
            Answer::Positive => "answer".to_owned(),
            Answer::Refusal => "refusal".to_owned(),
            Answer::Error(kind) => format!("error {kind}"),
            Answer::LongError(kind) => format!("long error {kind}"),
        };
        let tag = if self.vlan.is_some() { " tagged" } else { "" };
        format!("{probe} {answer}{tag}")
    }

    /// The kind that the verdict must give it.
    pub fn kind(self) -> ReplyKind {
        match (self.answer, self.probe) {
            (Answer::Positive, Probe::Tcp(_)) => ReplyKind::SynAck,
            (Answer::Positive, Probe::Icmp) => ReplyKind::EchoReply,
            (Answer::Positive, Probe::Udp(_)) => ReplyKind::UdpReply,
            (Answer::Refusal, _) => ReplyKind::Rst,
            (Answer::Error(3) | Answer::LongError(3), _) => ReplyKind::Unreachable,
            (Answer::Error(11) | Answer::LongError(11), _) => ReplyKind::TimeExceeded,
            (Answer::Error(_) | Answer::LongError(_), _) => ReplyKind::IcmpOther,
        }
    }

    /// The port that was probed.
    pub fn port(self) -> u16 {
        match self.probe {
            Probe::Tcp(_) => 443,
            Probe::Icmp => 0,
            Probe::Udp(protocol) => Protocol::PORTS
                .into_iter()
                .find(|&port| Protocol::for_port(port) == Some(protocol))
                .expect("every protocol has a port"),
        }
    }

    /// The reply's frame, to a probe sent at `sent_ns`.
    pub fn frame(self, sent_ns: u64) -> Vec<u8> {
        let sent = self.probe_frame(sent_ns);
        let probe = Received::parse(&sent).expect("our own probe is whole");
        let back = probe.envelope.reversed(TTL);
        let back = Envelope { vlan: self.vlan, ..back };
        let mut frame = Vec::new();
        match (self.answer, self.probe) {
            (Answer::Error(kind), _) => write_error(&mut frame, back, kind, &probe.packet[..28]),
            (Answer::LongError(kind), _) => write_error(&mut frame, back, kind, probe.packet),
            (Answer::Refusal, _) => write_tcp(&mut frame, back, &probe, RST | ACK, &[]),
            (_, Probe::Tcp(_)) => write_tcp(&mut frame, back, &probe, SYN | ACK, &[2, 4, 5, 0xb4]),
            (_, Probe::Icmp) => {
                let (_, _, rest, payload) = probe.icmp().expect("our own probe is ICMP");
                frame::write_icmp(&mut frame, &back, 0, 0, rest, payload);
            }
            (_, Probe::Udp(protocol)) => {
                let (ours, port, request) = probe.udp().expect("our own probe is UDP");
                frame::write_udp(&mut frame, &back, port, ours, &service_answer(protocol, request));
            }
        }
        frame
    }

    fn probe_frame(self, sent_ns: u64) -> Vec<u8> {
        let template = self.template().expect("every probe has a template");
        let mut frame = template.bytes().to_vec();
        let slot = ProbeSlot { address: TARGET.into(), port: self.port(), probe: template.probe, template: 0 };
        write(frame.as_mut_slice(), &template, RULES.key, slot, Tick::at(sent_ns)).expect("the template is whole");
        frame
    }

    fn template(self) -> Option<Template> {
        let path = Path {
            source_mac: [2, 0, 0, 0, 0, 1],
            gateway_mac: [2, 0, 0, 0, 0, 2],
            vlan: self.vlan,
            source: RULES.source,
            ttl: None,
        };
        match self.probe {
            Probe::Tcp(profile) => tcp_syn::template(&path, profile),
            Probe::Icmp => icmp_echo::template(&path, b"lab"),
            Probe::Udp(protocol) => udp::template(&path, protocol),
        }
    }

    /// The transport of the probe.
    pub fn probe_kind(self) -> ProbeKind {
        match self.probe {
            Probe::Tcp(_) => ProbeKind::TcpSyn,
            Probe::Icmp => ProbeKind::IcmpEcho,
            Probe::Udp(_) => ProbeKind::Udp,
        }
    }
}

fn write_tcp(frame: &mut Vec<u8>, back: Envelope, probe: &Received<'_>, flags: u8, options: &[u8]) {
    let syn = probe.tcp().expect("our own probe is TCP");
    let sequence = if flags & SYN == 0 { 0 } else { 0x1122_3344 };
    let segment = Segment {
        from: syn.to,
        to: syn.from,
        sequence,
        acknowledged: syn.sequence.wrapping_add(1),
        flags,
        window: 65_160,
        options,
        payload: &[],
    };
    frame::write_tcp(frame, &back, &segment);
}

fn write_error(frame: &mut Vec<u8>, back: Envelope, kind: u8, quote: &[u8]) {
    frame::write_icmp(frame, &Envelope { from: ROUTER, ..back }, kind, 1, [0; 4], quote);
}

fn service_answer(protocol: Protocol, request: &[u8]) -> Vec<u8> {
    match protocol {
        Protocol::Dns => [&request[..2], &[0x84, 0x05], &request[4..]].concat(),
        Protocol::Ntp => [&[0x24, 1][..], &[0; 22], &request[40..48], &[0xe0; 16]].concat(),
        // A report with the request's message identifier; what follows is not looked at.
        Protocol::Snmp => [&request[..13], &[2, 3, 0, 0xff, 0xe3, 4, 1, 0, 2, 1, 3], &request[24..]].concat(),
        Protocol::Coap => [&[0x68, 0x45], &request[2..12], b"\xff</a>"].concat(),
        Protocol::Stun => [&[1, 1, 0, 0], &request[4..20]].concat(),
    }
}
