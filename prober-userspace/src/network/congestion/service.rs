//! What serving one packet costs at an access network's bottleneck: from its medium, or better from the floors of probes
//! of two sizes (variable packet size method: Jacobson's pathchar, 1997; Downey, SIGCOMM 1999), whose difference is the
//! time of the extra bytes on the slowest links.

use super::medium::{Medium, MediumModel};

/// Bytes of a SYN with options on the wire, as the bottleneck sees it.
pub const PROBE_BYTES: f64 = 60.0;
/// How finely excesses are told apart.
pub const STEPS: usize = 4;

/// Log-spread left after a measurement with many probes: the wide-area part's slope and the mix of packets.
const MEASURED_LOG_SD: f64 = 0.1;

/// The smallest delays of probes of two sizes to hosts of one access network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizedFloors {
    /// Size of the small probe and of the large one, bytes at the bottleneck, replies of the same size.
    pub small_bytes: f64,
    /// See `small_bytes`.
    pub large_bytes: f64,
    /// Smallest delay of each size, s.
    pub small_s: f64,
    /// See `small_s`.
    pub large_s: f64,
    /// Probes of each size.
    pub probes: u32,
}

/// How long the bottleneck takes per packet of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServiceTime {
    /// E\[S\], s.
    pub mean_s: f64,
    /// Mean residual time of a packet in service, E\[S²\] / 2 E\[S\], s: what an arrival finds left of it.
    pub residual_s: f64,
    /// Time of one of our probes, and of its reply where both share the channel, s.
    pub probe_s: f64,
    /// Mean size of the others' packets, bits.
    pub packet_bits: f64,
    /// Uncertainty of all these times, as standard deviation of their logarithm.
    pub log_sd: f64,
    /// Mean delay that the idle network adds, s.
    pub idle_jitter_s: f64,
    /// Visits of a probe and its reply to the queue, 1 or 2.
    pub visits: u8,
}

impl ServiceTime {
    /// What is to be expected of the medium alone.
    pub fn of(medium: Medium, probe_bytes: f64) -> Self {
        let model = medium.model();
        Self::at(&model, model.rate_bits_s, model.rate_log_sd, probe_bytes)
    }

    /// Measured; falls back to the medium where the floors make no sense (too few probes, equal sizes, a large probe
    /// that came sooner).
    pub fn measured(medium: Medium, floors: &SizedFloors, probe_bytes: f64) -> Self {
        let model = medium.model();
        let extra_bits = (floors.large_bytes - floors.small_bytes) * 8.0;
        // Down and up, whether or not both share one queue.
        let rate_bits_s = 2.0 * extra_bits / (floors.large_s - floors.small_s);
        let plausible = model.rate_bits_s / 1e3..=model.rate_bits_s * 1e3;
        if floors.probes < 4 || extra_bits <= 0.0 || !plausible.contains(&rate_bits_s) {
            return Self::of(medium, probe_bytes);
        }
        // The floor of n probes lies about a n-th of the idle jitter above the true one, on both sides.
        let blur_s = std::f64::consts::SQRT_2 * model.idle_jitter_s / f64::from(floors.probes);
        let relative = blur_s / (floors.large_s - floors.small_s);
        let log_sd = relative.hypot(MEASURED_LOG_SD);
        if log_sd > model.rate_log_sd {
            return Self::of(medium, probe_bytes);
        }
        Self::at(&model, rate_bits_s, log_sd, probe_bytes)
    }

    /// Of a medium whose bottleneck is known to carry so much.
    pub fn at_rate(medium: Medium, rate_bits_s: f64, log_sd: f64, probe_bytes: f64) -> Self {
        Self::at(&medium.model(), rate_bits_s, log_sd, probe_bytes)
    }

    fn at(model: &MediumModel, rate_bits_s: f64, log_sd: f64, probe_bytes: f64) -> Self {
        let (large_s, small_s) =
            (model.service_s(model.large_bytes, rate_bits_s), model.service_s(model.small_bytes, rate_bits_s));
        let mean = |large: f64, small: f64| large.mul_add(model.large_share, small * (1.0 - model.large_share));
        let mean_s = mean(large_s, small_s);
        Self {
            mean_s,
            residual_s: mean(large_s * large_s, small_s * small_s) / (2.0 * mean_s),
            probe_s: model.service_s(probe_bytes, rate_bits_s) * f64::from(model.visits),
            packet_bits: model.mean_bytes() * 8.0,
            log_sd,
            idle_jitter_s: model.idle_jitter_s,
            visits: model.visits,
        }
    }

    /// Excesses over the floor are counted between these, s: multiples of the idle jitter.
    pub fn steps_s(&self) -> [f64; STEPS] {
        [2.5, 5.0, 12.0, 40.0].map(|step| step * self.idle_jitter_s)
    }

    /// By which factor the bottleneck may be slower than thought, at most (95 %): the careful side.
    pub fn careful(&self) -> f64 {
        (1.645 * self.log_sd).exp()
    }

    /// Time that a probe takes of the bottleneck at most, s.
    pub fn careful_probe_s(&self) -> f64 {
        self.probe_s * self.careful()
    }

    /// Throughput of a bottleneck that is never idle, bits/s.
    pub fn capacity_bits_s(&self) -> f64 {
        self.packet_bits / self.mean_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sizes_give_the_rate() {
        let floors =
            SizedFloors { small_bytes: 60.0, large_bytes: 1460.0, small_s: 0.010, large_s: 0.0124, probes: 16 };
        // 1,400 bytes more each way take 2.4 ms: 9.33 Mbit/s.
        let service = ServiceTime::measured(Medium::Wired, &floors, 60.0);
        assert!((service.capacity_bits_s() / 9.333e6 - 1.0).abs() < 0.01, "{service:?}");
        assert!(service.log_sd < 0.15);
    }

    #[test]
    fn floors_that_make_no_sense_leave_the_medium() {
        let good = SizedFloors { small_bytes: 60.0, large_bytes: 1460.0, small_s: 0.010, large_s: 0.0124, probes: 16 };
        let of_medium = ServiceTime::of(Medium::Wired, 60.0);
        for floors in [
            SizedFloors { large_s: 0.009, ..good },
            SizedFloors { large_s: f64::NAN, ..good },
            SizedFloors { large_bytes: 60.0, ..good },
            SizedFloors { probes: 1, ..good },
            SizedFloors { large_s: f64::INFINITY, ..good },
        ] {
            assert_eq!(ServiceTime::measured(Medium::Wired, &floors, 60.0), of_medium, "{floors:?}");
        }
    }
}
