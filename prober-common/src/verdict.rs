//! Is this frame a reply to one of our probes? One pure function, run by the kernel on every frame and by the tests on the
//! host. It touches no state: what a reply needs to prove itself is in the reply.
//!
//! Checksums are not checked here: the network card, or the kernel for frames passed up, has done or will do that, and
//! a damaged token does not verify.

use crate::address::V4;
use crate::cookie::{Identity, Key, cookie};
use crate::counter::Counter;
use crate::event::{ProbeKind, ReplyEvent, ReplyKind};
use crate::probe::{Echo, icmp_echo, ip_protocol, tcp_syn, udp};
use crate::rules::Rules;
use crate::stamp::{TICK_NS, Tick, Token, rtt_ns};
use crate::wire::{
    ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_VLAN, Frame, ICMP_ECHO_REPLY, ICMP_LEN, ICMP_PARAMETER_PROBLEM,
    ICMP_REDIRECT, ICMP_SOURCE_QUENCH, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, IPV4_LEN, PROTOCOL_ICMP, PROTOCOL_TCP,
    PROTOCOL_UDP, TCP_LEN, UDP_LEN, VLAN_TAG_LEN,
};

/// A verified reply and where its IPv4 header starts (14, or 18 behind a VLAN tag).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What user space gets.
    pub event: ReplyEvent,
    /// Offset of the IPv4 header.
    pub l3: usize,
    /// Offset of the transport header.
    pub l4: usize,
}

/// Decides on a frame that arrived at `now_ns` (`CLOCK_MONOTONIC`).
///
/// `Err` carries the reason why the frame is not ours; such a frame passes untouched.
#[inline(always)]
pub fn classify<F: Frame + ?Sized>(frame: &F, rules: &Rules, now_ns: u64) -> Result<Reply, Counter> {
    let ip = Ipv4::read(frame)?;
    if ip.destination != rules.source {
        return Err(Counter::NotOurAddress);
    }
    // Link-layer padding after a cut datagram must not be read as headers.
    if ip.payload_len < transport_len(ip.protocol) {
        return Err(Counter::Truncated);
    }
    let (echo, probe, quote) = match ip.protocol {
        PROTOCOL_TCP => (tcp_syn::answer(frame, ip.l4)?, ProbeKind::TcpSyn, None),
        PROTOCOL_UDP => (udp::answer(frame, ip.l4)?, ProbeKind::Udp, None),
        PROTOCOL_ICMP => icmp(frame, ip.l4, rules.source)?,
        _ => return Err(Counter::Foreign),
    };
    let (target, quoted_ttl) = match quote {
        Some(quote) => (quote.target, quote.ttl),
        None => (ip.source, 0),
    };
    let sent = verify(rules, target, probe, &echo, Tick::at(now_ns)).ok_or(Counter::BadToken)?;
    let resolution = if matches!(probe, ProbeKind::Udp) { 2 * TICK_NS } else { TICK_NS };
    let event = ReplyEvent {
        received_ns: now_ns,
        rtt_ns: rtt_ns(sent, now_ns, resolution),
        target,
        responder: ip.source,
        port: echo.port,
        detail: echo.detail,
        kind: echo.kind as u8,
        probe: probe as u8,
        ttl: ip.ttl,
        quoted_ttl,
    };
    Ok(Reply { event, l3: ip.l3, l4: ip.l4 })
}

/// When the probe was sent, if the token is genuine and not too old.
#[inline(always)]
fn verify(rules: &Rules, target: V4, probe: ProbeKind, echo: &Echo, now: Tick) -> Option<Tick> {
    let tick = echo.token.sent(now);
    let identity = Identity { target, source: rules.source, port: echo.port, protocol: ip_protocol(probe), tick };
    let genuine = token_matches(rules.key, identity, echo.token);
    // Soon after boot the token's bits can name a time before it, when nothing was sent.
    (genuine && tick <= now && now.0 - tick.0 <= u64::from(rules.max_age_ticks)).then_some(tick)
}

#[inline(always)]
fn token_matches(key: Key, identity: Identity, token: Token) -> bool {
    cookie(key, identity) == token.nonce >> 8
}

#[inline(always)]
const fn transport_len(protocol: u8) -> usize {
    match protocol {
        PROTOCOL_TCP => TCP_LEN,
        PROTOCOL_UDP => UDP_LEN,
        PROTOCOL_ICMP => ICMP_LEN,
        _ => 0,
    }
}

/// The part of an IPv4 header that matters.
struct Ipv4 {
    l3: usize,
    l4: usize,
    payload_len: usize,
    source: V4,
    destination: V4,
    protocol: u8,
    ttl: u8,
}

