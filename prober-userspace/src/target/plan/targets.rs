//! Where an index becomes a target: a product of addresses and ports, or a stored pair.

use std::collections::BTreeSet;

use prober_common::event::ProbeKind;
use prober_common::slot::ProbeSlot;

use crate::target::address_set::AddressSet;
use crate::target::ports::ProbePort;
use crate::target::splitmix::Digest;

/// The targets by index, in ascending order; the permutation picks from here.
#[derive(Clone, Debug)]
pub(super) enum Targets {
    Product { addresses: AddressSet, ports: Vec<ProbeSlot>, divisor: Divisor },
    Pairs(Vec<ProbeSlot>),
}

impl Targets {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Product { addresses, ports, .. } => addresses.len() * ports.len() as u64,
            Self::Pairs(pairs) => pairs.len() as u64,
        }
    }

    #[inline]
    pub(super) fn target(&self, index: u64) -> ProbeSlot {
        match self {
            Self::Product { addresses, ports, divisor } => {
                let (rank, port) = divisor.divide(index);
                ProbeSlot { address: addresses.nth(rank), ..ports[port as usize] }
            }
            Self::Pairs(pairs) => pairs[index as usize],
        }
    }

    pub(super) fn look_up(&self, indexes: &[u64], out: &mut [ProbeSlot]) {
        match self {
            Self::Product { addresses, ports, .. } if ports.len() == 1 => {
                for (slot, &index) in out.iter_mut().zip(indexes) {
                    *slot = ProbeSlot { address: addresses.nth(index), ..ports[0] };
                }
            }
            Self::Product { .. } | Self::Pairs(_) => {
                for (slot, &index) in out.iter_mut().zip(indexes) {
                    *slot = self.target(index);
                }
            }
        }
    }

    pub(super) fn probe_ports(&self) -> Vec<ProbePort> {
        let slots = match self {
            Self::Product { ports, .. } | Self::Pairs(ports) => ports,
        };
        let distinct: BTreeSet<ProbePort> = slots
            .iter()
            .filter_map(|slot| Some(ProbePort { kind: ProbeKind::from_code(slot.probe)?, port: slot.port }))
            .collect();
        distinct.into_iter().collect()
    }

    pub(super) fn fingerprint(&self, seed: u64) -> u64 {
        let mut digest = Digest::new(1);
        digest.add(seed);
        let word =
            |slot: &ProbeSlot| u64::from(slot.address.0) << 32 | u64::from(slot.port) << 8 | u64::from(slot.probe);
        match self {
            Self::Product { addresses, ports, .. } => {
                digest.add(ports.len() as u64);
                for port in ports {
                    digest.add(word(port));
                }
                for range in addresses.ranges() {
                    digest.add(u64::from(range.first().0) << 32 | u64::from(range.last().0));
                }
            }
            Self::Pairs(pairs) => {
                digest.add(0);
                for pair in pairs {
                    digest.add(word(pair));
                }
            }
        }
        digest.value()
    }
}

/// Division by a number known only at run time, without the division: multiply by its reciprocal, then correct by
/// at most one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Divisor {
    by: u64,
    reciprocal: u64,
}

impl Divisor {
    pub(super) fn new(by: u64) -> Self {
        Self { by, reciprocal: u64::MAX / by }
    }

    #[inline]
    pub(super) fn divide(self, value: u64) -> (u64, u64) {
        let quotient = ((u128::from(value) * u128::from(self.reciprocal)) >> 64) as u64;
        let rest = value - quotient * self.by;
        if rest >= self.by { (quotient + 1, rest - self.by) } else { (quotient, rest) }
    }
}
