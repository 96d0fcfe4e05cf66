//! From the kernel's tables to the way out: pure, so that every case (VLANs included) is tested without a network.

use std::net::IpAddr;

use prober_common::address::V4;

use super::NetworkError;
use super::tables::{Interface, Route, Tables};
use crate::model::link::LinkRequest;
use crate::model::mac::Mac;

/// Everything about the way out but the answer to an ARP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayOut {
    /// The device that frames are written to.
    pub port: Interface,
    pub source: V4,
    pub source_mac: Mac,
    pub gateway: Option<V4>,
    pub vlan: Option<u16>,
    pub mtu: u32,
    /// Who asks in ARP requests: our address in the station's subnet if there is one, as kernels do.
    pub asker: V4,
    pub station: Station,
}

/// Where frames go on the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Station {
    Known(Mac),
    /// Ask for `address`; if it keeps silent, `fallback` is what the kernel once learnt.
    Ask {
        address: V4,
        fallback: Option<Mac>,
    },
}

/// Decides how to reach the target.
pub fn way_out(tables: &Tables, request: &LinkRequest) -> Result<WayOut, NetworkError> {
    let route = route_to_use(tables, request)?;
    let device = match &request.interface {
        Some(name) => by_name(tables, name)?,
        None => by_index(tables, route.as_ref().map_or(0, |route| route.interface))?,
    };
    let (port, device_vlan) = physical(tables, device)?;
    for interface in [device, port] {
        usable(interface)?;
    }
    let vlan = match request.vlan {
        Some(0) => None,
        Some(id) if id > 4094 => return Err(NetworkError::BadVlan(id)),
        Some(id) => Some(id),
        None => device_vlan,
    };
    let source = source_address(tables, request, route.as_ref(), device)?;
    let without_mac = || NetworkError::NotEthernet { name: device.name.clone() };
    let source_mac = request.source_mac.or(device.mac).ok_or_else(without_mac)?;
    let (gateway, station) = match request.gateway_mac {
        Some(mac) => (gateway_v4(route.as_ref()), Station::Known(mac)),
        None => next_hop(tables, request, &route.unwrap_or_default(), device)?,
    };
    let asker = match station {
        Station::Known(_) => source,
        Station::Ask { address, .. } => address_near(tables, device, address).unwrap_or(source),
    };
    Ok(WayOut { port: port.clone(), source, source_mac, gateway, vlan, mtu: device.mtu, asker, station })
}

/// The route to the target. Without one the operator's interface and gateway address together are enough.
fn route_to_use(tables: &Tables, request: &LinkRequest) -> Result<Option<Route>, NetworkError> {
    if let Some(name) = &request.interface {
        by_name(tables, name)?;
    }
    let overridden = request.interface.is_some() && request.gateway_mac.is_some();
    match &tables.route {
        _ if overridden && !matches!(tables.route, Some(Ok(Route { local: false, .. }))) => Ok(None),
        Some(Ok(route)) if route.local => Err(NetworkError::OwnAddress { target: request.any_target }),
        Some(Ok(route)) => Ok(Some(route.clone())),
        other => {
            if let Some(name) = &request.interface {
                usable(by_name(tables, name)?)?;
            }
            let cause = match other {
                Some(Err(cause)) => cause.clone(),
                _ => "the kernel gave no answer".to_owned(),
            };
            let via = request.interface.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
            Err(NetworkError::NoRoute { target: request.any_target, via, cause })
        }
    }
}

fn by_name<'t>(tables: &'t Tables, name: &str) -> Result<&'t Interface, NetworkError> {
    tables.interfaces.iter().find(|interface| interface.name == name).ok_or_else(|| {
        let mut present: Vec<_> = tables.interfaces.iter().map(|interface| interface.name.as_str()).collect();
        present.sort_unstable();
        NetworkError::InterfaceMissing { name: name.to_owned(), present: present.join(", ") }
    })
}

