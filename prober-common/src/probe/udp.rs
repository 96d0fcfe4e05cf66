//! UDP datagrams whose service repeats 31 bits of our choice: DNS, NTP, SNMPv3, CoAP and STUN. 15 bits of the token are
//! the source port. For ICMP errors, which quote only the UDP header, the 32 others are **also** the IP identification
//! and the UDP checksum; a filler word in the payload makes the checksum come out as wanted.
//!
//! Services that repeat nothing cannot be verified without a table and are left to the banner grab.

mod payload;

pub use payload::Protocol;

use super::Echo;
use crate::checksum::Sum;
use crate::counter::Counter;
use crate::event::{ProbeKind, ReplyKind};
use crate::slot::ProbeSlot;
use crate::stamp::{PORT_BASE, Token};
use crate::template::{Path, TEMPLATE_CAPACITY, Template, patch_ip};
use crate::wire::{Frame, FrameMut, PROTOCOL_UDP, UDP_LEN};

/// The template for a protocol; `None` if it does not fit.
pub fn template(path: &Path, protocol: Protocol) -> Option<Template> {
    let payload = protocol.payload();
    let len = UDP_LEN + payload.len();
    let mut udp = [0; TEMPLATE_CAPACITY];
    udp[4..6].copy_from_slice(&(len as u16).to_be_bytes());
    udp.get_mut(UDP_LEN..len)?.copy_from_slice(payload);
    let mut template = Template::new(path, ProbeKind::Udp, PROTOCOL_UDP, 64, &udp[..len])?;
    // Routers may rewrite the identification of atomic datagrams (RFC 6864), and ours carries the token.
    let flags = usize::from(template.l3) + 6;
    template.frame[flags] = 0;
    template.sum_ip();
    template.protocol = protocol as u8;
    Some(template)
}

#[inline(always)]
pub(super) fn patch<F: FrameMut + ?Sized>(
    frame: &mut F,
    template: &Template,
    slot: ProbeSlot,
    token: Token,
) -> Option<()> {
    let l4 = template.l4();
    let (checksum, id) = ((token.nonce >> 16) as u16, token.nonce as u16);
    patch_ip(frame, template.l3 as usize, template.ip_sum, slot.address, id)?;
    frame.put_u16(l4, token.source_port())?;
    frame.put_u16(l4 + 2, slot.port)?;
    frame.put_u16(l4 + 6, checksum)?;
    let fixed = template.transport_sum.long(slot.address.0).word(token.source_port()).word(slot.port).word(checksum);
    let protocol = Protocol::from_code(template.protocol)?;
    let sum = protocol.put_nonce(frame, l4 + UDP_LEN, token.nonce, fixed)?;
    put_filler(frame, l4 + UDP_LEN + protocol.filler(), sum)
}

/// Writes the word that makes the datagram's checksum right; every filler stands at an even offset.
#[inline(always)]
fn put_filler<F: FrameMut + ?Sized>(frame: &mut F, at: usize, sum: Sum) -> Option<()> {
    frame.put_u16(at, sum.complement())
}

/// Reads a datagram at `l4` as an answer to ours.
#[inline(always)]
pub(crate) fn answer<F: Frame + ?Sized>(frame: &F, l4: usize) -> Result<Echo, Counter> {
    let port = frame.u16(l4).ok_or(Counter::Truncated)?;
    let ours = frame.u16(l4 + 2).ok_or(Counter::Truncated)?;
    frame.u32(l4 + 4).ok_or(Counter::Truncated)?;
    if ours & PORT_BASE == 0 {
        return Err(Counter::Foreign);
    }
    let protocol = Protocol::for_port(port).ok_or(Counter::Foreign)?;
    let nonce = protocol.read_nonce(frame, l4 + UDP_LEN).ok_or(Counter::Foreign)?;
    let token = Token { port_bits: ours & !PORT_BASE, nonce };
    Ok(Echo { port, token, kind: ReplyKind::UdpReply, detail: 0 })
}

/// Reads port and token of our datagram as an ICMP error quotes it: UDP header at `l4`, and the IP identification.
#[inline(always)]
pub(crate) fn quoted<F: Frame + ?Sized>(frame: &F, l4: usize, ip_id: u16) -> Result<(u16, Token), Counter> {
    let ours = frame.u16(l4).ok_or(Counter::Truncated)?;
    let port = frame.u16(l4 + 2).ok_or(Counter::Truncated)?;
    let checksum = frame.u16(l4 + 6).ok_or(Counter::Truncated)?;
    if ours & PORT_BASE == 0 {
        return Err(Counter::Foreign);
    }
    Ok((port, Token { port_bits: ours & !PORT_BASE, nonce: (u32::from(checksum) << 16) | u32::from(ip_id) }))
}
