//! What a scan will probe, in its order: addresses x ports or explicit pairs, without the excluded, permuted by a
//! seed. Random access by position; nothing is stored per target except for explicit pairs.

mod targets;
#[cfg(test)]
mod tests;

use prober_common::address::V4;
use prober_common::slot::ProbeSlot;
use thiserror::Error;

use self::targets::{Divisor, Targets};
use super::address_set::AddressSet;
use super::exclusions::Exclusions;
use super::pair_list::slot;
use super::permutation::Permutation;
use super::ports::ProbePort;

/// Without an exclusion list no scan may cover more addresses than a /8 has.
pub const MAX_UNGUARDED_ADDRESSES: u64 = 1 << 24;

/// Positions looked up together.
const GROUP: usize = 64;

/// What the operator asks for, before exclusions.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Every port on every address.
    Product {
        /// The addresses.
        addresses: AddressSet,
        /// The ports, each once.
        ports: Vec<ProbePort>,
    },
    /// Just these; repeats count once.
    Pairs(Vec<ProbeSlot>),
}

/// The targets of a scan in their order. Immutable; share it in an `Arc`.
#[derive(Clone, Debug)]
pub struct Plan {
    targets: Targets,
    permutation: Permutation,
    seed: u64,
    fingerprint: u64,
    addresses: u64,
    slash24s: u64,
    excluded: u64,
}

/// Why there is no plan, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A huge scope without a list of those who do not want to be probed.
    #[error(
        "{addresses} addresses are in scope, more than a /8 ({MAX_UNGUARDED_ADDRESSES}), without an exclusion list: \
         give one with --blocklist-file, or narrow the targets"
    )]
    Unguarded {
        /// How many addresses would be probed.
        addresses: u64,
    },
    /// No address given.
    #[error("no targets: give addresses, prefixes or a list file")]
    NoTargets,
    /// No port given.
    #[error("no ports: give some like 80,443, or icmp")]
    NoPorts,
    /// Everything is excluded.
    #[error("no targets left: all {count} are excluded (the first, {first}, by {reason}); {advice}")]
    AllExcluded {
        /// How many targets there were.
        count: u64,
        /// The lowest address.
        first: V4,
        /// Who excludes it.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// More positions than the permutation orders.
    #[error("{count} targets are more than 2^48: give fewer addresses or ports")]
    TooMany {
        /// Addresses times ports.
        count: u64,
    },
}

impl Plan {
    /// The plan of `scope` without the excluded addresses, in the order that `seed` chooses.
    pub fn new(scope: Scope, exclusions: &Exclusions, seed: u64) -> Result<Self, PlanError> {
        let drawn = match scope {
            Scope::Product { addresses, ports } => Draft::product(&addresses, &ports, exclusions)?,
            Scope::Pairs(pairs) => Draft::pairs(pairs, exclusions)?,
        };
        if drawn.addresses > MAX_UNGUARDED_ADDRESSES && exclusions.sources().is_empty() {
            return Err(PlanError::Unguarded { addresses: drawn.addresses });
        }
        let count = drawn.targets.len();
        let permutation = Permutation::new(count, seed).ok_or(PlanError::TooMany { count })?;
        Ok(Self {
            fingerprint: drawn.targets.fingerprint(seed),
            targets: drawn.targets,
            permutation,
            seed,
            addresses: drawn.addresses,
            slash24s: drawn.slash24s,
            excluded: drawn.excluded,
        })
    }

    /// How many targets, 1 to 2^48.
    pub fn len(&self) -> u64 {
        self.permutation.len()
    }

    /// Never: a plan without targets is an error. For symmetry with `len`.
    pub fn is_empty(&self) -> bool {
        self.permutation.is_empty()
    }

    /// The target at `position`, which must be below `len()`; beyond it the answer is some target of the plan.
    #[inline]
    pub fn at(&self, position: u64) -> ProbeSlot {
        self.targets.target(self.permutation.at(position))
    }

    /// The targets at `start`, `start + step`, ... until `out` is full or the plan ends; returns how many. Fastest
    /// with room for 64 or more.
    pub fn fill(&self, start: u64, step: u64, out: &mut [ProbeSlot]) -> usize {
        let step = step.max(1);
        let left = self.len().saturating_sub(start).div_ceil(step);
        let count = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut position = start;
        for group in out[..count].chunks_mut(GROUP) {
            let mut indexes = [0; GROUP];
            let indexes = &mut indexes[..group.len()];
            for index in &mut *indexes {
                *index = position;
                position += step;
            }
            self.permutation.apply(indexes);
            self.targets.look_up(indexes, group);
        }
        count
    }

    /// What is sent at all: each kind and port once.
    pub fn probe_ports(&self) -> Vec<ProbePort> {
        self.targets.probe_ports()
    }

    /// A number that differs whenever targets or order do; a resume must find the same.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// What chose the order.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many addresses are probed at all.
    pub fn address_count(&self) -> u64 {
        self.addresses
    }

    /// How many /24s hold at least one of them.
    pub fn slash24_count(&self) -> u64 {
        self.slash24s
    }

    /// How many targets (pairs) or addresses (products) the exclusions took away.
    pub fn excluded_count(&self) -> u64 {
        self.excluded
    }
}

/// Targets with the figures that only their making knows.
struct Draft {
    targets: Targets,
    addresses: u64,
    slash24s: u64,
    excluded: u64,
}

impl Draft {
    fn product(asked: &AddressSet, ports: &[ProbePort], exclusions: &Exclusions) -> Result<Self, PlanError> {
        if asked.is_empty() {
            return Err(PlanError::NoTargets);
        }
        if ports.is_empty() {
            return Err(PlanError::NoPorts);
        }
        let addresses = asked.subtract(exclusions.addresses());
        if addresses.is_empty() {
            return Err(all_excluded(asked.len(), asked.nth(0), exclusions));
        }
        Ok(Self {
            excluded: asked.len() - addresses.len(),
            slash24s: addresses.slash24_count(),
            targets: Targets::Product {
                divisor: Divisor::new(ports.len() as u64),
                ports: ports.iter().map(|&port| slot(V4(0), port)).collect(),
                addresses: addresses.clone(),
            },
            addresses: addresses.len(),
        })
    }

    fn pairs(mut pairs: Vec<ProbeSlot>, exclusions: &Exclusions) -> Result<Self, PlanError> {
        pairs.sort_unstable_by_key(|pair| (pair.address, pair.probe, pair.port));
        pairs.dedup();
        let asked = pairs.len();
        let first = pairs.first().ok_or(PlanError::NoTargets)?.address;
        pairs.retain(|pair| !exclusions.contains(pair.address));
        if pairs.is_empty() {
            return Err(all_excluded(asked as u64, first, exclusions));
        }
        let distinct = |key: fn(&ProbeSlot) -> u32| pairs.chunk_by(|a, b| key(a) == key(b)).count() as u64;
        Ok(Self {
            addresses: distinct(|pair| pair.address.0),
            slash24s: distinct(|pair| pair.address.slash24()),
            excluded: (asked - pairs.len()) as u64,
            targets: Targets::Pairs(pairs),
        })
    }
}

fn all_excluded(count: u64, first: V4, exclusions: &Exclusions) -> PlanError {
    let advice = if exclusions.only_as_special(first) {
        "change the targets, or let the special ranges in with --allow-special"
    } else {
        "change the targets or the exclusions"
    };
    PlanError::AllExcluded { count, first, reason: exclusions.reason(first).unwrap_or_default(), advice }
}
