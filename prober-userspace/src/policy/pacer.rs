//! The pace of probes into one network or cluster while a scan runs: back off at once when delays rise, come back slowly.
//! A closed loop around the rate that the plan allows (AIMD, Chiu and Jain 1989): additive steps up, halving down. Every
//! change says why. Losses are left out: a scan keeps no table of what it waits for, and most addresses never answer.

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
    /// Excess delay that is expected in this slot, s; for a network that is not known, its idle jitter.
    pub expected_s: f64,
    /// Excess beyond which delays have risen: the expected one plus what a busy moment adds, s.
    pub alarm_s: f64,
}

/// After a back-off nothing is judged for so long: what is on its way still shows the old rate.
const HOLD_NS: u64 = 2_000_000_000;
/// A step up comes at the earliest so long after the last change.
const RECOVER_NS: u64 = 10_000_000_000;
/// A step up, as part of the limit.
const STEP_UP: f64 = 0.1;
/// Weight of the newest answer in the recent delay.
const RECENT: f64 = 0.2;
/// Answers in a row that must have been seen before anything is judged.
const FEWEST: u32 = 5;

/// Why a rate changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PaceReason {
    /// Delays rose to this excess, s.
    DelayRose(f64),
    /// Delays are as expected again.
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
            PaceReason::DelayRose(excess_s) => write!(f, "delays rose to {:.1} ms over the floor", excess_s * 1e3),
            PaceReason::Recovered => write!(f, "delays are as expected again"),
        }
    }
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct PaceCounts {
    /// Back-offs because delays rose.
    pub delay_backoffs: u64,
    /// Steps up.
    pub recoveries: u64,
    /// Observations that made no sense.
    pub absurd: u64,
}

/// A pacer: 80 bytes.
#[derive(Clone, Copy, Debug)]
pub struct NetworkPacer {
    config: PaceConfig,
    rate_pps: f64,
    recent_s: f64,
    seen: u32,
    changed_ns: u64,
    counts: PaceCounts,
}

impl NetworkPacer {
    /// Starts at the plan's rate.
    pub fn new(config: PaceConfig, now_ns: u64) -> Self {
        let limit_pps = config.limit_pps.max(config.least_pps);
        Self {
            config: PaceConfig { limit_pps, ..config },
            rate_pps: limit_pps,
            recent_s: config.expected_s,
            seen: 0,
            changed_ns: now_ns,
            counts: PaceCounts::default(),
        }
    }

    /// The rate in force, pps.
    pub fn rate_pps(&self) -> f64 {
        self.rate_pps
    }

    /// How often what happened.
    pub fn counts(&self) -> PaceCounts {
        self.counts
    }

    /// An answer came, this much over its floor. A few ns.
    pub fn answered(&mut self, now_ns: u64, excess_s: f64) -> Option<PaceChange> {
        if !(excess_s >= 0.0 && excess_s.is_finite()) {
            self.counts.absurd += 1;
            return None;
        }
        // One slow host is no queue: it takes two late answers in a row to raise the alarm.
        let excess_s = excess_s.min(4.0 * self.config.alarm_s);
        self.recent_s += RECENT * (excess_s - self.recent_s);
        self.seen = self.seen.saturating_add(1);
        self.judge(now_ns)
    }

    /// What is usual has changed: from now on this excess is expected, and that one alarming, s. `shift_s` is how much
    /// less every excess is from now on.
    pub fn expect(&mut self, expected_s: f64, alarm_s: f64, shift_s: f64) {
        (self.config.expected_s, self.config.alarm_s) = (expected_s, alarm_s);
        self.recent_s = (self.recent_s - shift_s).clamp(0.0, 4.0 * alarm_s);
    }

    /// Whether the rate is below the plan's.
    pub fn is_braking(&self) -> bool {
        self.rate_pps < self.config.limit_pps
    }

    fn judge(&mut self, now_ns: u64) -> Option<PaceChange> {
        let since_ns = now_ns.saturating_sub(self.changed_ns);
        if self.seen < FEWEST {
            return None;
        }
        if self.recent_s > self.config.alarm_s {
            // The first alarm after a calm time acts at once.
            let held = self.rate_pps < self.config.limit_pps && since_ns < HOLD_NS;
            let to_pps = (self.rate_pps / 2.0).max(self.config.least_pps);
            if held || to_pps >= self.rate_pps {
                return None;
            }
            self.counts.delay_backoffs += 1;
            return Some(self.change(now_ns, to_pps, PaceReason::DelayRose(self.recent_s)));
        }
        let calm = self.recent_s < self.config.expected_s.midpoint(self.config.alarm_s);
        if calm && self.rate_pps < self.config.limit_pps && since_ns >= RECOVER_NS {
            let to_pps = (self.rate_pps + STEP_UP * self.config.limit_pps).min(self.config.limit_pps);
            self.counts.recoveries += 1;
            return Some(self.change(now_ns, to_pps, PaceReason::Recovered));
        }
        None
    }

    fn change(&mut self, now_ns: u64, to_pps: f64, reason: PaceReason) -> PaceChange {
        let from_pps = self.rate_pps;
        self.rate_pps = to_pps;
        self.changed_ns = now_ns;
        PaceChange { from_pps, to_pps, reason }
    }
}
