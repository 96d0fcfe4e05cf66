//! Frames as the lab writes and reads them. Deliberately not the prober's code: a fault there must show here.

use std::net::Ipv4Addr;

/// TCP flags.
pub const FIN: u8 = 1;
/// SYN.
pub const SYN: u8 = 2;
/// RST.
pub const RST: u8 = 4;
/// PSH.
pub const PSH: u8 = 8;
/// ACK.
pub const ACK: u8 = 16;
/// Bytes of an IPv4 header as written here.
pub const IP_LEN: usize = 20;

/// The two ends of a frame, and how far it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Sender's MAC address.
    pub from_mac: [u8; 6],
    /// Receiver's MAC address.
    pub to_mac: [u8; 6],
    /// 802.1Q tag.
    pub vlan: Option<u16>,
    /// Sender.
    pub from: Ipv4Addr,
    /// Receiver.
    pub to: Ipv4Addr,
    /// Hops left.
    pub ttl: u8,
}

impl Envelope {
    /// For an answer with `ttl`.
    #[must_use]
    pub fn reversed(self, ttl: u8) -> Self {
        Self { from_mac: self.to_mac, to_mac: self.from_mac, vlan: self.vlan, from: self.to, to: self.from, ttl }
    }
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Source port.
    pub from: u16,
    /// Destination port.
    pub to: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledged: u32,
    /// Flags.
    pub flags: u8,
    /// Window.
    pub window: u16,
    /// Options; a multiple of four bytes.
    pub options: &'a [u8],
    /// Data; of a frame cut off by capturing, what is there.
    pub payload: &'a [u8],
}

/// Writes a TCP segment into `frame`, replacing what was there.
pub fn write_tcp(frame: &mut Vec<u8>, envelope: &Envelope, segment: &Segment) {
    let len = 20 + segment.options.len();
    let start = begin(frame, envelope, 6, len + segment.payload.len());
    frame.extend(segment.from.to_be_bytes());
    frame.extend(segment.to.to_be_bytes());
    frame.extend(segment.sequence.to_be_bytes());
    frame.extend(segment.acknowledged.to_be_bytes());
    frame.extend([(len as u8 / 4) << 4, segment.flags]);
    frame.extend(segment.window.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(segment.options);
    frame.extend(segment.payload);
    finish(frame, start, 16, pseudo_header(envelope, 6, len + segment.payload.len()));
}

/// Writes a UDP datagram into `frame`, replacing what was there.
pub fn write_udp(frame: &mut Vec<u8>, envelope: &Envelope, from: u16, to: u16, payload: &[u8]) {
    let len = 8 + payload.len();
    let start = begin(frame, envelope, 17, len);
    frame.extend(from.to_be_bytes());
    frame.extend(to.to_be_bytes());
    frame.extend((len as u16).to_be_bytes());
    frame.extend([0; 2]);
    frame.extend(payload);
    finish(frame, start, 6, pseudo_header(envelope, 17, len));
}

/// Writes an ICMP message into `frame`, replacing what was there. `rest` are the four bytes after the checksum.
pub fn write_icmp(frame: &mut Vec<u8>, envelope: &Envelope, kind: u8, code: u8, rest: [u8; 4], payload: &[u8]) {
    let start = begin(frame, envelope, 1, 8 + payload.len());
    frame.extend([kind, code, 0, 0]);
    frame.extend(rest);
    frame.extend(payload);
    finish(frame, start, 2, 0);
}

fn begin(frame: &mut Vec<u8>, envelope: &Envelope, protocol: u8, len: usize) -> usize {
    frame.clear();
    frame.extend(envelope.to_mac);
    frame.extend(envelope.from_mac);
    if let Some(id) = envelope.vlan {
        frame.extend([0x81, 0]);
        frame.extend(id.to_be_bytes());
    }
    frame.extend([8, 0]);
    let ip = frame.len();
    frame.extend([0x45, 0]);
    frame.extend(((IP_LEN + len) as u16).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, envelope.ttl, protocol, 0, 0]);
    frame.extend(envelope.from.octets());
    frame.extend(envelope.to.octets());
    let sum = checksum(&frame[ip..], 0);
    frame[ip + 10..ip + 12].copy_from_slice(&sum.to_be_bytes());
    ip + IP_LEN
}

fn finish(frame: &mut [u8], start: usize, offset: usize, pseudo: u32) {
    let sum = checksum(&frame[start..], pseudo);
    // All ones instead of zero: zero means none in UDP (RFC 768) and is the same number elsewhere.
    let sum = if sum == 0 { 0xffff } else { sum };
    frame[start + offset..start + offset + 2].copy_from_slice(&sum.to_be_bytes());
}

fn pseudo_header(envelope: &Envelope, protocol: u8, len: usize) -> u32 {
    let address = |a: Ipv4Addr| (u32::from(a) >> 16) + (u32::from(a) & 0xffff);
    address(envelope.from) + address(envelope.to) + u32::from(protocol) + len as u32
}

/// The Internet checksum (RFC 1071) of `bytes` on top of `initial`.
pub fn checksum(bytes: &[u8], initial: u32) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from));
    let mut sum = initial + words.sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A received IPv4 frame, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Its ends.
    pub envelope: Envelope,
    /// IP protocol number.
    pub protocol: u8,
    /// The IPv4 packet from its header on, without Ethernet padding.
    pub packet: &'a [u8],
    /// What follows the IPv4 header.
    pub transport: &'a [u8],
}

