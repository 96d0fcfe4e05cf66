//! ICMP echo request: 32 bits of the token are identifier and sequence number. The other 15 are the **checksum**, which an
//! ICMP error still quotes (it may quote no more than eight bytes of ours); a filler word in the payload makes the
//! checksum come out as wanted, and the first payload word repeats the bits for the echo reply.

use super::Echo;
use crate::checksum::Sum;
use crate::counter::Counter;
use crate::event::{ProbeKind, ReplyKind};
use crate::slot::ProbeSlot;
use crate::stamp::{PORT_BASE, Token};
use crate::template::{Path, Template, patch_ip};
use crate::wire::{Frame, FrameMut, ICMP_ECHO, ICMP_LEN, PROTOCOL_ICMP};

/// Payload before the contact text: token bits, filler.
const PAYLOAD_LEN: usize = 4;
/// Longest contact text that is carried, in bytes.
pub const CONTACT_MAX: usize = 64;

/// The echo request's template. `contact` says who we are (cut after [`CONTACT_MAX`] bytes); `None` if it does not fit.
pub fn template(path: &Path, contact: &[u8]) -> Option<Template> {
    let contact = &contact[..contact.len().min(CONTACT_MAX)];
    let start = ICMP_LEN + PAYLOAD_LEN;
    let mut icmp = [0; ICMP_LEN + PAYLOAD_LEN + CONTACT_MAX];
    icmp[0] = ICMP_ECHO;
    icmp[start..start + contact.len()].copy_from_slice(contact);
    let icmp = &icmp[..start + contact.len()];
    let mut template = Template::new(path, ProbeKind::IcmpEcho, PROTOCOL_ICMP, 64, icmp)?;
    template.transport_sum = Sum::default().bytes(icmp);
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
    patch_ip(frame, template.l3 as usize, template.ip_sum, slot.address, 0)?;
    frame.put_u16(l4 + 2, token.port_bits)?;
    frame.put_u32(l4 + 4, token.nonce)?;
    frame.put_u16(l4 + ICMP_LEN, token.port_bits)?;
    // Checksum and payload hold the same word, so it counts twice.
    let filler = template.transport_sum.word(token.port_bits).word(token.port_bits).long(token.nonce).complement();
    frame.put_u16(l4 + ICMP_LEN + 2, filler)
}

/// Reads an echo reply at `l4`.
#[inline(always)]
pub(crate) fn answer<F: Frame + ?Sized>(frame: &F, l4: usize) -> Result<Echo, Counter> {
    let nonce = frame.u32(l4 + 4).ok_or(Counter::Truncated)?;
    let port_bits = frame.u16(l4 + ICMP_LEN).ok_or(Counter::Foreign)?;
    if port_bits & PORT_BASE != 0 {
        return Err(Counter::Foreign);
    }
    Ok(Echo { port: 0, token: Token { port_bits, nonce }, kind: ReplyKind::EchoReply, detail: 0 })
}

/// Reads the token of our echo request as an ICMP error quotes it: its first eight bytes at `l4`.
#[inline(always)]
pub(crate) fn quoted<F: Frame + ?Sized>(frame: &F, l4: usize) -> Result<(u16, Token), Counter> {
    let kind = frame.u8(l4).ok_or(Counter::Truncated)?;
    let port_bits = frame.u16(l4 + 2).ok_or(Counter::Truncated)?;
    let nonce = frame.u32(l4 + 4).ok_or(Counter::Truncated)?;
    if kind != ICMP_ECHO || port_bits & PORT_BASE != 0 {
        return Err(Counter::Foreign);
    }
    Ok((0, Token { port_bits, nonce }))
}
