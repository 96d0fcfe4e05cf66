//! Every protocol in one list: what to do next in a conversation, and what was heard in words.

use super::recognise::recognise;
use super::talk::{Peer, Reading, Step, Talk};
use super::{
    bacnet, dns, ethernet_ip, fox, greeting, http, modbus, mqtt, rtsp, s7, sip, snmp, ssh, telnet, tls_hello, upnp,
};
use crate::model::banner::{BannerProtocol, Transport};

/// Most bytes that are kept of what nobody understands.
const RAW_BYTES: usize = 4 << 10;

/// What to do next.
pub fn step(protocol: BannerProtocol, talk: &mut Talk, peer: &Peer, transport: Transport) -> Step {
    match protocol {
        BannerProtocol::Http | BannerProtocol::Https => http::step(talk, peer),
        BannerProtocol::Tls => tls_hello::step(talk, peer),
        BannerProtocol::Ssh => ssh::step(talk, peer),
        BannerProtocol::Ftp | BannerProtocol::Smtp | BannerProtocol::Pop3 | BannerProtocol::Imap => {
            greeting::step(talk, peer)
        }
        BannerProtocol::Telnet => telnet::step(talk, peer),
        BannerProtocol::Rtsp => rtsp::step(talk, peer),
        BannerProtocol::Sip => sip::step(talk, peer, transport),
        BannerProtocol::Mqtt => mqtt::step(talk, peer),
        BannerProtocol::Snmp => snmp::step(talk, peer),
        BannerProtocol::Upnp => upnp::step(talk, peer),
        BannerProtocol::Mdns | BannerProtocol::Dns => dns::step(talk, protocol),
        BannerProtocol::Modbus => modbus::step(talk, peer),
        BannerProtocol::S7 => s7::step(talk, peer),
        BannerProtocol::Bacnet => bacnet::step(talk, peer),
        BannerProtocol::Fox => fox::step(talk, peer),
        BannerProtocol::EthernetIp => ethernet_ip::step(talk, peer),
        // Only listening.
        BannerProtocol::Unknown => {
            if talk.received.len() > RAW_BYTES {
                Step::Done
            } else {
                Step::More
            }
        }
    }
}

/// What was heard in words: in the protocol that was expected, else in the one it looks like, else as it is.
pub fn read(expected: BannerProtocol, received: &[u8], peer: &Peer) -> Reading {
    let recognised = || recognise(received, peer.port).and_then(|protocol| read_as(protocol, received, peer));
    read_as(expected, received, peer).or_else(recognised).unwrap_or_else(|| Reading {
        cut: received.len() > RAW_BYTES,
        ..Reading::of(BannerProtocol::Unknown, &received[..received.len().min(RAW_BYTES)])
    })
}

fn read_as(protocol: BannerProtocol, received: &[u8], peer: &Peer) -> Option<Reading> {
    match protocol {
        BannerProtocol::Http | BannerProtocol::Https => {
            http::read(received, if peer.under_tls { BannerProtocol::Https } else { BannerProtocol::Http })
        }
        BannerProtocol::Tls => tls_hello::read(received),
        BannerProtocol::Ssh => ssh::read(received),
        BannerProtocol::Ftp | BannerProtocol::Smtp | BannerProtocol::Pop3 | BannerProtocol::Imap => {
            greeting::read(received, peer.port)
        }
        BannerProtocol::Telnet => telnet::read(received),
        BannerProtocol::Rtsp => rtsp::read(received),
        BannerProtocol::Sip => sip::read(received),
        BannerProtocol::Mqtt => mqtt::read(received),
        BannerProtocol::Snmp => snmp::read(received),
        BannerProtocol::Upnp => upnp::read(received),
        BannerProtocol::Mdns | BannerProtocol::Dns => dns::read(received, protocol),
        BannerProtocol::Modbus => modbus::read(received),
        BannerProtocol::S7 => s7::read(received),
        BannerProtocol::Bacnet => bacnet::read(received),
        BannerProtocol::Fox => fox::read(received),
        BannerProtocol::EthernetIp => ethernet_ip::read(received),
        BannerProtocol::Unknown => None,
    }
}

/// Whether the server speaks first, so that a pause after its words is their end.
pub const fn server_first(protocol: BannerProtocol) -> bool {
    matches!(
        protocol,
        BannerProtocol::Ssh
            | BannerProtocol::Ftp
            | BannerProtocol::Smtp
            | BannerProtocol::Pop3
            | BannerProtocol::Imap
            | BannerProtocol::Telnet
            | BannerProtocol::Unknown
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::talk::peer;
    use super::*;

    proptest! {
        /// Whatever a server sends, in whatever turn: no panic, and bounded words.
        #[test]
        fn no_bytes_upset_any_protocol(
            start in prop::sample::select(vec![
                &b""[..], b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-x\r\n", b"\xff\xfd", b"\x20\x02", b"\x03\0\0", b"\x81\x0a\0",
                b"\x16\x03\x01", b"\x30", b"\x63\0", b"\x70\x72\0\0\0", b"RTSP/1.0 ", b"220-",
            ]),
            rest in prop::collection::vec(any::<u8>(), 0..600),
            turn in 0u8..8,
        ) {
            let received = [start, &rest].concat();
            for protocol in BannerProtocol::ALL {
                for transport in [Transport::Tcp, Transport::Udp] {
                    let mut talk = Talk::heard(&received, turn);
                    let _ = step(protocol, &mut talk, &peer(), transport);
                }
                let reading = read(protocol, &received, &peer());
                prop_assert!(reading.text.len() <= 8 * received.len() + 1024);
            }
        }
    }

    #[test]
    fn another_protocol_is_read_as_what_it_is() {
        let reading = read(BannerProtocol::Http, b"SSH-2.0-dropbear\r\n", &peer());
        assert_eq!((reading.protocol, reading.text.as_slice()), (BannerProtocol::Ssh, &b"SSH-2.0-dropbear\n"[..]));
        let reading = read(BannerProtocol::Http, b"\0\x01\x02", &peer());
        assert_eq!((reading.protocol, reading.text.as_slice()), (BannerProtocol::Unknown, &b"\0\x01\x02"[..]));
    }
}
