//! How frames leave this host: the interface, our addresses on it and the gateway's Ethernet address, found once at
//! start-up. Sending the probes themselves is the transmit engines' work.

mod arp;
mod error;
mod ethtool;
mod features;
mod genetlink;
mod link_state;
mod resolve;
mod sys;
mod tables;

use crate::model::link::{Link, LinkRequest};
pub use error::NetworkError;
pub use ethtool::{Channels, Device, Offloads};
pub use link_state::LinkState;

impl Link {
    /// Finds the way to `request.any_target`: netlink lookups, then up to three ARP requests one second apart if the
    /// kernel does not know the gateway's Ethernet address for certain. Works in the calling thread's network
    /// namespace. Needs `CAP_NET_RAW` for the ARP part only.
    pub fn discover(request: &LinkRequest) -> Result<Self, NetworkError> {
        let tables = tables::read(request)?;
        let way = resolve::way_out(&tables, request)?;
        let gateway_mac = match way.station {
            resolve::Station::Known(mac) => mac,
            resolve::Station::Ask { address, fallback } => arp::resolve(&way, address, fallback)?,
        };
        let device = Device::open(&way.port.name);
        let channels = device.channels();
        Ok(Self {
            ifindex: way.port.index,
            source: way.source,
            source_mac: way.source_mac,
            gateway: way.gateway,
            gateway_mac,
            vlan: way.vlan,
            mtu: way.mtu,
            tx_queues: channels.map_or(way.port.tx_queues, |channels| channels.tx).max(1),
            rx_queues: channels.map_or(way.port.rx_queues, |channels| channels.rx).max(1),
            driver: device.driver().unwrap_or_default(),
            xdp: features::xdp(way.port.index),
            name: way.port.name,
        })
    }
}

#[cfg(test)]
mod tests;
