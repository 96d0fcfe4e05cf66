//! Payloads of the UDP probes, one per service: what is sent, where the token goes in, where it comes back.

use crate::checksum::Sum;
use crate::wire::{Frame, FrameMut};

/// A service whose answers repeat a token. The numbers index templates; keep them dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Protocol {
    /// DNS: a CHAOS TXT question below `version.bind`, not recursive; every server repeats the question.
    Dns = 0,
    /// NTP client request; the transmit time comes back as originate time (RFC 5905).
    Ntp = 1,
    /// SNMPv3 engine discovery (RFC 3414, 4); the report repeats the message identifier.
    Snmp = 2,
    /// CoAP `GET /.well-known/core`; the token comes back (RFC 7252, 5.3.1).
    Coap = 3,
    /// STUN binding request; the transaction identifier comes back (RFC 8489, 5).
    Stun = 4,
}

/// Header (12 bytes: filler as identifier, no recursion, one question), label of eight token letters, `version.bind`,
/// TXT, CHAOS.
const DNS: &[u8] = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x08aaaaaaaa\x07version\x04bind\0\0\x10\0\x03";
/// Version 4, client; the transmit timestamp (last eight bytes) is token, filler, zero.
const NTP: &[u8] = &{
    let mut ntp = [0; 48];
    ntp[0] = 0x23;
    ntp
};
/// Message identifier at 9..13; the request identifier's last two bytes are the filler. Reportable, no user, no secret.
const SNMP: &[u8] = &[
    0x30, 0x3e, 0x02, 0x01, 0x03, // version 3
    0x30, 0x11, 0x02, 0x04, 0, 0, 0, 0, // message identifier
    0x02, 0x03, 0x00, 0xff, 0xe3, 0x04, 0x01, 0x04, 0x02, 0x01,
    0x03, // size 65507, reportable, user-based security
    0x04, 0x10, 0x30, 0x0e, 0x04, 0, 0x02, 0x01, 0, 0x02, 0x01, 0, 0x04, 0, 0x04, 0, 0x04,
    0, // empty engine and user
    0x30, 0x14, 0x04, 0, 0x04, 0, // empty context
    0xa0, 0x0e, 0x02, 0x04, 0x40, 0, 0, 0, // get; request identifier
    0x02, 0x01, 0, 0x02, 0x01, 0, 0x30, 0, // no error, no variables
];
/// Confirmable GET, token of eight bytes (token, filler, zero), Uri-Path `.well-known`, `core`.
const COAP: &[u8] = b"\x48\x01\x70\x72\0\0\0\0\0\0\0\0\xbb.well-known\x04core";
/// Binding request without attributes; transaction identifier is token, filler, zero.
const STUN: &[u8] = b"\0\x01\0\0\x21\x12\xa4\x42\0\0\0\0\0\0\0\0\0\0\0\0";

impl Protocol {
    /// Every protocol, in template order.
    pub const ALL: [Self; 5] = [Self::Dns, Self::Ntp, Self::Snmp, Self::Coap, Self::Stun];

