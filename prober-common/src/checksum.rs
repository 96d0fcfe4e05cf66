//! The Internet checksum (RFC 1071) as running one's complement sums, so that a template's constant part is summed once
//! and each probe adds only its own fields (RFC 1624). Checksums of received frames are the kernel's business.

/// A one's complement sum that is not folded yet. Holds at least 65,535 added words without overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Sum(pub u32);

impl Sum {
    /// Adds a 16-bit word.
    #[inline(always)]
    #[must_use]
    pub const fn word(self, word: u16) -> Self {
        Self(self.0 + word as u32)
    }

    /// Adds a 32-bit field that starts at an even offset.
    #[inline(always)]
    #[must_use]
    pub const fn long(self, long: u32) -> Self {
        Self(self.0 + (long >> 16) + (long & 0xffff))
    }

    /// Adds bytes; the first one is taken to stand at an even offset.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        bytes.iter().enumerate().fold(self, |sum, (i, &byte)| sum.byte(i, byte))
    }

    /// Adds one byte that stands at `offset`.
    #[inline(always)]
    #[must_use]
    pub const fn byte(self, offset: usize, byte: u8) -> Self {
        Self(self.0 + if offset.is_multiple_of(2) { (byte as u32) << 8 } else { byte as u32 })
    }

    /// The folded sum, 0 to 0xffff.
    #[inline(always)]
    pub const fn fold(self) -> u16 {
        let once = (self.0 & 0xffff) + (self.0 >> 16);
        ((once & 0xffff) + (once >> 16)) as u16
    }

    /// The value for the checksum field: the complement of the folded sum.
    #[inline(always)]
    pub const fn complement(self) -> u16 {
        !self.fold()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of RFC 1071, section 3.
    #[test]
    fn rfc_1071_example() {
        let sum = Sum::default().bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.fold(), 0xddf2);
    }

    #[test]
    fn fields_add_up_like_bytes() {
        let by_field = Sum::default().long(0x1234_5678).word(0x9abc).byte(6, 0xde);
        assert_eq!(by_field.fold(), Sum::default().bytes(&[0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde]).fold());
    }
}
