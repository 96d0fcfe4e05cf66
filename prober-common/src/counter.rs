//! Why each received frame was accepted, passed or lost: one per-CPU counter each in the kernel.

/// A reason that is counted. The numbers index the kernel's counter map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Counter {
    /// Replies whose token verified.
    Accepted = 0,
    /// Accepted replies that found the ring buffer full: lost, and counted here.
    RingFull = 1,
    /// RSTs sent back after an accepted SYN-ACK.
    RstSent = 2,
    /// Frames that are not IPv4.
    NotIpv4 = 3,
    /// IPv4 not addressed to our source address.
    NotOurAddress = 4,
    /// Frames too short for the headers that they announce.
    Truncated = 5,
    /// IP fragments.
    Fragment = 6,
    /// Protocols, ports, flags or ICMP types that no probe of ours provokes.
    Foreign = 7,
    /// Well-formed like a reply to us, but the token is wrong (stray, forged, or later than the window).
    BadToken = 8,
}

impl Counter {
    /// Every counter, in map order.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::RingFull,
        Self::RstSent,
        Self::NotIpv4,
        Self::NotOurAddress,
        Self::Truncated,
        Self::Fragment,
        Self::Foreign,
        Self::BadToken,
    ];
    /// How many entries the kernel's counter map has.
    pub const COUNT: usize = Self::ALL.len();

    /// The name used in SQL, JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::RingFull => "ring_full",
            Self::RstSent => "rst_sent",
            Self::NotIpv4 => "not_ipv4",
            Self::NotOurAddress => "not_our_address",
            Self::Truncated => "truncated",
            Self::Fragment => "fragment",
            Self::Foreign => "foreign",
            Self::BadToken => "bad_token",
        }
    }
}
