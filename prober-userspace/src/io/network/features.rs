//! What a driver can do for XDP, from the kernel's `netdev` family (Linux 6.3 and later).

use super::genetlink;
use crate::model::link::XdpFeatures;

// Command, attributes and bits of linux/netdev.h.
const DEV_GET: u8 = 1;
const ATTRIBUTE_IFINDEX: u16 = 1;
const ATTRIBUTE_XDP_FEATURES: u16 = 3;
const ATTRIBUTE_XSK_FEATURES: u16 = 6;

/// The abilities of the interface with this index; `None` if the kernel does not tell.
pub fn xdp(ifindex: u32) -> Option<XdpFeatures> {
    let answer = genetlink::ask("netdev", DEV_GET, (ATTRIBUTE_IFINDEX, &ifindex.to_ne_bytes())).ok()?;
    let bits = |wanted: u16| {
        let (_, value) = answer.iter().find(|(kind, _)| *kind == wanted)?;
        Some(u64::from_ne_bytes(value.as_slice().try_into().ok()?))
    };
    Some(from_bits(bits(ATTRIBUTE_XDP_FEATURES)?, bits(ATTRIBUTE_XSK_FEATURES).unwrap_or(0)))
}

fn from_bits(xdp: u64, xsk: u64) -> XdpFeatures {
    XdpFeatures {
        basic: xdp & 1 != 0,
        redirect: xdp & 2 != 0,
        ndo_xmit: xdp & 4 != 0,
        xsk_zero_copy: xdp & 8 != 0,
        xsk_tx_timestamp: xsk & 1 != 0,
    }
}
