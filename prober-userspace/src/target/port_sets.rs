//! Named port sets for port expressions, each port with the reason it is in. Chosen from protocol and vendor
//! documentation; not measured frequencies. Printer ports are deliberately absent.

use prober_common::event::ProbeKind;

use super::ports::ProbePort;

/// A set of ports under a name.
#[derive(Clone, Copy, Debug)]
pub struct PortSet {
    /// The name, used as `@name`.
    pub name: &'static str,
    /// Its ports, likeliest first.
    pub members: &'static [PortSetMember],
}

/// One port of a set.
#[derive(Clone, Copy, Debug)]
pub struct PortSetMember {
    /// The port.
    pub port: ProbePort,
    /// What listens there.
    pub why: &'static str,
}

/// Every set.
pub const PORT_SETS: [PortSet; 4] = [
    PortSet { name: "iot", members: &IOT },
    PortSet { name: "web", members: &WEB },
    PortSet { name: "remote", members: &REMOTE },
    PortSet { name: "ics", members: &ICS },
];

const IOT: [PortSetMember; 41] = [
    tcp(80, "web interfaces of routers, cameras, recorders"),
    tcp(443, "the same over TLS"),
    tcp(23, "telnet of embedded Linux; what Mirai tries first"),
    tcp(22, "SSH, often dropbear"),
    tcp(8080, "second web interface, port-forwarded devices"),
    tcp(7547, "TR-069 connection request of home routers"),
    tcp(554, "RTSP of cameras and recorders"),
    tcp(8443, "web interfaces over TLS"),
    tcp(21, "FTP of NAS and cameras"),
    tcp(2323, "telnet moved aside"),
    tcp(81, "web interfaces of cameras and recorders"),
    tcp(82, "web interfaces, forwarded second device"),
    tcp(88, "web interfaces of cameras"),
    tcp(8000, "Hikvision SDK, web interfaces"),
    tcp(8081, "web interfaces, forwarded second device"),
    tcp(8088, "web interfaces"),
    tcp(8181, "web interfaces of routers"),
    tcp(8888, "web interfaces"),
    tcp(8554, "RTSP moved aside"),
    tcp(37_777, "Dahua recorders"),
    tcp(34_567, "Xiongmai recorders"),
    tcp(9527, "Xiongmai debug console"),
    tcp(9000, "Hikvision, Reolink and other recorders"),
    tcp(1883, "MQTT"),
    tcp(8883, "MQTT over TLS"),
    tcp(5000, "Synology NAS, UPnP descriptions"),
    tcp(49_152, "UPnP descriptions"),
    tcp(52_869, "UPnP SOAP of Realtek-based routers"),
    tcp(37_215, "UPnP of Huawei routers"),
    tcp(5555, "Android debug bridge on boxes and televisions"),
    tcp(8291, "MikroTik Winbox"),
    tcp(1900, "UPnP over TCP"),
    tcp(4567, "TR-069 of some vendors"),
    tcp(9001, "MQTT over WebSocket, web interfaces"),
    tcp(6668, "Tuya devices"),
    udp(161, "SNMP"),
    udp(1900, "SSDP"),
    udp(5683, "CoAP"),
    udp(5353, "mDNS answered from outside its link"),
    udp(3702, "WS-Discovery of cameras"),
    udp(37_810, "Dahua discovery"),
];

const WEB: [PortSetMember; 12] = [
    tcp(80, "HTTP"),
    tcp(443, "HTTPS"),
    tcp(8080, "HTTP alternative"),
    tcp(8443, "HTTPS alternative"),
    tcp(8000, "HTTP alternative"),
    tcp(8888, "HTTP alternative"),
    tcp(8081, "HTTP alternative"),
    tcp(8008, "HTTP alternative"),
    tcp(81, "HTTP alternative"),
    tcp(5000, "application servers, NAS"),
    tcp(3000, "application servers"),
    tcp(9443, "HTTPS alternative"),
];

const REMOTE: [PortSetMember; 8] = [
    tcp(22, "SSH"),
    tcp(23, "telnet"),
    tcp(2222, "SSH moved aside"),
    tcp(2323, "telnet moved aside"),
    tcp(3389, "Remote Desktop"),
    tcp(5900, "VNC"),
    tcp(5901, "VNC, second display"),
    tcp(5985, "Windows Remote Management"),
];

const ICS: [PortSetMember; 11] = [
    tcp(502, "Modbus"),
    tcp(102, "Siemens S7 (ISO-TSAP)"),
    tcp(44_818, "EtherNet/IP"),
    tcp(1911, "Niagara Fox"),
    tcp(4911, "Niagara Fox over TLS"),
    tcp(20_000, "DNP3"),
    tcp(2404, "IEC 60870-5-104"),
    tcp(4840, "OPC UA"),
    tcp(9600, "OMRON FINS"),
    tcp(5007, "Mitsubishi MELSEC"),
    udp(47_808, "BACnet/IP"),
];

const fn tcp(port: u16, why: &'static str) -> PortSetMember {
    member(ProbeKind::TcpSyn, port, why)
}

const fn udp(port: u16, why: &'static str) -> PortSetMember {
    member(ProbeKind::Udp, port, why)
}

const fn member(kind: ProbeKind, port: u16, why: &'static str) -> PortSetMember {
    PortSetMember { port: ProbePort { kind, port }, why }
}
