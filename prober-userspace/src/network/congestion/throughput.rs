//! The throughput of the traffic that is not ours, from the load of the bottleneck that all share.

use super::load::LoadEstimate;
use super::service::ServiceTime;

/// Bits/s, with 5 % and 95 % points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput {
    /// Bits/s.
    pub bits_s: f64,
    /// See the head.
    pub low_bits_s: f64,
    /// See the head.
    pub high_bits_s: f64,
}

/// What the others get while we probe at `own_pps`: load less our own share, times what the bottleneck carries.
pub fn others_throughput(service: &ServiceTime, load: &LoadEstimate, own_pps: f64) -> Throughput {
    let own = own_pps.max(0.0) * service.probe_s;
    let capacity = service.capacity_bits_s();
    // 1.645 standard deviations on either side hold 90 % of a normal distribution.
    let spread = (1.645 * service.log_sd).exp();
    let others = |load: f64| (load - own).max(0.0) * capacity;
    Throughput {
        bits_s: others(load.load),
        low_bits_s: others(load.low) / spread,
        high_bits_s: others(load.high) * spread,
    }
}
