//! Cases that this machine's kernel may not be able to make: VLAN devices, several addresses, IPv6 next hops.

use super::super::tables::{InterfaceAddress, Neighbour, VlanDevice};
use super::*;

const TARGET: V4 = V4(0xc633_6407);
const GATEWAY: V4 = V4(0x0a05_0001);
const PARENT_MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
const VLAN_MAC: Mac = Mac([2, 0, 0, 0, 0, 5]);

fn device(index: u32, name: &str, mac: Mac) -> Interface {
    Interface {
        index,
        name: name.into(),
        ethernet: true,
        up: true,
        carrier: true,
        mac: Some(mac),
        mtu: 1500,
        tx_queues: 4,
        rx_queues: 4,
        vlan: None,
    }
}

/// eth0 (1) carries eth0.5 (2); the default route leaves by the VLAN.
fn tables() -> Tables {
    let vlan = Some(VlanDevice { id: 5, parent: Some(1), service_tag: false });
    Tables {
        interfaces: vec![device(1, "eth0", PARENT_MAC), Interface { vlan, mtu: 1400, ..device(2, "eth0.5", VLAN_MAC) }],
        addresses: vec![
            InterfaceAddress { interface: 1, address: V4(0xc0a8_0002), prefix_length: 24 },
            InterfaceAddress { interface: 2, address: V4(0xcb00_7105), prefix_length: 32 },
            InterfaceAddress { interface: 2, address: V4(0x0a05_0002), prefix_length: 24 },
        ],
        route: Some(Ok(Route {
            interface: 2,
            gateway: Some(IpAddr::V4(GATEWAY.into())),
            source: Some(V4(0xcb00_7105)),
            local: false,
        })),
        neighbours: vec![],
    }
}

fn request() -> LinkRequest {
    LinkRequest { any_target: TARGET, ..LinkRequest::default() }
}

#[test]
fn a_vlan_route_leaves_by_the_device_below_with_its_tag() {
    let way = way_out(&tables(), &request()).unwrap();
    assert_eq!((way.port.name.as_str(), way.vlan, way.source_mac, way.mtu), ("eth0", Some(5), VLAN_MAC, 1400));
    assert_eq!(way.source, V4(0xcb00_7105), "the route's preferred source");
    assert_eq!(way.asker, V4(0x0a05_0002), "but ARP is asked from the gateway's subnet");
    assert_eq!(way.station, Station::Ask { address: GATEWAY, fallback: None });
}

#[test]
fn the_operator_overrides_the_tag() {
    let with = |vlan| way_out(&tables(), &LinkRequest { vlan: Some(vlan), ..request() }).map(|way| way.vlan);
    assert_eq!(with(9).unwrap(), Some(9));
    assert_eq!(with(0).unwrap(), None);
    assert!(matches!(with(4095), Err(NetworkError::BadVlan(4095))));
}

#[test]
fn vlans_that_are_not_the_simple_case_are_refused() {
    let refused = |vlan: VlanDevice| {
        let mut tables = tables();
        tables.interfaces[1].vlan = Some(vlan);
        way_out(&tables, &request()).unwrap_err().to_string()
    };
    let simple = VlanDevice { id: 5, parent: Some(1), service_tag: false };
    assert!(refused(VlanDevice { service_tag: true, ..simple }).contains("802.1ad"));
    assert!(refused(VlanDevice { parent: None, ..simple }).contains("another network namespace"));
    assert!(refused(VlanDevice { parent: Some(2), ..simple }).contains("on top of another VLAN"));
}

#[test]
fn the_device_below_must_be_up_too() {
    let mut tables = tables();
    tables.interfaces[0].up = false;
    assert_eq!(
        way_out(&tables, &request()).unwrap_err().to_string(),
        "interface eth0 is down; bring it up with `ip link set eth0 up`"
    );
}

#[test]
fn what_the_kernel_learnt_is_used_if_fresh_and_kept_as_fallback_if_not() {
    let mut tables = tables();
    let mac = Mac([2, 0, 0, 0, 0, 9]);
    tables.neighbours = vec![
        Neighbour { interface: 1, address: GATEWAY, mac: PARENT_MAC, fresh: true }, // another segment
        Neighbour { interface: 2, address: GATEWAY, mac, fresh: true },
    ];
    assert_eq!(way_out(&tables, &request()).unwrap().station, Station::Known(mac));
    tables.neighbours[1].fresh = false;
    let station = way_out(&tables, &request()).unwrap().station;
    assert_eq!(station, Station::Ask { address: GATEWAY, fallback: Some(mac) });
}

#[test]
fn an_ipv6_next_hop_needs_a_station() {
    let mut tables = tables();
    tables.route = Some(Ok(Route { gateway: Some("fe80::1".parse().unwrap()), interface: 2, ..Route::default() }));
    assert!(way_out(&tables, &request()).unwrap_err().to_string().contains("IPv6 next hop fe80::1"));
    let given = LinkRequest { gateway_mac: Some(VLAN_MAC), ..request() };
    assert_eq!(way_out(&tables, &given).unwrap().station, Station::Known(VLAN_MAC));
}
