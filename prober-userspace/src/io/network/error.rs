//! Why no way out was found, each with what to do about it.

use std::io;

use prober_common::address::V4;

/// The way to the targets could not be found.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The kernel's tables could not be read.
    #[error("cannot read the kernel's {what} by netlink: {cause}")]
    Netlink {
        /// Which table.
        what: &'static str,
        /// What the kernel said.
        cause: String,
    },
    /// No interface of that name.
    #[error("no interface \"{name}\" in this network namespace; there are: {present}")]
    InterfaceMissing {
        /// What was asked for.
        name: String,
        /// The names that exist, comma-separated.
        present: String,
    },
    /// Administratively down.
    #[error("interface {name} is down; bring it up with `ip link set {name} up`")]
    InterfaceDown {
        /// The interface.
        name: String,
    },
    /// Up but without a carrier.
    #[error("interface {name} is up but has no carrier; check the cable, the peer or the switch port")]
    NoCarrier {
        /// The interface.
        name: String,
    },
    /// Frames of this interface are not Ethernet.
    #[error("interface {name} is not Ethernet (loopback, tunnel or VPN?); choose another with --interface")]
    NotEthernet {
        /// The interface.
        name: String,
    },
    /// No IPv4 address to send from.
    #[error(
        "interface {name} has no IPv4 address; add one with `ip address add A.B.C.D/LEN dev {name}`, or give --source-ip"
    )]
    WithoutAddress {
        /// The interface.
        name: String,
    },
    /// The VLAN's lower device is somewhere else or is itself a VLAN.
    #[error(
        "interface {name} is a VLAN {why}; give the physical device with --interface, with --vlan and --gateway-mac"
    )]
    UnsupportedVlan {
        /// The interface.
        name: String,
        /// In which way it is not the simple case.
        why: &'static str,
    },
    /// A VLAN id that 802.1Q does not allow.
    #[error("VLAN id {0} is out of range; use 1 to 4094 (0 for untagged)")]
    BadVlan(u16),
    /// The routing table has no way to the target.
    #[error("no route to {target}{via}: {cause}; add one with `ip route add`, or give --interface and --gateway-mac")]
    NoRoute {
        /// The target that was looked up.
        target: V4,
        /// ` by <interface>` if one was asked for.
        via: String,
        /// What the kernel said.
        cause: String,
    },
    /// The target is one of this host's own addresses.
    #[error("{target} is an address of this host itself; probes to it would never reach the network")]
    OwnAddress {
        /// The target.
        target: V4,
    },
    /// Targets without a router in between, more than one of them.
    #[error(
        "{target} is on-link at {name} (no gateway in the route), and a scan sends all probes to one station; \
         give its Ethernet address with --gateway-mac, or route the targets through a gateway"
    )]
    OnLink {
        /// A target.
        target: V4,
        /// The interface.
        name: String,
    },
    /// The next hop is an IPv6 address.
    #[error(
        "the route to {target} by {name} has the IPv6 next hop {gateway}; give its Ethernet address with --gateway-mac"
    )]
    Ipv6Gateway {
        /// A target.
        target: V4,
        /// The interface.
        name: String,
        /// The router.
        gateway: String,
    },
    /// Nobody answered our ARP requests.
    #[error(
        "{station} does not answer ARP on {name} ({tries} tries, {seconds} s); check that it is up and on this segment, \
         or give --gateway-mac"
    )]
    Silent {
        /// The next hop.
        station: V4,
        /// `<interface>`, or `<interface> VLAN <id>`.
        name: String,
        /// How many requests were sent.
        tries: u32,
        /// How long we waited altogether, in s.
        seconds: u64,
    },
    /// A packet socket could not be had or used.
    #[error("cannot ask for {station} by ARP on {name}: {operation}: {cause}{hint}")]
    Arp {
        /// The next hop.
        station: V4,
        /// The interface.
        name: String,
        /// Which call failed.
        operation: &'static str,
        /// Why.
        cause: io::Error,
        /// What to do, if it is known.
        hint: &'static str,
    },
}