    /// The protocol with this number.
    #[inline(always)]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Dns),
            1 => Some(Self::Ntp),
            2 => Some(Self::Snmp),
            3 => Some(Self::Coap),
            4 => Some(Self::Stun),
            _ => None,
        }
    }

    /// The protocol probed on a UDP port; ports without one are not probed.
    #[inline(always)]
    pub const fn for_port(port: u16) -> Option<Self> {
        match port {
            53 => Some(Self::Dns),
            123 => Some(Self::Ntp),
            161 => Some(Self::Snmp),
            5683 => Some(Self::Coap),
            3478 => Some(Self::Stun),
            _ => None,
        }
    }

    /// The UDP ports that can be probed.
    pub const PORTS: [u16; 5] = [53, 123, 161, 5683, 3478];

    pub(super) const fn payload(self) -> &'static [u8] {
        match self {
            Self::Dns => DNS,
            Self::Ntp => NTP,
            Self::Snmp => SNMP,
            Self::Coap => COAP,
            Self::Stun => STUN,
        }
    }

    /// Offset of the free word that evens out the checksum.
    #[inline(always)]
    pub(super) const fn filler(self) -> usize {
        match self {
            Self::Dns => 0,
            Self::Ntp => 44,
            Self::Snmp => 54,
            Self::Coap => 8,
            Self::Stun => 12,
        }
    }

    /// Offset of the token in our payload.
    #[inline(always)]
    const fn token(self) -> usize {
        match self {
            Self::Dns => 13,
            Self::Ntp => 40,
            Self::Snmp => 9,
            Self::Coap => 4,
            Self::Stun => 8,
        }
    }

    /// Writes the nonce into the payload at `payload` and returns `sum` with what was written added.
    #[inline(always)]
    pub(super) fn put_nonce<F: FrameMut + ?Sized>(
        self,
        frame: &mut F,
        payload: usize,
        nonce: u32,
        sum: Sum,
    ) -> Option<Sum> {
        let at = self.token();
        match self {
            Self::Dns => put_letters(frame, payload, at, nonce, sum),
            Self::Snmp => {
                frame.put_u32(payload + at, nonce >> 1)?;
                // An odd offset: the bytes count in the other halves of their words.
                Some(sum.long((nonce >> 1).rotate_right(8)))
            }
            Self::Ntp | Self::Coap | Self::Stun => {
                frame.put_u32(payload + at, nonce)?;
                Some(sum.long(nonce))
            }
        }
    }

    /// Reads the nonce from an answer's payload; `None` if the answer does not repeat one.
    #[inline(always)]
    pub(super) fn read_nonce<F: Frame + ?Sized>(self, frame: &F, payload: usize) -> Option<u32> {
        match self {
            Self::Dns => read_letters(frame, payload + 13),
            // Server mode, and our transmit time as originate time.
            Self::Ntp if frame.u8(payload)? & 7 == 4 => frame.u32(payload + 24),
            // An acknowledgement or separate response whose token has our length.
            Self::Coap if frame.u8(payload)? & 0xcf == 0x48 => frame.u32(payload + 4),
            Self::Stun if frame.u8(payload)? == 1 => frame.u32(payload + 8),
            Self::Snmp => read_message_id(frame, payload),
            Self::Ntp | Self::Coap | Self::Stun => None,
        }
    }
}

/// The nonce as eight letters `a`..`p`. Added up by the template were eight `a`s, so only the differences count.
#[inline(always)]
fn put_letters<F: FrameMut + ?Sized>(frame: &mut F, payload: usize, at: usize, nonce: u32, sum: Sum) -> Option<Sum> {
    let mut sum = sum;
    let mut i = 0;
    while i < 8 {
        let nibble = ((nonce >> (28 - 4 * i)) & 0xf) as u8;
        frame.put_u8(payload + at + i, b'a' + nibble)?;
        sum = sum.byte(at + i, nibble);
        i += 1;
    }
    Some(sum)
}

#[inline(always)]
fn read_letters<F: Frame + ?Sized>(frame: &F, at: usize) -> Option<u32> {
    let mut nonce = 0;
    let mut i = 0;
    while i < 8 {
        // Case may change on the way (RFC 1035, 2.3.3).
        let nibble = (frame.u8(at + i)? | 0x20).wrapping_sub(b'a');
        if nibble > 15 {
            return None;
        }
        nonce = (nonce << 4) | u32::from(nibble);
        i += 1;
    }
    Some(nonce)
}

/// The message identifier of an SNMPv3 message: BER lengths vary, and leading zero bytes of the number are left out.
#[inline(always)]
fn read_message_id<F: Frame + ?Sized>(frame: &F, payload: usize) -> Option<u32> {
    let version = sequence(frame, payload)?;
    if frame.u16(version)? != 0x0201 || frame.u8(version + 2)? != 3 {
        return None;
    }
    let id = sequence(frame, version + 3)?;
    if frame.u8(id)? != 2 {
        return None;
    }
    let value = match frame.u8(id + 1)? {
        4 => frame.u32(id + 2)?,
        3 => (u32::from(frame.u8(id + 2)?) << 16) | u32::from(frame.u16(id + 3)?),
        2 => u32::from(frame.u16(id + 2)?),
        1 => u32::from(frame.u8(id + 2)?),
        _ => return None,
    };
    // Ours are positive (31 bits).
    (value >> 31 == 0).then_some(value << 1)
}

/// Offset of the first element inside a BER sequence at `at`.
#[inline(always)]
fn sequence<F: Frame + ?Sized>(frame: &F, at: usize) -> Option<usize> {
    if frame.u8(at)? != 0x30 {
        return None;
    }
    match frame.u8(at + 1)? {
        0..=0x7f => Some(at + 2),
        0x81 => Some(at + 3),
        0x82 => Some(at + 4),
        0x83 => Some(at + 5),
        0x84 => Some(at + 6),
        _ => None,
    }
}
