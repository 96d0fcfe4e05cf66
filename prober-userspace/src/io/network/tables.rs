//! The kernel's interfaces, addresses, route to the target and neighbours, read once by netlink into plain values.
//! Deciding what they mean is `resolve`'s work.

use std::net::{IpAddr, Ipv4Addr};

use futures_util::TryStreamExt;
use prober_common::address::V4;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::AddressAttribute;
use rtnetlink::packet_route::link::{
    InfoData, InfoKind, InfoVlan, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage, VlanProtocol,
};
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourState};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia};
use rtnetlink::{Handle, RouteMessageBuilder};

use super::NetworkError;
use crate::model::link::LinkRequest;
use crate::model::mac::Mac;

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub interfaces: Vec<Interface>,
    pub addresses: Vec<InterfaceAddress>,
    /// The route to the target, or why there is none.
    pub route: Option<Result<Route, String>>,
    pub neighbours: Vec<Neighbour>,
}

/// A network device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    pub index: u32,
    pub name: String,
    pub ethernet: bool,
    pub up: bool,
    pub carrier: bool,
    pub mac: Option<Mac>,
    pub mtu: u32,
    pub tx_queues: u32,
    pub rx_queues: u32,
    /// Set if the device is a VLAN on top of another.
    pub vlan: Option<VlanDevice>,
}

/// The VLAN side of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanDevice {
    pub id: u16,
    /// Index of the device below; `None` if that one is in another network namespace.
    pub parent: Option<u32>,
    /// 802.1ad (service tag) instead of 802.1Q.
    pub service_tag: bool,
}

/// An IPv4 address of a device, with its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    pub interface: u32,
    pub address: V4,
    pub prefix_length: u8,
}

/// The kernel's answer to "how do I reach the target".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    pub interface: u32,
    pub gateway: Option<IpAddr>,
    pub source: Option<V4>,
    pub local: bool,
}

/// A station whose Ethernet address the kernel has learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    pub interface: u32,
    pub address: V4,
    pub mac: Mac,
    /// Confirmed lately or set by hand; otherwise it may be out of date.
    pub fresh: bool,
}

/// Reads all tables: four requests, one after the other, in the calling thread's network namespace.
pub fn read(request: &LinkRequest) -> Result<Tables, NetworkError> {
    let failed = |cause: std::io::Error| NetworkError::Netlink { what: "tables", cause: cause.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(failed)?;
        tokio::spawn(connection);
        let mut tables = Tables {
            interfaces: interfaces(&handle).await.map_err(|cause| lost("interfaces", &cause))?,
            addresses: addresses(&handle).await.map_err(|cause| lost("addresses", &cause))?,
            route: None,
            neighbours: neighbours(&handle).await.map_err(|cause| lost("neighbours", &cause))?,
        };
        tables.route = route(&handle, request, &tables).await;
        Ok(tables)
    })
}

fn lost(what: &'static str, cause: &rtnetlink::Error) -> NetworkError {
    NetworkError::Netlink { what, cause: cause.to_string() }
}

async fn interfaces(handle: &Handle) -> Result<Vec<Interface>, rtnetlink::Error> {
    let messages: Vec<_> = handle.link().get().execute().try_collect().await?;
    Ok(messages.into_iter().map(interface).collect())
}

fn interface(message: LinkMessage) -> Interface {
    let mut found = Interface {
        index: message.header.index,
        ethernet: message.header.link_layer_type == LinkLayerType::Ether,
        up: message.header.flags.contains(LinkFlags::Up),
        carrier: message.header.flags.contains(LinkFlags::LowerUp),
        ..Interface::default()
    };
    let (mut below, mut other_namespace, mut vlan) = (None, false, None);
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => found.name = name,
            LinkAttribute::Address(bytes) => found.mac = Mac::from_bytes(&bytes),
            LinkAttribute::Mtu(mtu) => found.mtu = mtu,
            LinkAttribute::NumTxQueues(count) => found.tx_queues = count,
            LinkAttribute::NumRxQueues(count) => found.rx_queues = count,
            LinkAttribute::Link(index) => below = Some(index),
            LinkAttribute::LinkNetNsId(_) => other_namespace = true,
            LinkAttribute::LinkInfo(infos) if infos.contains(&LinkInfo::Kind(InfoKind::Vlan)) => {
                vlan = vlan_info(infos);
            }
            _ => {}
        }
    }
    found.vlan =
        vlan.map(|(id, service_tag)| VlanDevice { id, parent: below.filter(|_| !other_namespace), service_tag });
    found
}

