//! Staged roll-out: the watched share of the targets grows step by step, and everything stops when errors or complaints
//! rise. Time and counts come as arguments; who holds the sending back, and who keeps the state, is elsewhere.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use prober_common::address::V4;
use serde::{Deserialize, Serialize};

use crate::target::splitmix::Digest;

/// How the share grows, and what stops it.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutConfig {
    /// Growing shares, each above 0 and up to 1.
    pub steps: Vec<f64>,
    /// How long each is watched before the next.
    pub step_time: Duration,
    /// Share of probes with an error at which it stops, 0 to 1.
    pub most_errors: f64,
    /// Complaints within a step at which it stops; 0: never.
    pub most_complaints: u32,
}

/// A share of all addresses. The same key gives the same addresses, and a larger share holds every smaller one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    key: u64,
    /// Hashes below it are in.
    limit: u64,
    size: f64,
}

impl Share {
    /// Of this size, 0 to 1.
    pub fn new(key: u64, size: f64) -> Self {
        let size = size.clamp(0.0, 1.0);
        Self { key, limit: (size * 2_f64.powi(32)).round() as u64, size }
    }

    /// Whether an address is in it; a few ns.
    #[inline]
    pub fn holds(&self, address: V4) -> bool {
        let mut digest = Digest::new(0x0072_6f6c_6c6f_7574);
        digest.add(self.key);
        digest.add(u64::from(address.0));
        digest.value() >> 32 < self.limit
    }

    /// How large it is, 0 to 1, as it was asked for.
    pub const fn size(&self) -> f64 {
        self.size
    }
}

/// Errors have risen once they are surely more than so many times those of the step before.
const RISE: f64 = 2.0;
/// Normal quantile of the intervals below: one false alarm in about 30,000 looks.
const SURE_Z: f64 = 4.0;
/// What was counted is forgotten with this half-life, so that a rise late in a long step is seen soon.
const MOST_HALF_LIFE_S: f64 = 6.0 * 3_600.0;
/// Complaints whose times are kept; any limit that makes sense lies far below.
const MOST_COMPLAINTS: usize = 1_000;
/// The part of a step that the half-life is at most.
const HALF_LIVES_PER_STEP: f64 = 8.0;

/// Probes and errors, weighted by age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorRate {
    probes: f64,
    errors: f64,
    /// Sum over the visits of their probes squared.
    #[serde(default)]
    squares: f64,
}

impl ErrorRate {
    /// Errors by probe, 0 to 1.
    pub fn share(self) -> f64 {
        if self.probes > 0.0 { (self.errors / self.probes).min(1.0) } else { 0.0 }
    }

    fn age(&mut self, factor: f64) {
        self.probes *= factor;
        self.errors *= factor;
        self.squares *= factor * factor;
    }

    /// Bounds of the true share (Wilson 1927, "Probable inference", interval by the normal quantile z).
    fn bounds(self) -> (f64, f64) {
        if self.probes <= 0.0 || self.squares <= 0.0 {
            return (0.0, 1.0);
        }
        // All probes of a visit may meet the same error: so many are independent of each other (Kish 1965, "Survey sampling").
        let n = (self.probes * self.probes / self.squares).min(self.probes);
        let (p, z2) = (self.share(), SURE_Z * SURE_Z);
        let middle = p + z2 / (2.0 * n);
        let spread = SURE_Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z2 / n;
        (((middle - spread) / scale).max(0.0), ((middle + spread) / scale).min(1.0))
    }
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Halt {
    /// The share of errors is surely above the limit.
    Errors {
        /// Share of errors.
        share: f64,
        /// The limit.
        limit: f64,
    },
    /// The share of errors is surely above twice that of the step before.
    ErrorsRose {
        /// Share of errors.
        share: f64,
        /// In the step before.
        before: f64,
    },
    /// So many complained.
    Complaints {
        /// Within this step.
        count: u32,
        /// The limit.
        limit: u32,
    },
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errors { share, limit } => {
                write!(f, "{:.2} % of probes meet errors, above {:.2} %", share * 100.0, limit * 100.0)
            }
            Self::ErrorsRose { share, before } => {
                write!(f, "{:.2} % of probes meet errors, {:.2} % in the step before", share * 100.0, before * 100.0)
            }
            Self::Complaints { count, limit } => write!(f, "{count} complaints in this step, the limit is {limit}"),
        }
    }
}

/// What changed at a look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RolloutChange {
    /// A larger share is watched.
    Grew {
        /// Before.
        from: f64,
        /// From now on.
        to: f64,
    },
    /// Nothing is sent from now on.
    Halted(Halt),
}

impl fmt::Display for RolloutChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grew { from, to } => {
                let percent = |share: f64| (share * 1e8).round() / 1e6;
                write!(f, "the watched share grows from {} % to {} %", percent(*from), percent(*to))
            }
            Self::Halted(halt) => write!(f, "probing stops: {halt}; `prober control resume` goes on one step smaller"),
        }
    }
}

/// What has to survive a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RolloutState {
    /// Key of the shares.
    pub key: u64,
    /// Which step, from 0.
    pub step: usize,
    /// The share that it stands for; `None` if an older version kept the state.
    #[serde(default)]
    pub reached: Option<f64>,
    /// Time spent probing in it, s. A daemon that does not run does not grow.
    pub watched_s: f64,
    /// Errors of late.
    pub recent: ErrorRate,
    /// Of the step before, when it ended.
    pub before: Option<ErrorRate>,
    /// Complaints within this step, or within the last step's length.
    pub complaints: u32,
    /// When each of these came, by `watched_s`; the newest of them if there are very many.
    #[serde(default)]
    pub complained_at_s: Vec<f64>,
    /// Why nothing is sent.
    pub halt: Option<Halt>,
}

