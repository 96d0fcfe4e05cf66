//! Exclusions that can be replaced while probes go out: whoever checks each probe keeps a copy and looks at one number to
//! learn whether it is still the right one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use prober_common::address::V4;

use super::address_set::AddressSet;
use super::exclusions::Exclusions;

/// The exclusions in force.
#[derive(Debug)]
pub struct SharedExclusions {
    current: RwLock<Exclusions>,
    version: AtomicU64,
}

impl SharedExclusions {
    /// At the beginning.
    pub fn new(exclusions: Exclusions) -> Arc<Self> {
        Arc::new(Self { current: RwLock::new(exclusions), version: AtomicU64::new(0) })
    }

    /// From now on these.
    pub fn replace(&self, exclusions: Exclusions) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = exclusions;
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Whether `address` must not be probed; takes a lock.
    pub fn contains(&self, address: V4) -> bool {
        self.current().contains(address)
    }

    /// Those in force; cheap to copy.
    pub fn current(&self) -> Exclusions {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For a thread that checks each probe.
    pub fn reader(self: &Arc<Self>) -> ExclusionReader {
        let version = self.version.load(Ordering::Acquire);
        ExclusionReader { own: self.current(), version, shared: Arc::clone(self) }
    }
}

/// A thread's copy.
#[derive(Clone, Debug)]
pub struct ExclusionReader {
    shared: Arc<SharedExclusions>,
    version: u64,
    own: Exclusions,
}

impl ExclusionReader {
    /// Takes up what was replaced since; a few ns if nothing was.
    #[inline]
    pub fn refresh(&mut self) {
        let version = self.shared.version.load(Ordering::Acquire);
        if version != self.version {
            self.own = self.shared.current();
            self.version = version;
        }
    }

    /// Counts up with each replacement, as of the last [`refresh`](Self::refresh).
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Every excluded address, as of the last [`refresh`](Self::refresh).
    pub fn addresses(&self) -> &AddressSet {
        self.own.addresses()
    }

    /// Whether `address` must not be probed, as of the last [`refresh`](Self::refresh).
    #[inline]
    pub fn contains(&self, address: V4) -> bool {
        self.own.contains(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_follows_what_is_replaced() {
        let of = |text: &str| Exclusions::new([("x".to_owned(), vec![text.parse().expect("a prefix")])], true);
        let shared = SharedExclusions::new(of("20.0.0.0/24"));
        let mut reader = shared.reader();
        let (first, second) = (V4(0x1400_0001), V4(0x1400_0101));
        assert!(reader.contains(first) && !reader.contains(second));
        shared.replace(of("20.0.1.0/24"));
        assert!(reader.contains(first), "a copy is a copy");
        reader.refresh();
        assert!(!reader.contains(first) && reader.contains(second) && shared.contains(second));
    }
}