impl Ipv4 {
    #[inline(always)]
    fn read<F: Frame + ?Sized>(frame: &F) -> Result<Self, Counter> {
        let mut l3 = ETHERNET_LEN;
        let mut ethertype = frame.u16(12).ok_or(Counter::Truncated)?;
        if ethertype == ETHERTYPE_VLAN {
            ethertype = frame.u16(16).ok_or(Counter::Truncated)?;
            l3 += VLAN_TAG_LEN;
        }
        if ethertype != ETHERTYPE_IPV4 {
            return Err(Counter::NotIpv4);
        }
        let first = frame.u8(l3).ok_or(Counter::Truncated)?;
        let header = usize::from(first & 0xf) * 4;
        if first >> 4 != 4 || header < IPV4_LEN {
            return Err(Counter::NotIpv4);
        }
        let total = frame.u16(l3 + 2).ok_or(Counter::Truncated)?;
        let fragment = frame.u16(l3 + 6).ok_or(Counter::Truncated)?;
        let ttl = frame.u8(l3 + 8).ok_or(Counter::Truncated)?;
        let protocol = frame.u8(l3 + 9).ok_or(Counter::Truncated)?;
        let source = frame.u32(l3 + 12).ok_or(Counter::Truncated)?;
        let destination = frame.u32(l3 + 16).ok_or(Counter::Truncated)?;
        let total = usize::from(total);
        if total < header || frame.len() < l3 + total {
            return Err(Counter::Truncated);
        }
        // More fragments, or an offset.
        if fragment & 0x3fff != 0 {
            return Err(Counter::Fragment);
        }
        Ok(Self {
            l3,
            l4: l3 + header,
            payload_len: total - header,
            source: V4(source),
            destination: V4(destination),
            protocol,
            ttl,
        })
    }
}

/// Our probe as an ICMP error quotes it.
#[derive(Clone, Copy)]
struct Quote {
    target: V4,
    ttl: u8,
}

#[inline(always)]
fn icmp<F: Frame + ?Sized>(frame: &F, l4: usize, ours: V4) -> Result<(Echo, ProbeKind, Option<Quote>), Counter> {
    let kind = frame.u8(l4).ok_or(Counter::Truncated)?;
    let code = frame.u8(l4 + 1).ok_or(Counter::Truncated)?;
    frame.u32(l4 + 4).ok_or(Counter::Truncated)?;
    let reply = match kind {
        ICMP_ECHO_REPLY => return Ok((icmp_echo::answer(frame, l4)?, ProbeKind::IcmpEcho, None)),
        ICMP_UNREACHABLE => ReplyKind::Unreachable,
        ICMP_TIME_EXCEEDED => ReplyKind::TimeExceeded,
        ICMP_SOURCE_QUENCH | ICMP_REDIRECT | ICMP_PARAMETER_PROBLEM => ReplyKind::IcmpOther,
        _ => return Err(Counter::Foreign),
    };
    let (port, token, probe, quote) = quoted(frame, l4 + ICMP_LEN, ours)?;
    let detail = (u16::from(kind) << 8) | u16::from(code);
    Ok((Echo { port, token, kind: reply, detail }, probe, Some(quote)))
}

/// Reads the quoted packet at `ip`: RFC 792 promises its header and eight bytes more.
#[inline(always)]
fn quoted<F: Frame + ?Sized>(frame: &F, ip: usize, ours: V4) -> Result<(u16, Token, ProbeKind, Quote), Counter> {
    let first = frame.u8(ip).ok_or(Counter::Truncated)?;
    let header = usize::from(first & 0xf) * 4;
    let id = frame.u16(ip + 4).ok_or(Counter::Truncated)?;
    let ttl = frame.u8(ip + 8).ok_or(Counter::Truncated)?;
    let protocol = frame.u8(ip + 9).ok_or(Counter::Truncated)?;
    let source = frame.u32(ip + 12).ok_or(Counter::Truncated)?;
    let target = V4(frame.u32(ip + 16).ok_or(Counter::Truncated)?);
    if first >> 4 != 4 || header < IPV4_LEN || V4(source) != ours {
        return Err(Counter::Foreign);
    }
    let l4 = ip + header;
    let ((port, token), probe) = match protocol {
        PROTOCOL_TCP => (tcp_syn::quoted(frame, l4)?, ProbeKind::TcpSyn),
        PROTOCOL_ICMP => (icmp_echo::quoted(frame, l4)?, ProbeKind::IcmpEcho),
        PROTOCOL_UDP => (udp::quoted(frame, l4, id)?, ProbeKind::Udp),
        _ => return Err(Counter::Foreign),
    };
    Ok((port, token, probe, Quote { target, ttl }))
}