impl<'a> Received<'a> {
    /// `None` if the frame is not IPv4 or is shorter than its headers say. A frame cut off by capturing keeps what is
    /// there.
    pub fn parse(frame: &'a [u8]) -> Option<Self> {
        let mac = |at: usize| -> Option<[u8; 6]> { frame.get(at..at + 6)?.try_into().ok() };
        let word = |at: usize| -> Option<u16> { Some(u16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?)) };
        let (vlan, ip) = match word(12)? {
            0x8100 => (Some(word(14)? & 0xfff), 18),
            _ => (None, 14),
        };
        if word(ip - 2)? != 0x0800 || frame.get(ip)? >> 4 != 4 {
            return None;
        }
        let header = usize::from(frame[ip] & 0xf) * 4;
        let total = usize::from(word(ip + 2)?);
        let packet = frame.get(ip..(ip + total).min(frame.len()))?;
        let transport = packet.get(header..)?;
        let address = |at: usize| -> Option<Ipv4Addr> {
            let octets: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
            Some(Ipv4Addr::from(octets))
        };
        let envelope = Envelope {
            to_mac: mac(0)?,
            from_mac: mac(6)?,
            vlan,
            from: address(12)?,
            to: address(16)?,
            ttl: *packet.get(8)?,
        };
        Some(Self { envelope, protocol: packet[9], packet, transport })
    }

    /// The TCP header, if it is one and whole.
    pub fn tcp(&self) -> Option<Segment<'a>> {
        let t = self.transport;
        let len = usize::from(t.get(12)? >> 4) * 4;
        if self.protocol != 6 || len < 20 || t.len() < len {
            return None;
        }
        Some(Segment {
            from: self.word(0)?,
            to: self.word(2)?,
            sequence: self.long(4)?,
            acknowledged: self.long(8)?,
            flags: t[13] & 0x3f,
            window: self.word(14)?,
            options: &t[20..len],
            payload: &t[len..],
        })
    }

    /// How much data a TCP segment carried before it was cut off by capturing.
    pub fn tcp_payload_len(&self) -> Option<u32> {
        let total = u16::from_be_bytes(self.packet.get(2..4)?.try_into().ok()?);
        let headers = self.packet.len() - self.transport.len() + usize::from(self.transport.get(12)? >> 4) * 4;
        u32::from(total).checked_sub(headers as u32).filter(|_| self.protocol == 6)
    }

    /// Source port, destination port and payload, if it is UDP.
    pub fn udp(&self) -> Option<(u16, u16, &'a [u8])> {
        if self.protocol == 17 { Some((self.word(0)?, self.word(2)?, self.transport.get(8..)?)) } else { None }
    }

    /// Type, code, the four bytes after the checksum, and payload, if it is ICMP.
    pub fn icmp(&self) -> Option<(u8, u8, [u8; 4], &'a [u8])> {
        let t = self.transport;
        if self.protocol == 1 {
            Some((*t.first()?, *t.get(1)?, t.get(4..8)?.try_into().ok()?, t.get(8..)?))
        } else {
            None
        }
    }

    /// Whether every checksum is right. Frames cut off by capturing are not.
    pub fn verifies(&self) -> bool {
        let header = self.packet.len() - self.transport.len();
        let pseudo =
            if self.protocol == 1 { 0 } else { pseudo_header(&self.envelope, self.protocol, self.transport.len()) };
        checksum(&self.packet[..header], 0) == 0 && checksum(self.transport, pseudo) == 0
    }

    fn word(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(self.transport.get(at..at + 2)?.try_into().ok()?))
    }

    fn long(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.transport.get(at..at + 4)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(vlan: Option<u16>) -> Envelope {
        let (from, to) = (Ipv4Addr::new(20, 0, 0, 1), Ipv4Addr::new(20, 255, 0, 2));
        Envelope { from_mac: [2; 6], to_mac: [4; 6], vlan, from, to, ttl: 57 }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut frame = Vec::new();
        let options = [2, 4, 5, 0xb4];
        let segment = Segment {
            from: 80,
            to: 40_000,
            sequence: 7,
            acknowledged: 8,
            flags: SYN | ACK,
            window: 9,
            options: &options,
            payload: b"abc",
        };
        for vlan in [None, Some(42)] {
            write_tcp(&mut frame, &envelope(vlan), &segment);
            frame.extend([0; 6]);
            let received = Received::parse(&frame).unwrap();
            assert_eq!(received.envelope, envelope(vlan));
            assert_eq!(received.tcp().unwrap(), segment);
            assert_eq!(received.tcp_payload_len(), Some(3));
            assert!(received.verifies());
        }
        write_udp(&mut frame, &envelope(None), 53, 40_000, b"abc");
        let received = Received::parse(&frame).unwrap();
        assert_eq!(received.udp().unwrap(), (53, 40_000, &b"abc"[..]));
        assert!(received.verifies());
        write_icmp(&mut frame, &envelope(None), 0, 0, [1, 2, 3, 4], b"x");
        let received = Received::parse(&frame).unwrap();
        assert_eq!(received.icmp().unwrap(), (0, 0, [1, 2, 3, 4], &b"x"[..]));
        assert!(received.verifies());
    }

    #[test]
    fn every_truncation_is_survived() {
        let mut frame = Vec::new();
        write_tcp(&mut frame, &envelope(Some(3)), &Segment::default());
        for len in 0..frame.len() {
            let cut = Received::parse(&frame[..len]);
            assert!(cut.is_none_or(|cut| cut.tcp().is_none()));
        }
    }
}
