//! Offsets and numbers of the headers we write and read, and bounds-checked access to a frame's bytes.
//! Every value is in host order once read.

/// Length of an Ethernet header without a VLAN tag.
pub const ETHERNET_LEN: usize = 14;
/// Length of an 802.1Q tag.
pub const VLAN_TAG_LEN: usize = 4;
/// Length of an IPv4 header without options; our probes have none.
pub const IPV4_LEN: usize = 20;
/// Length of a TCP header without options.
pub const TCP_LEN: usize = 20;
/// Length of a UDP header.
pub const UDP_LEN: usize = 8;
/// Length of an ICMP header.
pub const ICMP_LEN: usize = 8;

/// EtherType of IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// EtherType of an 802.1Q tag.
pub const ETHERTYPE_VLAN: u16 = 0x8100;

/// IP protocol numbers.
pub const PROTOCOL_ICMP: u8 = 1;
/// TCP.
pub const PROTOCOL_TCP: u8 = 6;
/// UDP.
pub const PROTOCOL_UDP: u8 = 17;

/// TCP flag bits.
pub const TCP_FIN: u8 = 0x01;
/// SYN.
pub const TCP_SYN: u8 = 0x02;
/// RST.
pub const TCP_RST: u8 = 0x04;
/// ACK.
pub const TCP_ACK: u8 = 0x10;

/// ICMP types.
pub const ICMP_ECHO_REPLY: u8 = 0;
/// Destination unreachable.
pub const ICMP_UNREACHABLE: u8 = 3;
/// Source quench (RFC 6633: deprecated, still seen).
pub const ICMP_SOURCE_QUENCH: u8 = 4;
/// Redirect.
pub const ICMP_REDIRECT: u8 = 5;
/// Echo request.
pub const ICMP_ECHO: u8 = 8;
/// Time exceeded.
pub const ICMP_TIME_EXCEEDED: u8 = 11;
/// Parameter problem.
pub const ICMP_PARAMETER_PROBLEM: u8 = 12;

/// A received frame. Reads beyond its end are `None`, never a panic: that is what the kernel's verifier wants to see.
pub trait Frame {
    /// Bytes in the frame.
    fn len(&self) -> usize;
    /// The byte at `offset`.
    fn u8(&self, offset: usize) -> Option<u8>;
    /// The big-endian 16-bit value at `offset`.
    fn u16(&self, offset: usize) -> Option<u16>;
    /// The big-endian 32-bit value at `offset`.
    fn u32(&self, offset: usize) -> Option<u32>;
    /// Whether the frame has no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Frame for [u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }
    fn u8(&self, offset: usize) -> Option<u8> {
        self.get(offset).copied()
    }
    fn u16(&self, offset: usize) -> Option<u16> {
        Some(u16::from_be_bytes(*self.get(offset..)?.first_chunk()?))
    }
    fn u32(&self, offset: usize) -> Option<u32> {
        Some(u32::from_be_bytes(*self.get(offset..)?.first_chunk()?))
    }
}

/// A frame being written. A write beyond the end is refused and reported as `None`.
pub trait FrameMut {
    /// Writes a byte.
    fn put_u8(&mut self, offset: usize, value: u8) -> Option<()>;
    /// Writes a big-endian 16-bit value.
    fn put_u16(&mut self, offset: usize, value: u16) -> Option<()>;
    /// Writes a big-endian 32-bit value.
    fn put_u32(&mut self, offset: usize, value: u32) -> Option<()>;
}

impl FrameMut for [u8] {
    #[inline(always)]
    fn put_u8(&mut self, offset: usize, value: u8) -> Option<()> {
        *self.get_mut(offset)? = value;
        Some(())
    }
    #[inline(always)]
    fn put_u16(&mut self, offset: usize, value: u16) -> Option<()> {
        *self.get_mut(offset..)?.first_chunk_mut()? = value.to_be_bytes();
        Some(())
    }
    #[inline(always)]
    fn put_u32(&mut self, offset: usize, value: u32) -> Option<()> {
        *self.get_mut(offset..)?.first_chunk_mut()? = value.to_be_bytes();
        Some(())
    }
}
