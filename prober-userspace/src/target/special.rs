//! IPv4 ranges that are not ordinary hosts on the Internet: IANA's special-purpose registry (RFC 6890 and updates)
//! with multicast and class E. Excluded unless the operator asks for them, as in a lab.

use prober_common::address::V4;

use super::range::AddressRange;

/// One registered range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialRange {
    /// The addresses.
    pub range: AddressRange,
    /// What they are for.
    pub name: &'static str,
    /// The document that sets them apart.
    pub source: &'static str,
}

/// The registry, in ascending order.
pub const SPECIAL_RANGES: [SpecialRange; 19] = [
    special([0, 0, 0, 0], 8, "this network", "RFC 791"),
    special([10, 0, 0, 0], 8, "private use", "RFC 1918"),
    special([100, 64, 0, 0], 10, "shared address space (carrier NAT)", "RFC 6598"),
    special([127, 0, 0, 0], 8, "loopback", "RFC 1122"),
    special([169, 254, 0, 0], 16, "link local", "RFC 3927"),
    special([172, 16, 0, 0], 12, "private use", "RFC 1918"),
    special([192, 0, 0, 0], 24, "IETF protocol assignments", "RFC 6890"),
    special([192, 0, 2, 0], 24, "documentation (TEST-NET-1)", "RFC 5737"),
    special([192, 31, 196, 0], 24, "AS112-v4", "RFC 7535"),
    special([192, 52, 193, 0], 24, "AMT", "RFC 7450"),
    special([192, 88, 99, 0], 24, "deprecated 6to4 relay anycast", "RFC 7526"),
    special([192, 168, 0, 0], 16, "private use", "RFC 1918"),
    special([192, 175, 48, 0], 24, "direct delegation AS112 service", "RFC 7534"),
    special([198, 18, 0, 0], 15, "benchmarking", "RFC 2544"),
    special([198, 51, 100, 0], 24, "documentation (TEST-NET-2)", "RFC 5737"),
    special([203, 0, 113, 0], 24, "documentation (TEST-NET-3)", "RFC 5737"),
    special([224, 0, 0, 0], 4, "multicast", "RFC 5771"),
    special([240, 0, 0, 0], 4, "reserved", "RFC 1112"),
    special([255, 255, 255, 255], 32, "limited broadcast", "RFC 919"),
];

/// The narrowest special range that holds `address`.
pub fn special_range_of(address: V4) -> Option<&'static SpecialRange> {
    SPECIAL_RANGES
        .iter()
        .filter(|special| special.range.contains(address))
        .min_by_key(|special| special.range.address_count())
}

const fn special(octets: [u8; 4], length: u8, name: &'static str, source: &'static str) -> SpecialRange {
    SpecialRange { range: AddressRange::prefix(V4(u32::from_be_bytes(octets)), length), name, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::address_set::AddressSet;

    #[test]
    fn the_narrowest_range_names_an_address() {
        let name = |address| special_range_of(V4(address)).map(|special| special.name);
        assert_eq!(name(0x0a01_0203), Some("private use"));
        assert_eq!(name(u32::MAX), Some("limited broadcast"));
        assert_eq!(name(0xffff_fffe), Some("reserved"));
        assert_eq!(name(0x0808_0808), None);
    }

    #[test]
    fn the_public_space_has_its_known_size() {
        let special: AddressSet = SPECIAL_RANGES.iter().map(|special| special.range).collect();
        let slash24s = 8 << 8;
        // 0/8 10/8 127/8 224/3 + 100.64/10 + 172.16/12 + 198.18/15 + two /16s + nine /24s, counted by hand.
        let by_hand = (35_u64 << 24) + (1 << 22) + (1 << 20) + (1 << 17) + (2 << 16) + slash24s;
        assert_eq!(special.len(), by_hand);
    }
}
