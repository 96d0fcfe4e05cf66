//! An IPv4 address as a number in host order. Deliberately not `core::net::Ipv4Addr`: this one crosses the kernel
//! boundary, sorts and subtracts. IPv6 joins as a sibling type, so nothing takes a bare `u32` for an address.

use core::fmt;

/// An IPv4 address in host byte order (`192.0.2.1` is `0xC000_0201`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct V4(pub u32);

impl V4 {
    /// The /24 that holds this address, as its number (the address without its last octet).
    #[inline(always)]
    pub const fn slash24(self) -> u32 {
        self.0 >> 8
    }
}

impl fmt::Display for V4 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0.to_be_bytes();
        write!(out, "{a}.{b}.{c}.{d}")
    }
}

impl From<core::net::Ipv4Addr> for V4 {
    fn from(address: core::net::Ipv4Addr) -> Self {
        Self(u32::from(address))
    }
}

impl From<V4> for core::net::Ipv4Addr {
    fn from(address: V4) -> Self {
        Self::from(address.0)
    }
}
