//! The RST that answers a SYN-ACK, read back by `etherparse`.

use etherparse::{Ipv4Header, LinkSlice, NetSlice, SlicedPacket, TcpHeader, TransportSlice, ip_number};
use proptest::prelude::*;
use std::vec::Vec;

use super::peer::{Kind, Received, WINDOW, any_probe_of};
use super::properties;
use crate::event::ReplyKind;
use crate::probe::tcp_syn::write_reset;
use crate::verdict::classify;

proptest! {
    #![proptest_config(properties(4_000))]

    #[test]
    fn the_reset_is_what_the_peer_expects(
        probe in any_probe_of(Kind::TCP),
        ip_options in 0usize..=10,
        tcp_options in 0usize..=10,
        payload in 0usize..40,
        sequence: u32,
    ) {
        let sent = probe.frame();
        let received = Received::read(&sent);
        let Some(TransportSlice::Tcp(syn)) = &received.sliced.transport else { panic!("not TCP") };
        let mut tcp = TcpHeader::new(probe.port, syn.source_port(), sequence, WINDOW);
        tcp.syn = true;
        tcp.ack = true;
        tcp.acknowledgment_number = syn.sequence_number().wrapping_add(1);
        tcp.set_options_raw(&[1; 40][..4 * tcp_options]).unwrap();
        let (ours, theirs) = received.addresses();
        let total = (tcp.header_len() + payload) as u16;
        let mut ip = Ipv4Header::new(total, 9, ip_number::TCP, theirs, ours).unwrap();
        ip.options = (&[1u8; 40][..4 * ip_options]).try_into().unwrap();
        ip.set_payload_len(usize::from(total)).unwrap();
        ip.header_checksum = ip.calc_header_checksum();
        tcp.checksum = tcp.calc_checksum_ipv4(&ip, &[7; 40][..payload]).unwrap();

        let mut frame: Vec<u8> = [&received.link[6..12], &received.link[..6], &received.link[12..]].concat();
        ip.write(&mut frame).unwrap();
        tcp.write(&mut frame).unwrap();
        frame.extend(&[7; 40][..payload]);

        let reply = classify(frame.as_slice(), &probe.rules(), probe.sent_ns + 1_000_000).unwrap();
        prop_assert_eq!(ReplyKind::from_code(reply.event.kind), Some(ReplyKind::SynAck));
        let len = write_reset(frame.as_mut_slice(), &reply).unwrap();
        prop_assert_eq!(len, received.link.len() + 40);
        frame.truncate(len);

        let reset = SlicedPacket::from_ethernet(&frame).unwrap();
        prop_assert_eq!(&frame[..received.link.len()], received.link);
        prop_assert!(matches!(reset.link, Some(LinkSlice::Ethernet2(_))));
        let Some(NetSlice::Ipv4(ip)) = &reset.net else { panic!("not IPv4") };
        let ip = ip.header().to_header();
        prop_assert_eq!(ip.header_checksum, ip.calc_header_checksum());
        prop_assert_eq!((ip.source, ip.destination, ip.time_to_live), (ours, theirs, 64));
        let Some(TransportSlice::Tcp(tcp)) = &reset.transport else { panic!("not TCP") };
        prop_assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv4(ours, theirs).unwrap());
        prop_assert_eq!((tcp.source_port(), tcp.destination_port()), (syn.source_port(), probe.port));
        // RFC 9293, 3.10.7.3: the sequence number that the peer acknowledged, and no acknowledgement.
        prop_assert_eq!(tcp.sequence_number(), syn.sequence_number().wrapping_add(1));
        prop_assert!(tcp.rst() && !tcp.syn() && !tcp.ack() && !tcp.fin() && tcp.payload().is_empty());
    }
}
