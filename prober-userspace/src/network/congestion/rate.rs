//! The highest rate of probes that leaves the others the throughput they need (Hashida, Kawamoto, Kato 2020), by the
//! careful end of what is known.

use super::load::LoadEstimate;
use super::service::ServiceTime;

/// What others are to be left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateRule {
    /// The throughput that they need: none for what they were seen to take at that hour.
    pub required_bits_s: Option<f64>,
    /// Part of the bottleneck that is kept free for their growth, 0 to 1.
    pub reserve: f64,
    /// Part of the bottleneck that probes may take at most, 0 to 1.
    pub own_share: f64,
    /// How much longer their packets may take through the bottleneck because of us, relative.
    pub delay_growth: f64,
    /// The least: so that a network that is always busy is still seen, pps.
    pub least_pps: f64,
}

impl Default for RateRule {
    fn default() -> Self {
        Self { required_bits_s: None, reserve: 0.1, own_share: 0.05, delay_growth: 0.1, least_pps: 0.01 }
    }
}

/// A rate and what set it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// Probes/s.
    pub pps: f64,
    /// Which of the rules.
    pub bound: RateBound,
}

/// What sets a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateBound {
    /// The others' throughput and its reserve.
    Throughput,
    /// Their packets' wait.
    Delay,
    /// Our own share.
    OwnShare,
    /// Nothing is left, or nothing is known.
    Least,
}

impl RateBound {
    /// In words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Throughput => "others need the rest",
            Self::Delay => "others' packets would wait longer",
            Self::OwnShare => "probes' own share",
            Self::Least => "no room, or nothing known: only a trickle",
        }
    }
}

/// The highest rate under the rule.
pub fn highest_rate(service: &ServiceTime, load: &LoadEstimate, rule: &RateRule) -> RateLimit {
    let least = RateLimit { pps: rule.least_pps, bound: RateBound::Least };
    if load.answers <= 0.0 {
        return least;
    }
    let careful = service.careful();
    let required = rule.required_bits_s.map_or(0.0, |bits_s| bits_s / service.capacity_bits_s() * careful);
    let others = load.high.max(required).min(1.0);
    let free = (1.0 - others - rule.reserve).max(0.0);
    // Wait and service together, S + rho / (1 - rho) R, may grow by that part of themselves (Pollaczek-Khinchine).
    let wait = others / (1.0 - others).max(1e-9);
    let allowed = wait + rule.delay_growth * (service.mean_s / service.residual_s + wait);
    let delay = (allowed / (1.0 + allowed) - others).max(0.0);
    let (share, bound) =
        [(free, RateBound::Throughput), (delay, RateBound::Delay), (rule.own_share, RateBound::OwnShare)]
            .into_iter()
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((0.0, RateBound::Least));
    let pps = share / service.careful_probe_s();
    if pps > rule.least_pps && pps.is_finite() { RateLimit { pps, bound } } else { least }
}

#[cfg(test)]
mod tests {
    use super::super::medium::Medium;
    use super::*;

    fn load(load: f64) -> LoadEstimate {
        LoadEstimate { load, low: load - 0.02, high: load + 0.02, answers: 100.0 }
    }

    #[test]
    fn a_busier_network_gets_fewer_probes_and_an_unknown_one_a_trickle() {
        let service = ServiceTime::of(Medium::Wisun, 60.0);
        let rule = RateRule::default();
        let pps = |estimate: &LoadEstimate| highest_rate(&service, estimate, &rule).pps;
        assert!(pps(&load(0.5)) > pps(&load(0.8)) && pps(&load(0.8)) > pps(&load(0.88)));
        assert_eq!(highest_rate(&service, &load(0.95), &rule).bound, RateBound::Least);
        assert_eq!(highest_rate(&service, &LoadEstimate::UNKNOWN, &rule).bound, RateBound::Least);
        let unsure = LoadEstimate { high: 0.85, ..load(0.5) };
        assert!(pps(&unsure) < pps(&load(0.5)));
    }

    #[test]
    fn what_is_required_is_left() {
        let service = ServiceTime { log_sd: 0.0, ..ServiceTime::of(Medium::Lte, 60.0) };
        let capacity = service.capacity_bits_s();
        let rule = RateRule {
            required_bits_s: Some(0.7 * capacity),
            reserve: 0.0,
            own_share: 1.0,
            delay_growth: 1e18,
            least_pps: 0.0,
        };
        let limit = highest_rate(&service, &load(0.2), &rule);
        assert_eq!(limit.bound, RateBound::Throughput);
        assert!((limit.pps * service.probe_s - 0.3).abs() < 1e-9, "{limit:?}");
    }
}
