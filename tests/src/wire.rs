//! The wire between prober and world: a veth pair that is born with one end in each namespace.

use std::net::Ipv4Addr;

use anyhow::Result;
use prober_common::{address::V4, lab::Prefix};

use crate::namespace::{Namespace, run_quietly};

/// Interface at the prober's side.
pub const NEAR: &str = "p0";
/// Interface at the world's side.
pub const FAR: &str = "w0";
/// The prober's address.
pub const SOURCE: Ipv4Addr = Ipv4Addr::new(20, 255, 0, 2);
/// The gateway: an address of the world's kernel, which answers ARP and ping for it.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(20, 255, 0, 1);
const LINK_LEN: u32 = 24;

/// How the wire is made.
#[derive(Clone, Copy, Debug)]
pub struct WireConfig {
    /// Queues in each direction.
    pub queues: u32,
    /// An 802.1Q tag on every frame of the prober: addresses are then on `p0.<id>` and `w0.<id>`.
    pub vlan: Option<u16>,
    /// Give the prober an address, and a default route by the gateway.
    pub addresses: bool,
}

impl Default for WireConfig {
    fn default() -> Self {
        Self { queues: 1, vlan: None, addresses: true }
    }
}

/// The prefix of the wire itself; the kernels at its ends answer for it.
pub const fn link_prefix() -> Prefix {
    Prefix::new(V4(u32::from_be_bytes(GATEWAY.octets())), LINK_LEN)
}

/// Makes the wire, with what could spoil counting and timing switched off.
pub fn connect(prober: &Namespace, world: &Namespace, config: WireConfig) -> Result<()> {
    let queues = config.queues.to_string();
    let counts = ["numtxqueues", &queues, "numrxqueues", &queues];
    let mut pair = vec!["link", "add", NEAR];
    pair.extend(counts);
    pair.extend(["type", "veth", "peer", "name", FAR]);
    pair.extend(counts);
    pair.extend(["netns", world.name()]);
    prober.ip(&pair)?;
    for (namespace, end, address) in [(prober, NEAR, SOURCE), (world, FAR, GATEWAY)] {
        let link = format!("{address}/{LINK_LEN}");
        prepare_end(namespace, end)?;
        namespace.ip(&["link", "set", end, "up"])?;
        let mut holder = end.to_owned();
        if let Some(id) = config.vlan {
            holder = format!("{end}.{id}");
            namespace.ip(&["link", "add", "link", end, "name", &holder, "type", "vlan", "id", &id.to_string()])?;
            namespace.ip(&["link", "set", &holder, "up"])?;
        }
        if config.addresses {
            namespace.ip(&["address", "add", &link, "dev", &holder])?;
        }
    }
    if config.addresses {
        prober.ip(&["route", "add", "default", "via", &GATEWAY.to_string()])?;
    }
    Ok(())
}

fn prepare_end(namespace: &Namespace, end: &str) -> Result<()> {
    // A checksum left to a network card that does not exist would be wrong on the wire; merged segments and tags taken
    // out of the frame would not be what was sent.
    let off = ["tx", "off", "sg", "off", "tso", "off", "gso", "off", "gro", "off", "rxvlan", "off", "txvlan", "off"];
    run_quietly(namespace.command("ethtool").args(["-K", end]).args(off))?;
    for key in ["all", "default", end] {
        namespace.sysctl(&format!("net/ipv4/conf/{key}/rp_filter"), "0")?;
    }
    Ok(())
}

/// Lets a kernel at the far side answer as fast as it is asked: a laboratory has no one to protect.
pub fn lift_limits(namespace: &Namespace) -> Result<()> {
    for (key, value) in [
        ("net/ipv4/ip_forward", "1"),
        ("net/ipv4/icmp_ratelimit", "0"),
        ("net/ipv4/icmp_ratemask", "0"),
        ("net/ipv4/tcp_max_syn_backlog", "65536"),
        ("net/core/somaxconn", "65535"),
    ] {
        namespace.sysctl(key, value)?;
    }
    Ok(())
}
