//! Every probe of every profile, read back by `etherparse`: addresses, lengths, options, checksums.

use etherparse::{EtherType, LinkExtSlice, LinkSlice, NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;

use super::peer::{Kind, Probe, any_probe};
use super::properties;
use crate::address::V4;
use crate::cookie::{Identity, Key};
use crate::probe::tcp_syn::Profile;
use crate::probe::udp::Protocol;
use crate::probe::{ip_protocol, write};
use crate::slot::ProbeSlot;
use crate::stamp::{PORT_BASE, Tick, Token};
use crate::template::Path;

/// The token that the probe must carry.
fn token(probe: &Probe) -> Token {
    let tick = Tick::at(probe.sent_ns);
    let tick = if matches!(probe.kind, Kind::Udp(_)) { tick.even() } else { tick };
    let protocol = ip_protocol(probe.kind.probe());
    let identity = Identity { target: probe.target, source: probe.path.source, port: probe.port, protocol, tick };
    Token::new(probe.key, identity)
}

fn check_link(probe: &Probe, sliced: &SlicedPacket<'_>) {
    let Some(LinkSlice::Ethernet2(ethernet)) = &sliced.link else { panic!("not Ethernet") };
    assert_eq!((ethernet.source(), ethernet.destination()), (probe.path.source_mac, probe.path.gateway_mac));
    match (probe.path.vlan, sliced.link_exts.as_slice()) {
        (None, []) => assert_eq!(ethernet.ether_type(), EtherType::IPV4),
        (Some(tag), [LinkExtSlice::Vlan(vlan)]) => {
            assert_eq!(vlan.ether_type(), EtherType::IPV4);
            assert_eq!(vlan.slice()[..2], tag.to_be_bytes());
        }
        (expected, found) => panic!("tag {expected:?}, found {found:?}"),
    }
}

/// Checks the IPv4 header and returns its identification.
fn check_ip(probe: &Probe, sliced: &SlicedPacket<'_>, frame_len: usize) -> u16 {
    let Some(NetSlice::Ipv4(ip)) = &sliced.net else { panic!("not IPv4") };
    let header = ip.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert_eq!(V4::from(core::net::Ipv4Addr::from(header.source)), probe.path.source);
    assert_eq!(V4::from(core::net::Ipv4Addr::from(header.destination)), probe.target);
    assert_eq!(header.protocol.0, ip_protocol(probe.kind.probe()));
    let own_ttl = if probe.kind == Kind::Tcp(Profile::Windows) { 128 } else { 64 };
    assert_eq!(header.time_to_live, probe.path.ttl.unwrap_or(own_ttl));
    assert_eq!(usize::from(header.total_len), frame_len - 14 - 4 * sliced.link_exts.len());
    assert!(header.fragment_offset.value() == 0 && !header.more_fragments && header.options.is_empty());
    assert_eq!(header.dont_fragment, !matches!(probe.kind, Kind::Udp(_)));
    header.identification
}

fn check_transport(probe: &Probe, sliced: &SlicedPacket<'_>, identification: u16) {
    let token = token(probe);
    let (from, to) = (probe.path.source.0.to_be_bytes(), probe.target.0.to_be_bytes());
    match (probe.kind, sliced.transport.as_ref().unwrap()) {
        (Kind::Tcp(profile), TransportSlice::Tcp(tcp)) => {
            assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv4(from, to).unwrap());
            assert_eq!((tcp.source_port(), tcp.destination_port()), (token.source_port(), probe.port));
            assert_eq!((tcp.sequence_number(), tcp.acknowledgment_number()), (token.nonce, 0));
            assert!(tcp.syn() && !tcp.ack() && tcp.window_size() == 64_240 && tcp.payload().is_empty());
            check_options(profile, tcp.options(), probe.sent_ns);
            assert_eq!(identification, 0);
        }
        (Kind::Icmp, TransportSlice::Icmpv4(icmp)) => {
            assert_eq!(icmp.checksum(), icmp.icmp_type().calc_checksum(icmp.payload()));
            assert_eq!((icmp.type_u8(), icmp.code_u8(), identification), (8, 0, 0));
            assert_eq!(icmp.checksum(), token.port_bits);
            assert_eq!(icmp.bytes5to8(), token.nonce.to_be_bytes());
            assert_eq!(icmp.payload()[..2], token.port_bits.to_be_bytes());
            assert_eq!(&icmp.payload()[4..], b"scan by example.org");
        }
        (Kind::Udp(_), TransportSlice::Udp(udp)) => {
            assert_eq!(udp.checksum(), (token.nonce >> 16) as u16);
            assert_eq!(identification, token.nonce as u16);
            if udp.checksum() != 0 {
                let right = udp.to_header().calc_checksum_ipv4_raw(from, to, udp.payload()).unwrap();
                assert_eq!(udp.checksum(), right);
            }
            assert_eq!((udp.source_port(), udp.destination_port()), (token.source_port(), probe.port));
            assert_eq!(usize::from(udp.length()), 8 + udp.payload().len());
        }
        (kind, found) => panic!("{kind:?} became {found:?}"),
    }
    assert!(token.source_port() & PORT_BASE != 0 && token.port_bits & PORT_BASE == 0);
}

