//! How busy an access network is, from the delays of our own probes: delay -> load of its bottleneck -> throughput of the
//! others' traffic -> how fast we may probe (seed 000 ③; Hashida, Kawamoto, Kato 2020). Pure.
//!
//! Left out: which network it is (`Medium` is given), the wide-area part of a delay (excesses over the floor are given)
//! and when to probe (`policy`).

pub mod load;
pub mod medium;
pub mod rate;
pub mod service;
pub mod throughput;

pub use load::{LoadEstimate, SlotDelays, estimate_day, estimate_slot};
pub use medium::Medium;
pub use rate::{RateLimit, RateRule, highest_rate};
pub use service::{ServiceTime, SizedFloors};
pub use throughput::{Throughput, others_throughput};
