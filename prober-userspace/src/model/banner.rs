//! What a service said of itself when it was asked politely: the nouns of banner grabbing. How it is asked is `io/grab`'s
//! business, what it means `device`'s.

use std::fmt::Write;

use prober_common::address::V4;

use crate::model::utc::UtcMicros;

/// Most bytes of text that are kept of one service.
pub const TEXT_BYTES: usize = 96 << 10;

/// What one service said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// Whose.
    pub address: V4,
    /// On which port.
    pub port: u16,
    /// Over which transport.
    pub transport: Transport,
    /// In which protocol, as recognised; as expected when nothing came that could tell.
    pub protocol: BannerProtocol,
    /// How it went.
    pub outcome: GrabOutcome,
    /// Whether the text is only the beginning of what was to come.
    pub truncated: bool,
    /// What it said, in the readable form that signatures match on; at most [`TEXT_BYTES`].
    pub text: Vec<u8>,
    /// When the grab began.
    pub grabbed_at: UtcMicros,
    /// From the beginning to the end of the grab, in us.
    pub duration_us: u32,
    /// Bytes received, under any encryption.
    pub received_bytes: u32,
    /// Bytes sent, under any encryption.
    pub sent_bytes: u32,
    /// Connections opened (TCP) or sockets used (UDP) for it; 0 for a second banner of the same connection.
    pub connections: u8,
}

/// A transport that carries banners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    /// The name in SQL and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A protocol in which services introduce themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BannerProtocol {
    /// Web.
    Http,
    /// Web under TLS.
    Https,
    /// The certificate and version of a TLS handshake.
    Tls,
    /// Secure shell.
    Ssh,
    /// File transfer.
    Ftp,
    /// Mail, submission.
    Smtp,
    /// Mailbox.
    Pop3,
    /// Mailbox.
    Imap,
    /// Remote terminal.
    Telnet,
    /// Streaming control.
    Rtsp,
    /// Telephony.
    Sip,
    /// Message broker.
    Mqtt,
    /// Network management, engine discovery of version 3.
    Snmp,
    /// SSDP, unicast.
    Upnp,
    /// Multicast DNS, unicast.
    Mdns,
    /// Domain names.
    Dns,
    /// Modbus/TCP.
    Modbus,
    /// S7comm over ISO on TCP.
    S7,
    /// BACnet/IP.
    Bacnet,
    /// Niagara Fox.
    Fox,
    /// EtherNet/IP (CIP).
    EthernetIp,
    /// None of these was recognised.
    Unknown,
}

impl BannerProtocol {
    /// Every protocol.
    pub const ALL: [Self; 22] = [
        Self::Http,
        Self::Https,
        Self::Tls,
        Self::Ssh,
        Self::Ftp,
        Self::Smtp,
        Self::Pop3,
        Self::Imap,
        Self::Telnet,
        Self::Rtsp,
        Self::Sip,
        Self::Mqtt,
        Self::Snmp,
        Self::Upnp,
        Self::Mdns,
        Self::Dns,
        Self::Modbus,
        Self::S7,
        Self::Bacnet,
        Self::Fox,
        Self::EthernetIp,
        Self::Unknown,
    ];

    /// The name in SQL, JSON and on screen; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tls => "tls",
            Self::Ssh => "ssh",
            Self::Ftp => "ftp",
            Self::Smtp => "smtp",
            Self::Pop3 => "pop3",
            Self::Imap => "imap",
            Self::Telnet => "telnet",
            Self::Rtsp => "rtsp",
            Self::Sip => "sip",
            Self::Mqtt => "mqtt",
            Self::Snmp => "snmp",
            Self::Upnp => "upnp",
            Self::Mdns => "mdns",
            Self::Dns => "dns",
            Self::Modbus => "modbus",
            Self::S7 => "s7",
            Self::Bacnet => "bacnet",
            Self::Fox => "fox",
            Self::EthernetIp => "ethernet_ip",
            Self::Unknown => "unknown",
        }
    }
}

/// How a grab went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrabOutcome {
    /// The service introduced itself.
    Answered,
    /// It took the connection (TCP), or not even that is known (UDP), and said nothing.
    Silent,
    /// The connection was refused.
    Refused,
    /// A router said that there is no way there.
    Unreachable,
    /// The connection was reset before the service had said enough.
    Reset,
    /// It was closed before the service had said enough.
    Closed,
    /// No connection within the time, or the answer did not come to its end within it.
    Timeout,
    /// The answer is longer than what is kept, on the wire or decompressed.
    TooMuch,
    /// The answer breaks the rules of its protocol.
    Malformed,
    /// It was not asked: its host had taken up all the time that one may, or let no connection come about any more.
    GivenUp,
    /// We were told to stop before it had said everything.
    Interrupted,
}

impl GrabOutcome {
    /// Every outcome.
    pub const ALL: [Self; 11] = [
        Self::Answered,
        Self::Silent,
        Self::Refused,
        Self::Unreachable,
        Self::Reset,
        Self::Closed,
        Self::Timeout,
        Self::TooMuch,
        Self::Malformed,
        Self::GivenUp,
        Self::Interrupted,
    ];

    /// The name in SQL and JSON; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Silent => "silent",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::TooMuch => "too_much",
            Self::Malformed => "malformed",
            Self::GivenUp => "given_up",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Bytes as text that any reader can take: valid UTF-8 stays, and so do tab, CR and LF; other control characters and
/// bytes that are no UTF-8 become `\xNN`. A backslash stays one, so patterns match what was sent.
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\t' | '\r' | '\n' => text.push(character),
                control if control.is_ascii_control() => escape(&mut text, control as u8),
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            escape(&mut text, *byte);
        }
    }
    text
}

fn escape(text: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = BannerProtocol::ALL.iter().map(|protocol| protocol.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BannerProtocol::ALL.len());
        let mut names: Vec<_> = GrabOutcome::ALL.iter().map(|outcome| outcome.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), GrabOutcome::ALL.len());
    }

    #[test]
    fn what_is_no_text_is_escaped_and_the_rest_stays() {
        assert_eq!(readable("HTTP/1.1 200 OK\r\n\tカメラ\\".as_bytes()), "HTTP/1.1 200 OK\r\n\tカメラ\\");
        assert_eq!(readable(b"a\0b\xff\xfe\x1b[2J\xe3\x81"), "a\\x00b\\xff\\xfe\\x1b[2J\\xe3\\x81");
        assert_eq!(readable(b""), "");
    }
}