fn check_options(profile: Profile, options: &[u8], sent_ns: u64) {
    match profile {
        Profile::Mss => assert_eq!(options, [2, 4, 5, 0xb4]),
        Profile::Linux => {
            let tsval = ((sent_ns / 8_000) >> 7) as u32;
            assert_eq!(options[..8], [2, 4, 5, 0xb4, 4, 2, 8, 10]);
            assert_eq!(options[8..12], tsval.to_be_bytes());
            assert_eq!(options[12..], [0, 0, 0, 0, 1, 3, 3, 7]);
        }
        Profile::Windows => assert_eq!(options, [2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2]),
    }
}

fn check(probe: &Probe) {
    let frame = probe.frame();
    let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
    check_link(probe, &sliced);
    let identification = check_ip(probe, &sliced, frame.len());
    check_transport(probe, &sliced, identification);
}

proptest! {
    #![proptest_config(properties(4_000))]

    #[test]
    fn every_probe_is_well_formed(probe in any_probe()) {
        check(&probe);
    }

    #[test]
    fn a_frame_that_is_too_short_is_refused(probe in any_probe(), cut in 0usize..200) {
        let template = probe.kind.template(&probe.path);
        let mut frame = template.bytes().to_vec();
        frame.truncate(cut);
        let slot = ProbeSlot { address: probe.target, port: probe.port, ..ProbeSlot::default() };
        let written = write(frame.as_mut_slice(), &template, probe.key, slot, Tick::at(probe.sent_ns));
        // What is patched last stands before the contact text, or what follows the token, of a longer frame.
        if cut >= usize::from(template.len) {
            prop_assert!(written.is_some());
        } else if cut < template.l4() + 8 {
            prop_assert!(written.is_none());
        }
    }
}

/// One UDP token in 65,536 asks for the checksum that means "none": the datagram must be right either way.
#[test]
fn a_zero_udp_checksum_still_adds_up() {
    let path = Path { source_mac: [2; 6], gateway_mac: [4; 6], vlan: None, source: V4(0x0a00_0001), ttl: None };
    for protocol in Protocol::ALL {
        let kind = Kind::Udp(protocol);
        let at =
            |n: u64| Probe { kind, path, key: Key([1, 2]), target: V4(7), port: kind.port(0), sent_ns: n * 16_000 };
        let probe = (0..2_000_000).map(at).find(|probe| token(probe).nonce >> 16 == 0).unwrap();
        check(&probe);
        let frame = probe.frame();
        let sum = etherparse::checksum::Sum16BitWords::new()
            .add_4bytes(path.source.0.to_be_bytes())
            .add_4bytes(probe.target.0.to_be_bytes())
            .add_2bytes([0, 17])
            .add_2bytes((frame.len() as u16 - 34).to_be_bytes())
            .add_slice(&frame[34..]);
        assert_eq!(sum.ones_complement(), 0, "{protocol:?}");
    }
}
