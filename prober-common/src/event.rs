//! One accepted reply as the XDP program writes it into the ring buffer. Raw packets never reach user space.

use crate::address::V4;

/// What kind of answer came back. The numbers are stored; never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReplyKind {
    /// TCP SYN-ACK: the port is open.
    SynAck = 0,
    /// TCP RST: the port is closed, or something in front of it refuses.
    Rst = 1,
    /// ICMP echo reply.
    EchoReply = 2,
    /// UDP datagram that repeats our token.
    UdpReply = 3,
    /// ICMP destination unreachable, quoting our probe.
    Unreachable = 4,
    /// ICMP time exceeded, quoting our probe.
    TimeExceeded = 5,
    /// Any other ICMP error (source quench, parameter problem, redirect), quoting our probe.
    IcmpOther = 6,
}

impl ReplyKind {
    /// Every kind, in stored order.
    pub const ALL: [Self; 7] = [
        Self::SynAck,
        Self::Rst,
        Self::EchoReply,
        Self::UdpReply,
        Self::Unreachable,
        Self::TimeExceeded,
        Self::IcmpOther,
    ];

    /// The kind with this stored number.
    pub const fn from_code(code: u8) -> Option<Self> {
        if (code as usize) < Self::ALL.len() { Some(Self::ALL[code as usize]) } else { None }
    }

    /// The name used in SQL, JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynAck => "syn_ack",
            Self::Rst => "rst",
            Self::EchoReply => "echo_reply",
            Self::UdpReply => "udp_reply",
            Self::Unreachable => "unreachable",
            Self::TimeExceeded => "time_exceeded",
            Self::IcmpOther => "icmp_other",
        }
    }

    /// Whether the probed host itself is reachable at the probed port (a positive answer).
    pub const fn is_open(self) -> bool {
        matches!(self, Self::SynAck | Self::EchoReply | Self::UdpReply)
    }
}

/// The transport of the probe that was answered. The numbers are stored; never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ProbeKind {
    /// TCP SYN to a port.
    TcpSyn = 0,
    /// ICMP echo request (port 0).
    IcmpEcho = 1,
    /// UDP datagram with a payload that the service repeats.
    Udp = 2,
}

impl ProbeKind {
    /// Every kind, in stored order.
    pub const ALL: [Self; 3] = [Self::TcpSyn, Self::IcmpEcho, Self::Udp];

    /// The kind with this stored number.
    pub const fn from_code(code: u8) -> Option<Self> {
        if (code as usize) < Self::ALL.len() { Some(Self::ALL[code as usize]) } else { None }
    }

    /// The name used in SQL, JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TcpSyn => "tcp_syn",
            Self::IcmpEcho => "icmp_echo",
            Self::Udp => "udp",
        }
    }
}

/// An accepted reply: 32 bytes, no padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ReplyEvent {
    /// When the reply arrived, in ns of the kernel's monotonic clock (`CLOCK_MONOTONIC`).
    pub received_ns: u64,
    /// Arrival minus the send time that the reply carried, in ns; resolution 8 us.
    pub rtt_ns: u64,
    /// The address that was probed.
    pub target: V4,
    /// The address that answered: `target`, or the router that sent an ICMP error.
    pub responder: V4,
    /// The probed port; 0 for ICMP echo.
    pub port: u16,
    /// TCP: the window; ICMP errors: type << 8 | code; else 0.
    pub detail: u16,
    /// [`ReplyKind`] as its number.
    pub kind: u8,
    /// [`ProbeKind`] as its number.
    pub probe: u8,
    /// TTL of the reply as it arrived.
    pub ttl: u8,
    /// ICMP errors: the TTL left in the quoted probe; else 0.
    pub quoted_ttl: u8,
}

const _: () = assert!(size_of::<ReplyEvent>() == 32 && align_of::<ReplyEvent>() == 8);
