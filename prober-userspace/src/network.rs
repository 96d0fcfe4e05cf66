//! What our probes' answers tell about the networks that targets sit behind. Pure: traces and times are given.

pub mod cluster;
pub mod congestion;
