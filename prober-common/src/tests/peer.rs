//! One probe on the wire, and the peer that answers it: reads the probe and writes the replies with `etherparse`,
//! knowing nothing of tokens.

use std::vec::Vec;

use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use proptest::prelude::*;

use crate::address::V4;
use crate::cookie::Key;
use crate::event::ProbeKind;
use crate::probe::tcp_syn::Profile;
use crate::probe::udp::Protocol;
use crate::probe::{icmp_echo, tcp_syn, udp, write};
use crate::rules::Rules;
use crate::slot::ProbeSlot;
use crate::stamp::{Tick, WINDOW_TICKS};
use crate::template::{Path, Template};

pub const TTL: u8 = 57;
pub const WINDOW: u16 = 65_160;
pub const ROUTER: V4 = V4(0xc633_6401);

/// A probe with all that distinguishes its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Tcp(Profile),
    Icmp,
    Udp(Protocol),
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Tcp(Profile::Mss),
        Self::Tcp(Profile::Linux),
        Self::Tcp(Profile::Windows),
        Self::Icmp,
        Self::Udp(Protocol::Dns),
        Self::Udp(Protocol::Ntp),
        Self::Udp(Protocol::Snmp),
        Self::Udp(Protocol::Coap),
        Self::Udp(Protocol::Stun),
    ];

    pub const TCP: &[Self] = Self::ALL.split_at(3).0;
    pub const SNMP: &[Self] = &[Self::Udp(Protocol::Snmp)];

    pub fn template(self, path: &Path) -> Template {
        match self {
            Self::Tcp(profile) => tcp_syn::template(path, profile),
            Self::Icmp => icmp_echo::template(path, b"scan by example.org"),
            Self::Udp(protocol) => udp::template(path, protocol),
        }
        .unwrap()
    }

    pub fn probe(self) -> ProbeKind {
        match self {
            Self::Tcp(_) => ProbeKind::TcpSyn,
            Self::Icmp => ProbeKind::IcmpEcho,
            Self::Udp(_) => ProbeKind::Udp,
        }
    }

    /// The port that this kind would probe: `port` only where it is free to choose.
    pub fn port(self, port: u16) -> u16 {
        match self {
            Self::Tcp(_) => port,
            Self::Icmp => 0,
            Self::Udp(protocol) => {
                Protocol::PORTS.into_iter().find(|&port| Protocol::for_port(port) == Some(protocol)).unwrap()
            }
        }
    }

    /// How far apart two send times must be to be told apart.
    pub fn resolution_ns(self) -> u64 {
        if matches!(self, Self::Udp(_)) { 16_000 } else { 8_000 }
    }
}

/// Everything that goes into one probe.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    pub kind: Kind,
    pub path: Path,
    pub key: Key,
    pub target: V4,
    pub port: u16,
    pub sent_ns: u64,
}

impl Probe {
    pub fn frame(&self) -> Vec<u8> {
        let template = self.kind.template(&self.path);
        let mut frame = template.bytes().to_vec();
        let slot = ProbeSlot { address: self.target, port: self.port, probe: self.kind.probe() as u8, template: 0 };
        write(frame.as_mut_slice(), &template, self.key, slot, Tick::at(self.sent_ns)).unwrap();
        frame
    }

    pub fn rules(&self) -> Rules {
        Rules { key: self.key, source: self.path.source, max_age_ticks: WINDOW_TICKS as u32 - 1, ..Rules::default() }
    }
}

/// Any probe; sent between boot and ten days after it.
pub fn any_probe() -> impl Strategy<Value = Probe> {
    any_probe_of(&Kind::ALL)
}

/// Any probe of some kinds.
pub fn any_probe_of(kinds: &'static [Kind]) -> impl Strategy<Value = Probe> {
    let path = (any::<[u8; 6]>(), any::<[u8; 6]>(), any::<Option<u16>>(), any::<u32>(), any::<Option<u8>>()).prop_map(
        |(source_mac, gateway_mac, vlan, source, ttl)| Path { source_mac, gateway_mac, vlan, source: V4(source), ttl },
    );
    (0..kinds.len(), path, any::<[u64; 2]>(), any::<u32>(), any::<u16>(), 0u64..1 << 50).prop_map(
        |(kind, path, key, target, port, sent_ns)| {
            let kind = kinds[kind];
            Probe { kind, path, key: Key(key), target: V4(target), port: kind.port(port), sent_ns }
        },
    )
}

/// The probe as the peer receives it.
pub struct Received<'a> {
    pub sliced: SlicedPacket<'a>,
    /// The IPv4 packet.
    pub packet: &'a [u8],
    /// What stands before it.
    pub link: &'a [u8],
}

impl<'a> Received<'a> {
    pub fn read(frame: &'a [u8]) -> Self {
        let sliced = SlicedPacket::from_ethernet(frame).unwrap();
        let l3 = 14 + 4 * sliced.link_exts.len();
        Self { sliced, packet: &frame[l3..], link: &frame[..l3] }
    }

    pub fn addresses(&self) -> ([u8; 4], [u8; 4]) {
        let Some(NetSlice::Ipv4(ip)) = &self.sliced.net else { panic!("not IPv4") };
        (ip.header().source(), ip.header().destination())
    }

    /// Link header for the way back.
    fn link_back(&self) -> Vec<u8> {
        [&self.link[6..12], &self.link[..6], &self.link[12..]].concat()
    }