fn vlan_info(infos: Vec<LinkInfo>) -> Option<(u16, bool)> {
    let (mut id, mut service_tag) = (None, false);
    for info in infos {
        if let LinkInfo::Data(InfoData::Vlan(details)) = info {
            for detail in details {
                match detail {
                    InfoVlan::Id(number) => id = Some(number),
                    InfoVlan::Protocol(protocol) => {
                        service_tag = protocol != VlanProtocol::Ieee8021Q;
                    }
                    _ => {}
                }
            }
        }
    }
    id.map(|id| (id, service_tag))
}

async fn addresses(handle: &Handle) -> Result<Vec<InterfaceAddress>, rtnetlink::Error> {
    let messages: Vec<_> = handle.address().get().execute().try_collect().await?;
    Ok(messages
        .into_iter()
        .filter_map(|message| {
            // On point-to-point interfaces `Address` is the peer's; `Local` is always ours.
            let address = message.attributes.iter().find_map(|attribute| match attribute {
                AddressAttribute::Local(IpAddr::V4(address)) => Some(V4::from(*address)),
                _ => None,
            })?;
            Some(InterfaceAddress {
                interface: message.header.index,
                address,
                prefix_length: message.header.prefix_len,
            })
        })
        .collect())
}

async fn neighbours(handle: &Handle) -> Result<Vec<Neighbour>, rtnetlink::Error> {
    let request = handle.neighbours().get().set_address_family(AddressFamily::Inet);
    let messages: Vec<_> = request.execute().try_collect().await?;
    Ok(messages
        .into_iter()
        .filter_map(|message| {
            let fresh = match message.header.state {
                NeighbourState::Reachable | NeighbourState::Permanent => true,
                NeighbourState::Stale | NeighbourState::Delay | NeighbourState::Probe => false,
                _ => return None,
            };
            let (mut address, mut mac) = (None, None);
            for attribute in message.attributes {
                match attribute {
                    NeighbourAttribute::Destination(NeighbourAddress::Inet(station)) => {
                        address = Some(V4::from(station));
                    }
                    NeighbourAttribute::LinkLayerAddress(bytes) => mac = Mac::from_bytes(&bytes),
                    _ => {}
                }
            }
            Some(Neighbour { interface: message.header.ifindex, address: address?, mac: mac?, fresh })
        })
        .collect())
}

/// Asks for the route to the target. A wanted interface is part of the question; a wanted source only if it is one of
/// the host's addresses, because the kernel refuses others.
async fn route(handle: &Handle, request: &LinkRequest, tables: &Tables) -> Option<Result<Route, String>> {
    let mut message = RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(request.any_target.into(), 32).build();
    if let Some(source) = request.source_ip.filter(|source| tables.addresses.iter().any(|own| own.address == *source)) {
        message.attributes.push(RouteAttribute::Source(RouteAddress::Inet(source.into())));
        message.header.source_prefix_length = 32;
    }
    if let Some(name) = &request.interface {
        let index = tables.interfaces.iter().find(|interface| interface.name == *name)?.index;
        message.attributes.push(RouteAttribute::Oif(index));
    }
    match handle.route().get(message).execute().try_next().await {
        Ok(answer) => answer.map(|message| Ok(parse_route(message))),
        Err(rtnetlink::Error::NetlinkError(error)) => Some(Err(error.to_io().to_string())),
        Err(cause) => Some(Err(cause.to_string())),
    }
}

fn parse_route(message: RouteMessage) -> Route {
    let mut found = Route { local: message.header.kind == RouteType::Local, ..Route::default() };
    for attribute in message.attributes {
        match attribute {
            RouteAttribute::Oif(index) => found.interface = index,
            RouteAttribute::Gateway(RouteAddress::Inet(gateway)) | RouteAttribute::Via(RouteVia::Inet(gateway)) => {
                found.gateway = Some(gateway.into());
            }
            RouteAttribute::Via(RouteVia::Inet6(gateway)) => found.gateway = Some(gateway.into()),
            RouteAttribute::PrefSource(RouteAddress::Inet(source)) => {
                found.source = Some(source.into());
            }
            _ => {}
        }
    }
    found
}
