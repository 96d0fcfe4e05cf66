//! The probe kinds. Each file writes its probe **and** recognises what comes back, so that the two cannot drift apart.

pub mod icmp_echo;
pub mod tcp_syn;
pub mod udp;

use crate::cookie::{Identity, Key};
use crate::event::{ProbeKind, ReplyKind};
use crate::slot::ProbeSlot;
use crate::stamp::{Tick, Token};
use crate::template::Template;
use crate::wire::{FrameMut, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP};

/// What a well-formed answer says about the probe that it answers. Not verified yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The probed port.
    pub port: u16,
    /// The token as it came back.
    pub token: Token,
    /// What kind of answer this is.
    pub kind: ReplyKind,
    /// See [`crate::event::ReplyEvent::detail`].
    pub detail: u16,
}

/// The IP protocol number that a probe kind travels in.
#[inline(always)]
pub const fn ip_protocol(kind: ProbeKind) -> u8 {
    match kind {
        ProbeKind::TcpSyn => PROTOCOL_TCP,
        ProbeKind::IcmpEcho => PROTOCOL_ICMP,
        ProbeKind::Udp => PROTOCOL_UDP,
    }
}

/// Patches `frame`, which already holds a copy of `template`, into the probe of `slot` sent at `now`.
/// `None` if the frame is shorter than the template says.
#[inline(always)]
pub fn write<F: FrameMut + ?Sized>(
    frame: &mut F,
    template: &Template,
    key: Key,
    slot: ProbeSlot,
    now: Tick,
) -> Option<()> {
    let (kind, tick) = match template.probe {
        0 => (ProbeKind::TcpSyn, now),
        1 => (ProbeKind::IcmpEcho, now),
        _ => (ProbeKind::Udp, now.even()),
    };
    let token = Token::new(
        key,
        Identity { target: slot.address, source: template.source, port: slot.port, protocol: ip_protocol(kind), tick },
    );
    match kind {
        ProbeKind::TcpSyn => tcp_syn::patch(frame, template, slot, token, tick),
        ProbeKind::IcmpEcho => icmp_echo::patch(frame, template, slot, token),
        ProbeKind::Udp => udp::patch(frame, template, slot, token),
    }
}