    fn builder(&self) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
        let (from, to) = self.addresses();
        PacketBuilder::ipv4(to, from, TTL)
    }

    /// SYN-ACK with options, or RST-ACK.
    pub fn tcp_answer(&self, is_open: bool) -> Vec<u8> {
        let Some(TransportSlice::Tcp(syn)) = &self.sliced.transport else { panic!("not TCP") };
        assert!(syn.syn() && !syn.ack() && !syn.rst() && !syn.fin());
        let mut frame = self.link_back();
        let sequence = if is_open { 0x1234_5678 } else { 0 };
        let tcp = self
            .builder()
            .tcp(syn.destination_port(), syn.source_port(), sequence, WINDOW)
            .ack(syn.sequence_number().wrapping_add(1));
        let tcp = if is_open { tcp.syn().options_raw(&[2, 4, 5, 0xb4]).unwrap() } else { tcp.rst() };
        tcp.write(&mut frame, &[]).unwrap();
        frame
    }

    pub fn echo_reply(&self) -> Vec<u8> {
        let Some(TransportSlice::Icmpv4(request)) = &self.sliced.transport else { panic!("not ICMP") };
        assert_eq!((request.type_u8(), request.code_u8()), (8, 0));
        let mut frame = self.link_back();
        self.builder().icmpv4_raw(0, 0, request.bytes5to8()).write(&mut frame, request.payload()).unwrap();
        frame
    }

    pub fn udp_answer(&self, answer: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let Some(TransportSlice::Udp(request)) = &self.sliced.transport else { panic!("not UDP") };
        let mut frame = self.link_back();
        let udp = self.builder().udp(request.destination_port(), request.source_port());
        udp.write(&mut frame, &answer(request.payload())).unwrap();
        frame
    }

    /// An ICMP error by [`ROUTER`] that quotes the IPv4 header and `quoted` bytes behind it.
    pub fn icmp_error(&self, kind: u8, code: u8, quoted: usize) -> Vec<u8> {
        let mut frame = self.link_back();
        let (from, _) = self.addresses();
        let quote = &self.packet[..(20 + quoted).min(self.packet.len())];
        let router = PacketBuilder::ipv4(ROUTER.0.to_be_bytes(), from, TTL);
        router.icmpv4_raw(kind, code, [0; 4]).write(&mut frame, quote).unwrap();
        frame
    }

    /// The positive answer of the probe's service.
    pub fn answer(&self, kind: Kind) -> Vec<u8> {
        match kind {
            Kind::Tcp(_) => self.tcp_answer(true),
            Kind::Icmp => self.echo_reply(),
            Kind::Udp(protocol) => self.udp_answer(|request| service_answer(protocol, request)),
        }
    }
}

/// What the service makes of our request.
pub fn service_answer(protocol: Protocol, request: &[u8]) -> Vec<u8> {
    match protocol {
        // RFC 1035, 4.1: the question is repeated; response, refused.
        Protocol::Dns => [&request[..2], &[0x84, 0x05], &request[4..]].concat(),
        // RFC 5905, 7.3: server mode; the client's transmit time becomes the originate time.
        Protocol::Ntp => {
            let mut answer = [0; 48];
            answer[0] = 0x24;
            answer[24..32].copy_from_slice(&request[40..48]);
            answer.to_vec()
        }
        Protocol::Snmp => snmp_report(message_id(request), 0),
        // RFC 7252, 5.3.1: acknowledgement with the request's message identifier and token, 2.05 Content.
        Protocol::Coap => [&[0x68, 0x45], &request[2..12], b"\xff</a>"].concat(),
        // RFC 8489, 5: success, magic cookie and transaction identifier; no attributes.
        Protocol::Stun => [&[1, 1, 0, 0], &request[4..20]].concat(),
    }
}

/// The message identifier of our SNMP request, which writes all four bytes of it.
fn message_id(request: &[u8]) -> u32 {
    assert_eq!((request[0], request[1] as usize, &request[7..9]), (0x30, request.len() - 2, &[2, 4][..]));
    u32::from_be_bytes(request[9..13].try_into().unwrap())
}

/// A report as RFC 3412 and X.690 have it: integers as short as they go, lengths with `length_bytes` bytes behind the
/// first (0 for the short form).
pub fn snmp_report(message_id: u32, length_bytes: usize) -> Vec<u8> {
    let tlv = |tag: u8, body: &[u8]| {
        let long = (body.len() as u32).to_be_bytes();
        let length = match length_bytes {
            0 => [body.len() as u8].to_vec(),
            more => [&[0x80 | more as u8][..], &long[4 - more..]].concat(),
        };
        [&[tag][..], &length, body].concat()
    };
    let header = [short_integer(message_id), short_integer(65_507), [4, 1, 0, 2, 1, 3].to_vec()].concat();
    tlv(0x30, &[short_integer(3), tlv(0x30, &header), [4, 0, 0x30, 0].to_vec()].concat())
}

/// X.690, 8.3.2: the first nine bits are not all equal.
fn short_integer(value: u32) -> Vec<u8> {
    let bytes = [&[0][..], &value.to_be_bytes()].concat();
    let start = (0..4).find(|&i| bytes[i] != 0 || bytes[i + 1] & 0x80 != 0).unwrap_or(4);
    [&[2, (5 - start) as u8][..], &bytes[start..]].concat()
}
