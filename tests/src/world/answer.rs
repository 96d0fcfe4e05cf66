//! From a probe to its answer: what it is, when it is due, and the frame. Pure.

use std::net::Ipv4Addr;

use prober_common::{
    event::{ProbeKind, ReplyKind},
    lab::mix,
};

use super::{
    delay::Delay,
    host::{Host, Port},
    record::Record,
    service,
};
use crate::frame::{self, ACK, Envelope, FIN, PSH, RST, Received, SYN, Segment};

/// What differs from the population's own ways.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Habits {
    /// Everyone's delay.
    pub delay: Option<Delay>,
    /// Everyone's probability of loss.
    pub loss: Option<f64>,
    /// Everyone's probability of answering twice.
    pub duplicates: Option<f64>,
}

/// An answer to be given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// What is sent.
    pub reply: Reply,
    /// How long after the probe, in ns.
    pub delay_ns: u64,
    /// How long after the answer a duplicate follows, in ns.
    pub duplicate_ns: Option<u64>,
    /// Who sends it.
    pub from: Ipv4Addr,
    /// With which TTL.
    pub ttl: u8,
    /// Hops that the probe had behind it.
    pub hops: u8,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// TCP SYN-ACK.
    SynAck,
    /// TCP RST.
    Rst,
    /// ICMP echo reply.
    Echo,
    /// A datagram of the service.
    Datagram,
    /// An ICMP error of this type and code.
    Error { kind: u8, code: u8 },
    /// On a connection: the phrase of this number, and the end.
    Say(u16),
    /// On a connection: its end, after the other side's.
    Close,
    /// On a connection: RST.
    HangUp,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Not a probe: an RST, a fragment, an answer.
    NotAProbe,
    /// The port is filtered.
    Filtered,
    /// Probe or answer was lost.
    Lost,
}

/// What the world of this `seed` answers to a probe.
pub fn plan(seed: u64, habits: &Habits, probe: &Received) -> Result<Answer, Silence> {
    let host = Host::at(seed, probe.envelope.to);
    let port = port(&host, probe).ok_or(Silence::NotAProbe)?;
    let reply = match (port, probe.protocol) {
        (Port::Filtered, _) => return Err(Silence::Filtered),
        (Port::Refused { kind, code }, _) => Reply::Error { kind, code },
        (Port::Open, 6) => Reply::SynAck,
        (Port::Closed, 6) => Reply::Rst,
        (Port::Open, 1) => Reply::Echo,
        (Port::Open, 17) => Reply::Datagram,
        // Port unreachable, from the host itself.
        (Port::Closed, _) => Reply::Error { kind: 3, code: 3 },
        (Port::Open, _) => return Err(Silence::NotAProbe),
    };
    // The same probe has the same fate: everything that tells one from the other goes in.
    let identity = (u64::from(u32::from(probe.envelope.to)) << 32) ^ u64::from(token(probe)) ^ mix(ports(probe));
    let chance = |salt: u64| mix(mix(seed ^ salt) ^ identity);
    if happens(habits.loss.unwrap_or(host.loss), chance(1)) {
        return Err(Silence::Lost);
    }
    let from_host = !matches!(port, Port::Refused { .. });
    let twice = happens(habits.duplicates.unwrap_or(host.duplicates), chance(2));
    Ok(Answer {
        reply,
        delay_ns: habits.delay.unwrap_or(host.delay).sample(chance(3)),
        duplicate_ns: twice.then(|| 1_000 + chance(4) % 50_000_000),
        from: if from_host { probe.envelope.to } else { host.router },
        ttl: if from_host { host.ttl } else { 255 - host.hops + 1 },
        hops: host.hops,
    })
}

fn port(host: &Host, probe: &Received) -> Option<Port> {
    match probe.protocol {
        6 => {
            let tcp = probe.tcp()?;
            (tcp.flags & (SYN | ACK | RST) == SYN).then(|| host.tcp(tcp.to))
        }
        17 => Some(host.udp(probe.udp()?.1)),
        1 => (probe.icmp()?.0 == 8).then(|| host.echo()),
        _ => None,
    }
}