fn by_index(tables: &Tables, index: u32) -> Result<&Interface, NetworkError> {
    tables.interfaces.iter().find(|interface| interface.index == index).ok_or_else(|| NetworkError::Netlink {
        what: "route",
        cause: format!("its interface, number {index}, is not in the table of interfaces; try again"),
    })
}

/// The device that carries the frames of `device`, and the tag they need.
fn physical<'t>(tables: &'t Tables, device: &'t Interface) -> Result<(&'t Interface, Option<u16>), NetworkError> {
    let Some(vlan) = device.vlan else {
        return Ok((device, None));
    };
    let unsupported = |why| NetworkError::UnsupportedVlan { name: device.name.clone(), why };
    if vlan.service_tag {
        return Err(unsupported("with an 802.1ad service tag"));
    }
    let parent = vlan.parent.ok_or_else(|| unsupported("of a device in another network namespace"))?;
    let parent = by_index(tables, parent)?;
    if parent.vlan.is_some() {
        return Err(unsupported("on top of another VLAN"));
    }
    Ok((parent, Some(vlan.id)))
}

fn usable(interface: &Interface) -> Result<(), NetworkError> {
    let name = interface.name.clone();
    match interface {
        Interface { ethernet: false, .. } => Err(NetworkError::NotEthernet { name }),
        Interface { up: false, .. } => Err(NetworkError::InterfaceDown { name }),
        Interface { carrier: false, .. } => Err(NetworkError::NoCarrier { name }),
        _ => Ok(()),
    }
}

/// The address asked for, else the route's preferred one, else the first of the interface.
fn source_address(
    tables: &Tables,
    request: &LinkRequest,
    route: Option<&Route>,
    device: &Interface,
) -> Result<V4, NetworkError> {
    let of_device = || tables.addresses.iter().find(|own| own.interface == device.index).map(|own| own.address);
    request
        .source_ip
        .or_else(|| route.and_then(|route| route.source))
        .or_else(of_device)
        .ok_or_else(|| NetworkError::WithoutAddress { name: device.name.clone() })
}

fn gateway_v4(route: Option<&Route>) -> Option<V4> {
    match route?.gateway? {
        IpAddr::V4(gateway) => Some(gateway.into()),
        IpAddr::V6(_) => None,
    }
}

/// The station to send to: the route's gateway, or the target itself if it is the only one.
fn next_hop(
    tables: &Tables,
    request: &LinkRequest,
    route: &Route,
    device: &Interface,
) -> Result<(Option<V4>, Station), NetworkError> {
    let target = request.any_target;
    let (gateway, address) = match route.gateway {
        Some(IpAddr::V4(gateway)) => (Some(gateway.into()), gateway.into()),
        Some(IpAddr::V6(gateway)) => {
            let name = device.name.clone();
            return Err(NetworkError::Ipv6Gateway { target, name, gateway: gateway.to_string() });
        }
        None if request.single_target => (None, target),
        None => {
            return Err(NetworkError::OnLink { target, name: device.name.clone() });
        }
    };
    let learnt =
        tables.neighbours.iter().find(|neighbour| neighbour.interface == device.index && neighbour.address == address);
    let station = match learnt {
        Some(neighbour) if neighbour.fresh => Station::Known(neighbour.mac),
        other => Station::Ask { address, fallback: other.map(|neighbour| neighbour.mac) },
    };
    Ok((gateway, station))
}

fn address_near(tables: &Tables, device: &Interface, station: V4) -> Option<V4> {
    let same_subnet = |own: V4, length: u8| {
        let shift = 32 - u32::from(length.min(32));
        u64::from(own.0) >> shift == u64::from(station.0) >> shift
    };
    tables
        .addresses
        .iter()
        .find(|own| own.interface == device.index && same_subnet(own.address, own.prefix_length))
        .map(|own| own.address)
}

#[cfg(test)]
mod tests;
