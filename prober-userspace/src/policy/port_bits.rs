//! A set of TCP ports as one bit each: what a visit probes. Which ports belong in one is decided elsewhere.

/// 65,536 bits, 8 KiB.
#[derive(Clone, PartialEq, Eq)]
pub struct PortBits {
    words: Box<[u64; 1024]>,
    len: u32,
}

impl PortBits {
    /// None.
    pub fn new() -> Self {
        Self { words: Box::new([0; 1024]), len: 0 }
    }

    /// How many ports.
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it holds this port.
    pub fn holds(&self, port: u16) -> bool {
        self.words[usize::from(port >> 6)] >> (port & 63) & 1 == 1
    }

    /// Adds a port; whether it is new.
    pub fn insert(&mut self, port: u16) -> bool {
        // Not as one expression of the word: rustc 1.95 loses a count there at -O2 and above (the test below).
        let is_new = !self.holds(port);
        if is_new {
            self.words[usize::from(port >> 6)] |= 1 << (port & 63);
            self.len += 1;
        }
        is_new
    }

    /// The ports in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.words.iter().zip(0_u16..).flat_map(|(word, number)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = u16::try_from(left.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
                left &= left - 1;
                Some(number << 6 | bit)
            })
        })
    }
}

impl Default for PortBits {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for PortBits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PortBits({} ports)", self.len)
    }
}

impl FromIterator<u16> for PortBits {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        let mut bits = Self::new();
        bits.extend(ports);
        bits
    }
}

impl Extend<u16> for PortBits {
    fn extend<I: IntoIterator<Item = u16>>(&mut self, ports: I) {
        for port in ports {
            self.insert(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_counts_once() {
        let mut bits: PortBits = [0, 80, 443, 65_535].into_iter().collect();
        assert!(!bits.insert(80) && bits.insert(81));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 80, 81, 443, 65_535]);
        assert_eq!((bits.len(), bits.holds(81), bits.holds(82)), (5, true, false));
    }
}
