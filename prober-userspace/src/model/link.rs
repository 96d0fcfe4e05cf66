//! The way frames leave this host, once it is known. Finding it is `io::network`'s work.

use prober_common::address::V4;
use serde::Serialize;

use crate::model::mac::Mac;
use crate::model::text::{as_optional_text, as_text};

/// What to find the way to, and what the operator has already decided.
#[derive(Clone, Debug, Default)]
pub struct LinkRequest {
    /// Leave by this interface instead of the route's.
    pub interface: Option<String>,
    /// Send from this address instead of the route's preferred source; it need not be configured on the host.
    pub source_ip: Option<V4>,
    /// Send frames to this station; no neighbour lookup is made.
    pub gateway_mac: Option<Mac>,
    /// Send frames from this address instead of the interface's own.
    pub source_mac: Option<Mac>,
    /// Tag frames with this 802.1Q VLAN id (0: send untagged even if the route's interface is a VLAN).
    pub vlan: Option<u16>,
    /// One of the targets; the route to it is the route of the scan.
    pub any_target: V4,
    /// `any_target` is the only target, so that it may itself be the next hop.
    pub single_target: bool,
}

/// The way out: all that a transmit engine has to know about the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Kernel's number of the (physical) interface that frames are written to.
    pub ifindex: u32,
    /// Its name.
    pub name: String,
    /// Our IPv4 address in the probes.
    #[serde(serialize_with = "as_text")]
    pub source: V4,
    /// Our Ethernet address in the probes.
    pub source_mac: Mac,
    /// The router that the route names; `None` if the operator gave the Ethernet address or the target is on-link.
    #[serde(serialize_with = "as_optional_text")]
    pub gateway: Option<V4>,
    /// Where frames go on the segment.
    pub gateway_mac: Mac,
    /// 802.1Q VLAN id to tag frames with.
    pub vlan: Option<u16>,
    /// Largest IP packet, in bytes.
    pub mtu: u32,
    /// Transmit queues in use.
    pub tx_queues: u32,
    /// Receive queues in use.
    pub rx_queues: u32,
    /// Kernel driver, as `ethtool -i` prints it; empty if it does not tell.
    pub driver: String,
    /// What the driver can do for XDP; `None` on kernels before 6.3, which do not tell.
    pub xdp: Option<XdpFeatures>,
}

/// XDP abilities of a device's driver in its present state (veth gains some while its peer runs a program).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent bits that the kernel reports")]
pub struct XdpFeatures {
    /// Native programs with the plain verdicts.
    pub basic: bool,
    /// `XDP_REDIRECT` out of a native program.
    pub redirect: bool,
    /// Accepts redirected frames: live frames can be sent through it.
    pub ndo_xmit: bool,
    /// `AF_XDP` without copying.
    pub xsk_zero_copy: bool,
    /// `AF_XDP` transmit timestamps from the hardware.
    pub xsk_tx_timestamp: bool,
}
