//! A frame's headers, found once and with every access checked against the frame's end. Addresses inside are pointers
//! into the packet that the verifier has already accepted; the lab understands IPv4 without options, with or without
//! one 802.1Q tag.

use aya_ebpf::programs::XdpContext;
use prober_common::address::V4;

pub const IPV4_LEN: usize = 20;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_VLAN: u16 = 0x8100;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not IPv4 (ARP, IPv6), or for an address of the kernel's.
    ForKernel,
    Syn,
    Rst,
    TcpOther,
    Echo,
    IcmpOther,
    Udp,
    Other,
    Truncated,
}

/// What the programs need of a frame.
pub struct Packet {
    pub kind: Kind,
    /// Length of the frame.
    pub len: usize,
    /// Start of the frame.
    pub ethernet: *mut u8,
    /// Start of the IPv4 header; at least 20 bytes are there, except for `ForKernel` and `Truncated`.
    pub ip: *mut u8,
    /// End of the frame.
    pub end: *mut u8,
    pub destination: V4,
    /// Destination port; 0 for ICMP.
    pub port: u16,
}

impl Packet {
    #[inline(always)]
    pub fn parse(ctx: &XdpContext) -> Self {
        let ethernet = ctx.data() as *mut u8;
        let end = ctx.data_end() as *mut u8;
        let mut packet = Self {
            kind: Kind::Truncated,
            len: ctx.data_end() - ctx.data(),
            ethernet,
            ip: ethernet,
            end,
            destination: V4(0),
            port: 0,
        };
        let _ = packet.read();
        packet
    }

    #[inline(always)]
    fn read(&mut self) -> Option<()> {
        let mut ethertype = be16(self.ethernet, 12, self.end)?;
        self.ip = self.ethernet.wrapping_add(14);
        if ethertype == ETHERTYPE_VLAN {
            ethertype = be16(self.ethernet, 16, self.end)?;
            self.ip = self.ethernet.wrapping_add(18);
        }
        if ethertype != ETHERTYPE_IPV4 {
            self.kind = Kind::ForKernel;
            return Some(());
        }
        let ip = self.ip;
        self.destination = V4(be32(ip, 16, self.end)?);
        let fragment = be16(ip, 6, self.end)? & 0x3fff;
        if byte(ip, 0, self.end)? != 0x45 || fragment != 0 {
            self.kind = Kind::Other;
            return Some(());
        }
        let l4 = ip.wrapping_add(IPV4_LEN);
        self.kind = match byte(ip, 9, self.end)? {
            6 => {
                let flags = byte(l4, 13, self.end)?;
                // All of the fixed header.
                byte(l4, 19, self.end)?;
                self.port = be16(l4, 2, self.end)?;
                match flags & (SYN | ACK | RST) {
                    SYN => Kind::Syn,
                    both if both & RST != 0 => Kind::Rst,
                    _ => Kind::TcpOther,
                }
            }
            1 => {
                byte(l4, 7, self.end)?;
                if byte(l4, 0, self.end)? == 8 { Kind::Echo } else { Kind::IcmpOther }
            }
            17 => {
                byte(l4, 7, self.end)?;
                self.port = be16(l4, 2, self.end)?;
                Kind::Udp
            }
            _ => Kind::Other,
        };
        Some(())
    }
}

#[inline(always)]
pub fn byte(base: *mut u8, offset: usize, end: *mut u8) -> Option<u8> {
    let at = base.wrapping_add(offset);
    if at.wrapping_add(1) > end {
        return None;
    }
    // SAFETY: inside the frame, as just checked.
    Some(unsafe { *at })
}

#[inline(always)]
pub fn be16(base: *mut u8, offset: usize, end: *mut u8) -> Option<u16> {
    let at = base.wrapping_add(offset);
    if at.wrapping_add(2) > end {
        return None;
    }
    // SAFETY: inside the frame, as just checked.
    Some(u16::from_be(unsafe { at.cast::<u16>().read_unaligned() }))
}

#[inline(always)]
pub fn be32(base: *mut u8, offset: usize, end: *mut u8) -> Option<u32> {
    let at = base.wrapping_add(offset);
    if at.wrapping_add(4) > end {
        return None;
    }
    // SAFETY: inside the frame, as just checked.
    Some(u32::from_be(unsafe { at.cast::<u32>().read_unaligned() }))
}