/// Writes the frame of an answer, `phrase` if it says one; `None` if the service does not understand the probe.
pub fn write(frame: &mut Vec<u8>, answer: &Answer, probe: &Received, arrival_ns: u64, phrase: &[u8]) -> Option<()> {
    let envelope = Envelope { from: answer.from, ..probe.envelope.reversed(answer.ttl) };
    match answer.reply {
        Reply::SynAck => {
            let syn = probe.tcp()?;
            let options = options(&syn, arrival_ns);
            let sequence = mix(u64::from(syn.sequence)) as u32;
            let segment = respond(&syn, sequence, SYN | ACK, 64_240);
            frame::write_tcp(frame, &envelope, &Segment { options: &options, ..segment });
        }
        Reply::Rst => frame::write_tcp(frame, &envelope, &respond(&probe.tcp()?, 0, RST | ACK, 0)),
        Reply::Echo => {
            let (_, _, rest, payload) = probe.icmp()?;
            frame::write_icmp(frame, &envelope, 0, 0, rest, payload);
        }
        Reply::Datagram => {
            let (from, to, payload) = probe.udp()?;
            let payload = service::answer(to, payload, (probe.envelope.from, from), arrival_ns)?;
            frame::write_udp(frame, &envelope, to, from, &payload);
        }
        Reply::Say(_) => {
            let segment = go_on(probe, PSH | ACK | FIN)?;
            frame::write_tcp(frame, &envelope, &Segment { payload: phrase, ..segment });
        }
        Reply::Close => frame::write_tcp(frame, &envelope, &go_on(probe, ACK | FIN)?),
        Reply::HangUp => frame::write_tcp(frame, &envelope, &go_on(probe, RST | ACK)?),
        Reply::Error { kind, code } => {
            let quoted = quote(probe, answer.hops, kind == 11);
            frame::write_icmp(frame, &envelope, kind, code, [0; 4], &quoted);
        }
    }
    Some(())
}

fn respond(syn: &Segment, sequence: u32, flags: u8, window: u16) -> Segment<'static> {
    let acknowledged = syn.sequence.wrapping_add(1);
    Segment { from: syn.to, to: syn.from, sequence, acknowledged, flags, window, ..Segment::default() }
}

/// Goes on where the other side says that it is: nothing has to be kept of a connection.
fn go_on(heard: &Received, flags: u8) -> Option<Segment<'static>> {
    let segment = heard.tcp()?;
    let taken = heard.tcp_payload_len()? + u32::from(segment.flags & FIN != 0);
    Some(Segment {
        from: segment.to,
        to: segment.from,
        sequence: segment.acknowledged,
        acknowledged: segment.sequence.wrapping_add(taken),
        flags,
        window: 64_240,
        ..Segment::default()
    })
}

/// What Linux would answer: a MSS always, the rest if the probe offers it (RFC 9293, 7323, 2018).
fn options(syn: &Segment, now_ns: u64) -> Vec<u8> {
    let mut options = vec![2, 4, 5, 0xb4];
    let mut rest = syn.options;
    while let [kind, tail @ ..] = rest {
        let len = match kind {
            0 => break,
            1 => 1,
            _ => usize::from(*tail.first().unwrap_or(&0)).max(2),
        };
        match (kind, rest.get(2..len)) {
            (4, Some(_)) => options.extend([1, 1, 4, 2]),
            (3, Some(_)) => options.extend([1, 3, 3, 7]),
            (8, Some(times)) if times.len() == 8 => {
                options.extend([1, 1, 8, 10]);
                options.extend(((now_ns / 1_000_000) as u32).to_be_bytes());
                options.extend(&times[..4]);
            }
            _ => {}
        }
        rest = rest.get(len..).unwrap_or(&[]);
    }
    options
}

/// The probe as the router saw it: some quote eight bytes after the IP header (RFC 792), most all they can (RFC 1812).
fn quote(probe: &Received, hops: u8, expired: bool) -> Vec<u8> {
    let header = probe.packet.len() - probe.transport.len();
    let len = if hops.is_multiple_of(3) { header + 8 } else { probe.packet.len() };
    let mut quoted = probe.packet[..len.min(probe.packet.len())].to_vec();
    quoted[8] = if expired { 1 } else { quoted[8].saturating_sub(hops).max(1) };
    quoted[10..12].fill(0);
    let sum = frame::checksum(&quoted[..header], 0);
    quoted[10..12].copy_from_slice(&sum.to_be_bytes());
    quoted
}

/// The record of an answer that is about to be sent.
pub fn record(answer: &Answer, probe: &Received, arrival_ns: u64, answer_ns: u64, copy: u8) -> Record {
    let (kind, probe_kind) = match (answer.reply, probe.protocol) {
        // What is said on connections is no answer to a probe; it is written down as what it is for TCP.
        (Reply::SynAck | Reply::Say(_), _) => (ReplyKind::SynAck, ProbeKind::TcpSyn),
        (Reply::Rst | Reply::Close | Reply::HangUp, _) => (ReplyKind::Rst, ProbeKind::TcpSyn),
        (Reply::Echo, _) => (ReplyKind::EchoReply, ProbeKind::IcmpEcho),
        (Reply::Datagram, _) => (ReplyKind::UdpReply, ProbeKind::Udp),
        (Reply::Error { kind, .. }, protocol) => {
            let reply = if kind == 11 { ReplyKind::TimeExceeded } else { ReplyKind::Unreachable };
            let probe = match protocol {
                6 => ProbeKind::TcpSyn,
                17 => ProbeKind::Udp,
                _ => ProbeKind::IcmpEcho,
            };
            (reply, probe)
        }
    };
    let ports = ports(probe);
    Record {
        arrival_ns,
        answer_ns,
        target: probe.envelope.to,
        responder: answer.from,
        token: token(probe),
        port: ports as u16,
        source_port: (ports >> 16) as u16,
        kind: kind as u8,
        probe: probe_kind as u8,
        ttl: answer.ttl,
        copy,
    }
}

