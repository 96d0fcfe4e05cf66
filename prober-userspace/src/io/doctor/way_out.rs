//! The interface, its driver and the gateway.

use super::Check;
use crate::io::instance::Instance;
use crate::io::network::{Device, Offloads};
use crate::model::link::{Link, LinkRequest};

/// Largest IP packet for which every driver runs native XDP with its frame in one page.
const LARGEST_MTU_FOR_XDP: u32 = 3498;

pub(super) fn checks(request: &LinkRequest) -> Vec<Check> {
    let link = match Link::discover(request) {
        Ok(link) => link,
        Err(cause) => {
            let text = cause.to_string();
            // The errors say themselves what to do, after the last semicolon.
            let (found, advice) = text.rsplit_once("; ").unwrap_or((&text, ""));
            return vec![Check::fail("way out", found, advice)];
        }
    };
    let offloads = Device::open(&link.name).offloads();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    vec![
        way(&link),
        driver(&link),
        sending(&link),
        queues(&link, processors),
        frames(&link, offloads),
        free(&link.name),
    ]
}

fn way(link: &Link) -> Check {
    let gateway = link.gateway.map_or("no gateway".to_owned(), |gateway| format!("gateway {gateway}"));
    let vlan = link.vlan.map(|id| format!(" VLAN {id}")).unwrap_or_default();
    Check::ok("way out", format!("{}{vlan} from {}, {gateway} at {}", link.name, link.source, link.gateway_mac))
}

fn driver(link: &Link) -> Check {
    const NAME: &str = "native xdp";
    let driver = if link.driver.is_empty() { "unknown driver" } else { &link.driver };
    match link.xdp {
        Some(xdp) if xdp.basic => Check::ok(NAME, format!("{driver} supports it")),
        Some(_) => {
            let advice =
                "replies are matched in generic mode, for some 1 M packets/s at most; use another card for more";
            Check::warn(NAME, format!("{driver} does not support it"), advice)
        }
        None => {
            Check::warn(NAME, format!("{driver}: this kernel does not tell"), "Linux 6.3 and later tell; try a scan")
        }
    }
}

fn sending(link: &Link) -> Check {
    const NAME: &str = "engines";
    let xdp = link.xdp.unwrap_or_default();
    match (xdp.ndo_xmit, xdp.xsk_zero_copy) {
        (true, true) => Check::ok(NAME, "live-frames, af-xdp without copying"),
        (true, false) => Check::ok(NAME, "live-frames, af-xdp copying"),
        (false, true) => Check::ok(NAME, "af-xdp without copying"),
        (false, false) => {
            let advice = "live frames need a driver with ndo_xdp_xmit (veth: an XDP program or GRO at its other end)";
            Check::warn(NAME, "af-xdp copying, packet", advice)
        }
    }
}

fn queues(link: &Link, processors: usize) -> Check {
    let found = format!("{} transmit, {} receive, {processors} processors", link.tx_queues, link.rx_queues);
    if (link.rx_queues as usize) < processors.min(4) && link.rx_queues == 1 && link.driver != "veth" {
        let advice = format!("replies are handled by one processor; ethtool -L {} combined N for more", link.name);
        return Check::warn("queues", found, advice);
    }
    Check::ok("queues", found)
}

fn frames(link: &Link, offloads: Option<Offloads>) -> Check {
    const NAME: &str = "offloads";
    let name = &link.name;
    match offloads {
        Some(offloads) if offloads.rx_vlan && link.vlan.is_some() => {
            let found = "rxvlan is on: the device takes VLAN tags out before XDP sees them";
            Check::warn(NAME, found, format!("ethtool -K {name} rxvlan off"))
        }
        Some(offloads) if offloads.lro => {
            Check::warn(NAME, "lro is on: native XDP is refused", format!("ethtool -K {name} lro off"))
        }
        _ if link.mtu > LARGEST_MTU_FOR_XDP => {
            let found = format!("MTU {} is too large for native XDP on many drivers", link.mtu);
            Check::warn(NAME, found, format!("ip link set {name} mtu {LARGEST_MTU_FOR_XDP}"))
        }
        _ => Check::ok(NAME, format!("MTU {}, nothing in the way of XDP", link.mtu)),
    }
}

fn free(interface: &str) -> Check {
    const NAME: &str = "interface free";
    match Instance::claim(interface) {
        Ok(_) => Check::ok(NAME, format!("no other prober runs on {interface}")),
        Err(cause) => Check::warn(NAME, cause.to_string(), "wait for it before scanning"),
    }
}

#[cfg(test)]
mod tests {
    use prober_common::address::V4;

    use super::super::State;
    use super::*;
    use crate::model::link::XdpFeatures;
    use crate::model::mac::Mac;

    fn link() -> Link {
        Link {
            ifindex: 2,
            name: "eth0".into(),
            source: V4(0x0a00_0002),
            source_mac: Mac([2, 0, 0, 0, 0, 2]),
            gateway: Some(V4(0x0a00_0001)),
            gateway_mac: Mac([2, 0, 0, 0, 0, 1]),
            vlan: Some(5),
            mtu: 1500,
            tx_queues: 4,
            rx_queues: 4,
            driver: "ixgbe".into(),
            xdp: Some(XdpFeatures { basic: true, ndo_xmit: true, ..XdpFeatures::default() }),
        }
    }

    #[test]
    fn a_good_link_is_all_ok() {
        let link = link();
        assert_eq!(way(&link).found, "eth0 VLAN 5 from 10.0.0.2, gateway 10.0.0.1 at 02:00:00:00:00:01");
        let fine = Some(Offloads { rx_vlan: false, lro: false });
        for check in [driver(&link), sending(&link), queues(&link, 8), frames(&link, fine)] {
            assert_eq!(check.state, State::Ok, "{check:?}");
        }
    }

    #[test]
    fn what_hinders_is_named_with_its_remedy() {
        let stripping = Some(Offloads { rx_vlan: true, lro: false });
        assert_eq!(frames(&link(), stripping).advice, "ethtool -K eth0 rxvlan off");
        assert_eq!(frames(&Link { vlan: None, ..link() }, stripping).state, State::Ok);
        assert_eq!(frames(&link(), Some(Offloads { rx_vlan: false, lro: true })).advice, "ethtool -K eth0 lro off");
        assert_eq!(frames(&Link { mtu: 9000, ..link() }, None).state, State::Warn);
        assert_eq!(queues(&Link { rx_queues: 1, ..link() }, 8).state, State::Warn);
        let bare = Link { xdp: Some(XdpFeatures::default()), ..link() };
        assert_eq!((driver(&bare).state, sending(&bare).state), (State::Warn, State::Warn));
        assert_eq!(driver(&Link { xdp: None, ..link() }).state, State::Warn);
    }
}
