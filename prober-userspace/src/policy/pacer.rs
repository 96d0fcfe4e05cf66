//! The pace of probes into one network while a scan runs: back off at once when delays rise, come back slowly. A closed loop
//! around the rate that the plan allows (AIMD, Chiu and Jain 1989): additive steps up, halving down. Every change says
//! why. Whether delays rose is judged elsewhere.

#[cfg(test)]
mod tests;

use std::fmt;

/// How a pacer is set up.
#[derive(Clone, Copy, Debug)]
pub struct PaceConfig {
    /// The plan's rate: never exceeded, pps.
    pub limit_pps: f64,
    /// Never less, pps, so that recovery is noticed.
    pub least_pps: f64,
}

/// After a back-off nothing is judged for so long: what is on its way still shows the old rate.
const HOLD_NS: u64 = 2_000_000_000;
/// A step up comes at the earliest so long after the last change.
const RECOVER_NS: u64 = 10_000_000_000;
/// A step up, as part of the limit.
const STEP_UP: f64 = 0.1;

/// What the answers up to now say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sign {
    /// Delays rose by this, s.
    Rose(f64),
    /// Neither.
    Unsure,
    /// Delays are as usual.
    Calm,
}

/// Why a rate changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PaceReason {
    /// Delays rose by this, s.
    DelayRose(f64),
    /// Delays are as usual again.
    Recovered,
}

/// A change of rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaceChange {
    /// Before, pps.
    pub from_pps: f64,
    /// From now on, pps.
    pub to_pps: f64,
    /// Why.
    pub reason: PaceReason,
}

impl fmt::Display for PaceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate {:.3} -> {:.3} pps: ", self.from_pps, self.to_pps)?;
        match self.reason {
            PaceReason::DelayRose(rise_s) => write!(f, "delays rose by {:.1} ms over what is usual", rise_s * 1e3),
            PaceReason::Recovered => write!(f, "delays are as usual again"),
        }
    }
}

/// A pacer: 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct NetworkPacer {
    config: PaceConfig,
    rate_pps: f64,
    changed_ns: u64,
}

impl NetworkPacer {
    /// Starts at the plan's rate.
    pub fn new(config: PaceConfig, now_ns: u64) -> Self {
        let limit_pps = config.limit_pps.max(config.least_pps);
        Self { config: PaceConfig { limit_pps, ..config }, rate_pps: limit_pps, changed_ns: now_ns }
    }

    /// The rate in force, pps.
    pub fn rate_pps(&self) -> f64 {
        self.rate_pps
    }

    /// Whether the rate is below the plan's.
    pub fn is_braking(&self) -> bool {
        self.rate_pps < self.config.limit_pps
    }

    /// An answer came, after which this is the sign. A few ns.
    pub fn heard(&mut self, now_ns: u64, sign: Sign) -> Option<PaceChange> {
        let since_ns = now_ns.saturating_sub(self.changed_ns);
        match sign {
            Sign::Rose(rise_s) => {
                // The first alarm after a calm time acts at once.
                let held = self.is_braking() && since_ns < HOLD_NS;
                let to_pps = (self.rate_pps / 2.0).max(self.config.least_pps);
                (!held && to_pps < self.rate_pps).then(|| self.change(now_ns, to_pps, PaceReason::DelayRose(rise_s)))
            }
            Sign::Calm if self.is_braking() && since_ns >= RECOVER_NS => {
                let to_pps = (self.rate_pps + STEP_UP * self.config.limit_pps).min(self.config.limit_pps);
                Some(self.change(now_ns, to_pps, PaceReason::Recovered))
            }
            Sign::Calm | Sign::Unsure => None,
        }
    }

    fn change(&mut self, now_ns: u64, to_pps: f64, reason: PaceReason) -> PaceChange {
        let from_pps = self.rate_pps;
        self.rate_pps = to_pps;
        self.changed_ns = now_ns;
        PaceChange { from_pps, to_pps, reason }
    }
}