/// Source port and destination port in one number; 0 for ICMP.
fn ports(probe: &Received) -> u64 {
    let ports = match probe.protocol {
        6 => probe.tcp().map(|tcp| (tcp.from, tcp.to)),
        17 => probe.udp().map(|(from, to, _)| (from, to)),
        _ => None,
    };
    ports.map_or(0, |(from, to)| u64::from(from) << 16 | u64::from(to))
}

fn token(probe: &Received) -> u32 {
    match probe.protocol {
        6 => probe.tcp().map_or(0, |tcp| tcp.sequence),
        1 => probe.icmp().map_or(0, |(_, _, rest, _)| u32::from_be_bytes(rest)),
        _ => 0,
    }
}

fn happens(probability: f64, chance: u64) -> bool {
    ((chance >> 11) as f64) < probability * (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(frame: &mut Vec<u8>, to: Ipv4Addr, port: u16) {
        let from = Ipv4Addr::new(20, 255, 0, 2);
        let envelope = Envelope { from_mac: [2; 6], to_mac: [4; 6], vlan: None, from, to, ttl: 64 };
        let options = [2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7];
        let syn = Segment {
            from: 40_000,
            to: port,
            sequence: 99,
            flags: SYN,
            window: 1024,
            options: &options,
            ..Segment::default()
        };
        frame::write_tcp(frame, &envelope, &syn);
    }

    #[test]
    fn every_answer_verifies_and_says_whom_it_answers() {
        let (mut frame, mut reply) = (Vec::new(), Vec::new());
        let (mut kinds, mut silent) = ([0; 7], 0);
        for i in 0..2_000u32 {
            probe(&mut frame, Ipv4Addr::from(0x1403_0000 + i), 80);
            let request = Received::parse(&frame).unwrap();
            let Ok(answer) = plan(3, &Habits::default(), &request) else {
                silent += 1;
                continue;
            };
            write(&mut reply, &answer, &request, 7_000_000, b"").unwrap();
            let received = Received::parse(&reply).unwrap();
            assert!(received.verifies());
            assert_eq!((received.envelope.to, received.envelope.to_mac), (request.envelope.from, [2; 6]));
            let record = record(&answer, &request, 7, 9, 0);
            assert_eq!((record.port, record.source_port, record.token, record.delay_ns()), (80, 40_000, 99, 2));
            kinds[record.kind as usize] += 1;
            match answer.reply {
                Reply::SynAck => {
                    let tcp = received.tcp().unwrap();
                    assert_eq!((tcp.flags, tcp.acknowledged), (SYN | ACK, 100));
                    // The timestamp comes back.
                    assert!(tcp.options.windows(4).any(|four| four == [1, 2, 3, 4]));
                }
                Reply::Rst => assert_eq!(received.tcp().unwrap().flags, RST | ACK),
                _ => {
                    let (_, _, _, quoted) = received.icmp().unwrap();
                    assert_eq!(frame::checksum(&quoted[..20], 0), 0);
                    assert_eq!(quoted[20..28], request.transport[..8]);
                    assert_ne!(received.envelope.from, record.target);
                }
            }
        }
        assert!(
            kinds[0] > 800 && kinds[1] > 300 && kinds[4] > 100 && kinds[5] > 30 && silent > 50,
            "{kinds:?} {silent}"
        );
    }

    #[test]
    fn the_same_probe_has_the_same_fate_and_habits_rule() {
        let mut frame = Vec::new();
        probe(&mut frame, Ipv4Addr::new(20, 3, 0, 8), 80);
        let request = Received::parse(&frame).unwrap();
        let habits = Habits { delay: Some(Delay::Constant { ns: 5_000_000 }), loss: Some(0.0), duplicates: Some(1.0) };
        let answer = plan(3, &habits, &request);
        assert_eq!(answer, plan(3, &habits, &request));
        if let Ok(answer) = answer {
            assert_eq!(answer.delay_ns, 5_000_000);
            assert!(answer.duplicate_ns.is_some());
        }
        assert!(plan(3, &Habits { loss: Some(1.0), ..habits }, &request).is_err());
    }
}
