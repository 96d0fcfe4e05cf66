//! TCP SYN: the token is source port and sequence number, which SYN-ACK, RST and ICMP errors repeat.
//! The connection is never completed.

use super::Echo;
use crate::checksum::Sum;
use crate::counter::Counter;
use crate::event::{ProbeKind, ReplyKind};
use crate::slot::ProbeSlot;
use crate::stamp::{PORT_BASE, Tick, Token};
use crate::template::{Path, Template, patch_ip};
use crate::verdict::Reply;
use crate::wire::{Frame, FrameMut, IPV4_LEN, PROTOCOL_TCP, TCP_ACK, TCP_FIN, TCP_LEN, TCP_RST, TCP_SYN};

/// Which system the SYN's options look like. Who answers depends on it: of IPv4 on port 80, 1.328 % answer to `mss`,
/// 1.330 % to `linux`, 1.331 % to `windows`, and 1.305 % to a SYN without options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Maximum segment size only.
    #[default]
    Mss,
    /// Options, window and TTL of Linux.
    Linux,
    /// Options, window and TTL of Windows.
    Windows,
}

/// Offset of TSval in the Linux profile's TCP header: after MSS (4), SACK permitted (2) and two bytes of its own.
const LINUX_TSVAL: usize = TCP_LEN + 8;

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Mss, Self::Linux, Self::Windows];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mss => "mss",
            Self::Linux => "linux",
            Self::Windows => "windows",
        }
    }

    const fn options(self) -> &'static [u8] {
        match self {
            Self::Mss => &[2, 4, 0x05, 0xb4],
            Self::Linux => &[2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7],
            Self::Windows => &[2, 4, 0x05, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2],
        }
    }

    const fn ttl(self) -> u8 {
        match self {
            Self::Mss | Self::Linux => 64,
            Self::Windows => 128,
        }
    }
}

/// The SYN's template; `None` if it does not fit (it always does).
pub fn template(path: &Path, profile: Profile) -> Option<Template> {
    let options = profile.options();
    let len = TCP_LEN + options.len();
    let mut tcp = [0; 60];
    tcp[12] = (len as u8 / 4) << 4;
    tcp[13] = TCP_SYN;
    tcp[14..16].copy_from_slice(&64_240_u16.to_be_bytes());
    tcp[TCP_LEN..len].copy_from_slice(options);
    let mut template = Template::new(path, ProbeKind::TcpSyn, PROTOCOL_TCP, profile.ttl(), &tcp[..len])?;
    if profile == Profile::Linux {
        template.extra = (template.l4() + LINUX_TSVAL) as u16;
    }
    Some(template)
}

#[inline(always)]
pub(super) fn patch<F: FrameMut + ?Sized>(
    frame: &mut F,
    template: &Template,
    slot: ProbeSlot,
    token: Token,
    tick: Tick,
) -> Option<()> {
    let l4 = template.l4();
    patch_ip(frame, template.l3 as usize, template.ip_sum, slot.address, 0)?;
    frame.put_u16(l4, token.source_port())?;
    frame.put_u16(l4 + 2, slot.port)?;
    frame.put_u32(l4 + 4, token.nonce)?;
    let mut sum =
        template.transport_sum.long(slot.address.0).word(token.source_port()).word(slot.port).long(token.nonce);
    if template.extra != 0 {
        // About milliseconds, as Linux counts its timestamps.
        let tsval = (tick.0 >> 7) as u32;
        frame.put_u32(template.extra as usize, tsval)?;
        sum = sum.long(tsval);
    }
    frame.put_u16(l4 + 16, sum.complement())
}

