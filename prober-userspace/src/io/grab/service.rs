//! What is tried on a port, and in which order (LZR's idea: listen first, then few short probes; Izhikevich et al., USENIX
//! Security 2021). Industrial protocols are spoken on their own ports only, and nothing else is tried there.

use crate::model::banner::{BannerProtocol, Transport};

/// One thing to try, each on a connection of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Speak this protocol; only listen if it is `Unknown`.
    Ask(BannerProtocol),
    /// A TLS handshake, then this protocol under it.
    Tls(BannerProtocol),
    /// The start of an old TLS handshake.
    OldTls,
}

/// Most connections for one target.
pub const ATTEMPTS: usize = 4;

/// The attempts on a port, in order; empty if there is nothing to say there.
pub fn attempts(transport: Transport, port: u16) -> Vec<Attempt> {
    match transport {
        Transport::Tcp => over_tcp(port),
        Transport::Udp => over_udp(port).map(Attempt::Ask).into_iter().collect(),
    }
}

fn over_tcp(port: u16) -> Vec<Attempt> {
    use Attempt::{Ask, Tls};
    use BannerProtocol::{
        EthernetIp, Fox, Ftp, Http, Imap, Modbus, Mqtt, Pop3, Rtsp, S7, Sip, Smtp, Ssh, Telnet, Unknown,
    };
    match port {
        21 | 2121 => vec![Ask(Ftp), Ask(Http)],
        22 | 830 | 2022 | 2200 | 2222 | 22222 => vec![Ask(Ssh), Ask(Http), Tls(Http)],
        23 | 2323 | 23023 => vec![Ask(Telnet), Ask(Http), Tls(Http)],
        25 | 587 | 2525 => vec![Ask(Smtp)],
        110 => vec![Ask(Pop3)],
        143 => vec![Ask(Imap)],
        80..=89 | 591 | 5000 | 5357 | 7547 | 8000..=8010 | 8080..=8090 | 8888 | 8899 | 9000 | 49152 | 49153 => {
            vec![Ask(Http), Tls(Http)]
        }
        443 | 4443 | 4433 | 5001 | 5443 | 7443 | 8443 | 8834 | 9443 | 10443 => vec![Tls(Http), Ask(Http)],
        465 => vec![Tls(Smtp)],
        990 => vec![Tls(Ftp)],
        993 => vec![Tls(Imap)],
        995 => vec![Tls(Pop3)],
        992 => vec![Tls(Telnet)],
        554 | 5554 | 8554 | 10554 => vec![Ask(Rtsp)],
        322 => vec![Tls(Rtsp)],
        5060 => vec![Ask(Sip)],
        5061 => vec![Tls(Sip)],
        1883 => vec![Ask(Mqtt)],
        8883 => vec![Tls(Mqtt)],
        102 => vec![Ask(S7)],
        502 => vec![Ask(Modbus)],
        1911 | 3011 => vec![Ask(Fox)],
        4911 | 5011 => vec![Tls(Fox)],
        44818 => vec![Ask(EthernetIp)],
        // Control protocols without a harmless question of ours: listen, and leave it at that.
        789 | 1962 | 2404 | 2455 | 4840 | 9600 | 18245 | 20000 | 20547 => vec![Ask(Unknown)],
        _ => vec![Ask(Unknown), Ask(Http), Tls(Http)],
    }
}

const fn over_udp(port: u16) -> Option<BannerProtocol> {
    match port {
        53 => Some(BannerProtocol::Dns),
        161 => Some(BannerProtocol::Snmp),
        1900 => Some(BannerProtocol::Upnp),
        5060 => Some(BannerProtocol::Sip),
        5353 => Some(BannerProtocol::Mdns),
        44818 => Some(BannerProtocol::EthernetIp),
        47808..=47817 => Some(BannerProtocol::Bacnet),
        _ => None,
    }
}

/// A port to which nothing is ever sent: many printers print whatever arrives there.
pub const fn is_printer(port: u16) -> bool {
    matches!(port, 515 | 9100..=9107)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_few_and_control_systems_get_only_their_own() {
        for port in 1..=u16::MAX {
            let tries = attempts(Transport::Tcp, port);
            assert!((1..ATTEMPTS).contains(&tries.len()), "{port}");
            assert!(attempts(Transport::Udp, port).len() <= 1);
        }
        for port in [102, 502, 1911, 2404, 20000, 44818] {
            assert_eq!(attempts(Transport::Tcp, port).len(), 1, "{port}");
        }
        assert_eq!(attempts(Transport::Tcp, 12345)[0], Attempt::Ask(BannerProtocol::Unknown));
        assert!(is_printer(515) && is_printer(9100) && is_printer(9107) && !is_printer(9108));
    }
}
