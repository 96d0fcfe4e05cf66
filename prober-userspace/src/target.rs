//! Whom to probe, in which order and when: address sets, exclusions, ports, the keyed permutation, shards, the
//! schedule of passes and the pacer. Pure: texts, times and seeds come in as arguments; reading files and clocks is
//! the caller's.

pub mod address_set;
pub mod batch;
pub mod brakes;
pub mod errand;
pub mod errand_queue;
pub mod exclusions;
mod group_limits;
pub mod list;
mod network_limit;
pub mod pace;
pub mod pair_list;
pub mod permutation;
pub mod plan;
pub mod port_sets;
pub mod ports;
#[cfg(test)]
pub(crate) mod properties;
pub mod range;
pub mod rate;
pub mod schedule;
pub mod shard;
pub mod shared_exclusions;
pub mod source;
pub mod special;
pub(crate) mod splitmix;