/// Reads a segment at `l4` as an answer to a SYN.
#[inline(always)]
pub(crate) fn answer<F: Frame + ?Sized>(frame: &F, l4: usize) -> Result<Echo, Counter> {
    let port = frame.u16(l4).ok_or(Counter::Truncated)?;
    let ours = frame.u16(l4 + 2).ok_or(Counter::Truncated)?;
    let acknowledged = frame.u32(l4 + 8).ok_or(Counter::Truncated)?;
    let header_words = frame.u8(l4 + 12).ok_or(Counter::Truncated)? >> 4;
    let flags = frame.u8(l4 + 13).ok_or(Counter::Truncated)? & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);
    let window = frame.u16(l4 + 14).ok_or(Counter::Truncated)?;
    // Reading the last word of the header proves that all of it is there.
    frame.u32(l4 + 16).ok_or(Counter::Truncated)?;
    if header_words < 5 || ours & PORT_BASE == 0 {
        return Err(Counter::Foreign);
    }
    let kind = if flags == TCP_SYN | TCP_ACK {
        ReplyKind::SynAck
    } else if flags == TCP_RST | TCP_ACK {
        ReplyKind::Rst
    } else {
        return Err(Counter::Foreign);
    };
    // Both acknowledge the SYN, which occupies one sequence number (RFC 9293, 3.10.7).
    let token = Token { port_bits: ours & !PORT_BASE, nonce: acknowledged.wrapping_sub(1) };
    Ok(Echo { port, token, kind, detail: window })
}

/// Reads port and token of our SYN as an ICMP error quotes it: its first eight bytes at `l4`.
#[inline(always)]
pub(crate) fn quoted<F: Frame + ?Sized>(frame: &F, l4: usize) -> Result<(u16, Token), Counter> {
    let ours = frame.u16(l4).ok_or(Counter::Truncated)?;
    let port = frame.u16(l4 + 2).ok_or(Counter::Truncated)?;
    let nonce = frame.u32(l4 + 4).ok_or(Counter::Truncated)?;
    if ours & PORT_BASE == 0 {
        return Err(Counter::Foreign);
    }
    Ok((port, Token { port_bits: ours & !PORT_BASE, nonce }))
}

/// Rewrites an accepted SYN-ACK in place into the RST that answers it (RFC 9293, 3.10.7.3: sequence number as
/// acknowledged, no data) and returns the length of the frame that results. What follows it is to be cut off.
#[inline(always)]
pub fn write_reset<F: Frame + FrameMut + ?Sized>(frame: &mut F, reply: &Reply) -> Option<usize> {
    let (ip, tcp) = (reply.l3, reply.l3 + IPV4_LEN);
    let destination_mac = (frame.u32(0)?, frame.u16(4)?);
    let source_mac = (frame.u32(6)?, frame.u16(10)?);
    frame.put_u32(0, source_mac.0)?;
    frame.put_u16(4, source_mac.1)?;
    frame.put_u32(6, destination_mac.0)?;
    frame.put_u16(10, destination_mac.1)?;

    let (peer, ours) = (frame.u32(ip + 12)?, frame.u32(ip + 16)?);
    let (peer_port, our_port) = (frame.u16(reply.l4)?, frame.u16(reply.l4 + 2)?);
    let sequence = frame.u32(reply.l4 + 8)?;
    let ip_sum = Sum::default().word(0x4500).word(40).word(0x4000).word(0x4000 | u16::from(PROTOCOL_TCP));
    frame.put_u32(ip, 0x4500_0028)?;
    frame.put_u32(ip + 4, 0x0000_4000)?;
    frame.put_u16(ip + 8, 0x4000 | u16::from(PROTOCOL_TCP))?;
    frame.put_u16(ip + 10, ip_sum.long(ours).long(peer).complement())?;
    frame.put_u32(ip + 12, ours)?;
    frame.put_u32(ip + 16, peer)?;

    let flags = 0x5000 | u16::from(TCP_RST);
    let sum = Sum::default().long(ours).long(peer).word(u16::from(PROTOCOL_TCP)).word(TCP_LEN as u16);
    frame.put_u16(tcp, our_port)?;
    frame.put_u16(tcp + 2, peer_port)?;
    frame.put_u32(tcp + 4, sequence)?;
    frame.put_u32(tcp + 8, 0)?;
    frame.put_u32(tcp + 12, u32::from(flags) << 16)?;
    frame.put_u16(tcp + 16, sum.word(our_port).word(peer_port).long(sequence).word(flags).complement())?;
    frame.put_u16(tcp + 18, 0)?;
    Some(tcp + TCP_LEN)
}
