//! A complete probe frame with the per-probe fields left zero, and the sums of all that is constant. Writing a probe is
//! copying the template and patching a few fields; the same structure feeds user space and the kernel's writer.

use crate::address::V4;
use crate::checksum::Sum;
use crate::event::ProbeKind;
use crate::wire::{ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_VLAN, FrameMut, IPV4_LEN, VLAN_TAG_LEN};

/// Room for a frame, a multiple of eight.
pub const TEMPLATE_CAPACITY: usize = 160;
/// Templates a scan can use at once: TCP, ICMP and each UDP protocol; a power of two.
pub const TEMPLATES_MAX: usize = 8;

/// Everything below our probe's transport header that is the same for a whole scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Our MAC address.
    pub source_mac: [u8; 6],
    /// The next hop's MAC address.
    pub gateway_mac: [u8; 6],
    /// 802.1Q VLAN identifier (and priority bits), if frames are tagged.
    pub vlan: Option<u16>,
    /// Our address.
    pub source: V4,
    /// Initial TTL; `None` leaves it to the probe (64, Windows profile 128).
    pub ttl: Option<u8>,
}

/// A frame to copy and patch.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Template {
    /// The frame; bytes beyond `len` are zero.
    pub frame: [u8; TEMPLATE_CAPACITY],
    /// Sum over the constant part of the IPv4 header.
    pub ip_sum: Sum,
    /// Sum over the constant part of pseudo-header, transport header and payload.
    pub transport_sum: Sum,
    /// Our address.
    pub source: V4,
    /// Length of the frame in bytes.
    pub len: u16,
    /// Offset of the IPv4 header: 14, or 18 with a VLAN tag.
    pub l3: u16,
    /// Offset of the field that this template's probe patches besides the common ones; 0 if none.
    pub extra: u16,
    /// [`ProbeKind`] as its number.
    pub probe: u8,
    /// UDP: [`crate::probe::udp::Protocol`] as its number.
    pub protocol: u8,
}

const _: () = assert!(size_of::<Template>() == TEMPLATE_CAPACITY + 20 && align_of::<Template>() == 4);

impl Default for Template {
    fn default() -> Self {
        Self {
            frame: [0; TEMPLATE_CAPACITY],
            ip_sum: Sum(0),
            transport_sum: Sum(0),
            source: V4(0),
            len: 0,
            l3: 0,
            extra: 0,
            probe: 0,
            protocol: 0,
        }
    }
}

impl Template {
    /// A frame with Ethernet and IPv4 headers around `transport` (header and payload, per-probe fields zero).
    /// `None` if it does not fit.
    pub fn new(path: &Path, kind: ProbeKind, ip_protocol: u8, ttl: u8, transport: &[u8]) -> Option<Self> {
        let mut template = Self { source: path.source, probe: kind as u8, ..Self::default() };
        let l3 = template.put_ethernet(path)?;
        let total = u16::try_from(IPV4_LEN + transport.len()).ok()?;
        template.l3 = u16::try_from(l3).ok()?;
        template.len = template.l3 + total;
        let frame = template.frame.as_mut_slice();
        frame.put_u16(l3, 0x4500)?;
        frame.put_u16(l3 + 2, total)?;
        // TCP and ICMP probes are atomic datagrams (RFC 6864): don't fragment, identification 0. UDP clears the flag.
        frame.put_u16(l3 + 6, 0x4000)?;
        frame.put_u8(l3 + 8, path.ttl.unwrap_or(ttl))?;
        frame.put_u8(l3 + 9, ip_protocol)?;
        frame.put_u32(l3 + 12, path.source.0)?;
        frame.get_mut(l3 + IPV4_LEN..l3 + usize::from(total))?.copy_from_slice(transport);
        template.sum_ip();
        // The pseudo-header (RFC 9293, 3.1); ICMP has none and starts over.
        template.transport_sum =
            Sum::default().long(path.source.0).word(ip_protocol.into()).word(total - IPV4_LEN as u16).bytes(transport);
        Some(template)
    }

    /// Recomputes the sum over the IPv4 header after a constant field of it was changed.
    pub(crate) fn sum_ip(&mut self) {
        let l3 = usize::from(self.l3);
        self.ip_sum = Sum::default().bytes(&self.frame[l3..l3 + IPV4_LEN]);
    }

    /// The frame's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.frame[..usize::from(self.len)]
    }

    /// Offset of the transport header.
    #[inline(always)]
    pub const fn l4(&self) -> usize {
        self.l3 as usize + IPV4_LEN
    }

    fn put_ethernet(&mut self, path: &Path) -> Option<usize> {
        self.frame[..6].copy_from_slice(&path.gateway_mac);
        self.frame[6..12].copy_from_slice(&path.source_mac);
        let frame = self.frame.as_mut_slice();
        let Some(vlan) = path.vlan else {
            frame.put_u16(12, ETHERTYPE_IPV4)?;
            return Some(ETHERNET_LEN);
        };
        frame.put_u16(12, ETHERTYPE_VLAN)?;
        frame.put_u16(14, vlan)?;
        frame.put_u16(16, ETHERTYPE_IPV4)?;
        Some(ETHERNET_LEN + VLAN_TAG_LEN)
    }
}

/// Patches destination address, identification and checksum of a probe's IPv4 header.
#[inline(always)]
pub(crate) fn patch_ip<F: FrameMut + ?Sized>(frame: &mut F, l3: usize, sum: Sum, target: V4, id: u16) -> Option<()> {
    frame.put_u16(l3 + 4, id)?;
    frame.put_u16(l3 + 10, sum.long(target.0).word(id).complement())?;
    frame.put_u32(l3 + 16, target.0)
}