impl RolloutState {
    /// The last step has no end: what lies longer back than a step's length counts no more, as it would not in any other.
    fn forget(&mut self, step_s: f64) {
        let from_s = self.watched_s - step_s;
        self.complained_at_s.retain(|at_s| *at_s >= from_s);
        self.complaints = self.complained_at_s.len() as u32;
        self.before = self.before.filter(|_| from_s < 0.0);
    }
}

/// Decides how large a share is watched.
#[derive(Clone, Debug)]
pub struct Rollout {
    config: RolloutConfig,
    state: RolloutState,
    /// Whether the share has been seen as a whole; unknown at a start, so no.
    is_seen: bool,
}

impl Rollout {
    /// Goes on from a state. With other steps than before it takes the largest that is not above the share that was
    /// reached: what was asked of the smaller steps has not been asked of a larger share.
    pub fn new(config: RolloutConfig, mut state: RolloutState) -> Self {
        state.step = state.step.min(config.steps.len().saturating_sub(1));
        if let Some(reached) = state.reached.filter(|reached| config.steps.get(state.step) != Some(reached)) {
            state.step = config.steps.partition_point(|step| *step <= reached).saturating_sub(1);
        }
        state.reached = config.steps.get(state.step).copied();
        // Kept by a version that did not note when they came.
        if state.complained_at_s.is_empty() {
            state.complained_at_s = vec![state.watched_s; (state.complaints as usize).min(MOST_COMPLAINTS)];
        }
        Self { config, state, is_seen: false }
    }

    /// What has to be kept.
    pub const fn state(&self) -> &RolloutState {
        &self.state
    }

    /// Changes the configuration.
    pub fn reconfigure(&mut self, config: RolloutConfig) {
        *self = Self { is_seen: self.is_seen, ..Self::new(config, self.state.clone()) };
    }

    /// Whether nearly all of the share were visited: time alone shows nothing of those who were not.
    pub const fn note_seen(&mut self, is_seen: bool) {
        self.is_seen = is_seen;
    }

    /// The watched share.
    pub fn share(&self) -> Share {
        Share::new(self.state.key, self.config.steps.get(self.state.step).copied().unwrap_or(1.0))
    }

    /// Why nothing may be sent.
    pub const fn halt(&self) -> Option<Halt> {
        self.state.halt
    }

    /// `passed_s` seconds of probing went by, with so many probes and errors; `squares` is the sum over the visits
    /// of their probes squared. Gives what changed.
    pub fn watched(&mut self, passed_s: f64, probes: u64, errors: u64, squares: f64) -> Option<RolloutChange> {
        if self.state.halt.is_some() {
            return None;
        }
        let half_life_s = (self.config.step_time.as_secs_f64() / HALF_LIVES_PER_STEP).min(MOST_HALF_LIFE_S);
        let state = &mut self.state;
        state.watched_s += passed_s.max(0.0);
        state.recent.age(0.5_f64.powf(passed_s.max(0.0) / half_life_s.max(1e-3)));
        state.recent.probes += probes as f64;
        state.recent.errors += errors as f64;
        state.recent.squares += squares.max(0.0);
        state.forget(self.config.step_time.as_secs_f64());
        self.judge().map(RolloutChange::Halted).or_else(|| self.grow())
    }

    /// Someone complained, so many times. Gives the halt if that stops it; it makes nothing larger.
    pub fn complained(&mut self, times: u32) -> Option<Halt> {
        let state = &mut self.state;
        let times = (times as usize).min(MOST_COMPLAINTS);
        state.complained_at_s.extend(std::iter::repeat_n(state.watched_s, times));
        let too_many = state.complained_at_s.len().saturating_sub(MOST_COMPLAINTS);
        state.complained_at_s.drain(..too_many);
        state.complaints = state.complained_at_s.len() as u32;
        if self.state.halt.is_some() { None } else { self.judge() }
    }

    /// Why it stops now, if it does.
    fn judge(&mut self) -> Option<Halt> {
        let (config, state) = (&self.config, &mut self.state);
        let halt = if config.most_complaints > 0 && state.complaints >= config.most_complaints {
            Some(Halt::Complaints { count: state.complaints, limit: config.most_complaints })
        } else if state.recent.bounds().0 > config.most_errors {
            Some(Halt::Errors { share: state.recent.share(), limit: config.most_errors })
        } else {
            let before = state.before.filter(|before| state.recent.bounds().0 > RISE * before.bounds().1);
            before.map(|before| Halt::ErrorsRose { share: state.recent.share(), before: before.share() })
        };
        state.halt = halt;
        halt
    }

    fn grow(&mut self) -> Option<RolloutChange> {
        let (config, state) = (&self.config, &mut self.state);
        let next = *config.steps.get(state.step + 1)?;
        if state.watched_s < config.step_time.as_secs_f64() || !self.is_seen {
            return None;
        }
        let from = config.steps[state.step];
        let before = Some(state.recent);
        let reached = Some(next);
        *state = RolloutState { key: state.key, step: state.step + 1, reached, before, ..RolloutState::default() };
        Some(RolloutChange::Grew { from, to: next })
    }

    /// An operator looked into it: goes on one step smaller, with nothing counted. Gives the share; `None` if it was
    /// not stopped.
    pub fn resume(&mut self) -> Option<Share> {
        self.state.halt?;
        let step = self.state.step.saturating_sub(1);
        let reached = self.config.steps.get(step).copied();
        self.state = RolloutState { key: self.state.key, step, reached, ..RolloutState::default() };
        Some(self.share())
    }
}
