//! The load of a bottleneck from what probes met there: how long they waited, and how often they did not have to.
//!
//! Two facts carry the estimate. The wait of an arrival is rho / (1 - rho) times the residual service time
//! (Pollaczek-Khinchine); M/D/1's rho = 2x / (1 + 2x) with x = W / E\[S\] is its special case. And probes at random times
//! find a server idle with probability 1 - rho whatever the others' arrivals look like (Wolff, PASTA, 1982). The first is
//! sharp under high load, the second under low load; traffic in bursts multiplies the wait by an unknown factor, so
//! load, burst factor and idle jitter are weighed together on a grid. Slots of one day share the last two.

use super::service::{STEPS, ServiceTime};

/// Points of the grid: load in steps of 1/`LOADS`, burst factors and jitter factors.
const LOADS: usize = 50;
const BURSTS: [f64; 8] = [0.6, 1.0, 1.7, 3.0, 5.5, 10.0, 20.0, 40.0];
const JITTERS: [f64; 5] = [0.35, 0.6, 1.0, 1.7, 3.0];
/// Before anything is seen: the burst factor's logarithm (middle and spread) and the jitter's spread.
const BURST_LOG_MEAN: f64 = 0.9;
const BURST_LOG_SD: f64 = 1.0;
const JITTER_LOG_SD: f64 = 0.5;
/// What the model itself is trusted for: relative error of a mean wait, how much the spread of the waits counts beside
/// idle or busy, and how many independent looks a slot gives at most (waits that follow each other are alike). Chosen on
/// simulated networks of one seed, judged on others (`prober simulate throughput`); doubling or halving them changes
/// little.
const MODEL_LOG_SD: f64 = 0.15;
const SPREAD_WEIGHT: f64 = 0.1;
const MOST_LOOKS: f64 = 400.0;

/// Points at which a slot's load is weighed.
pub const GRID_POINTS: u64 = (LOADS * BURSTS.len() * JITTERS.len()) as u64;

/// What probes met in one slot. Excesses are over the access network's own floor, s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SlotDelays {
    /// Answers, perhaps discounted by age.
    pub answers: f64,
    /// Of `answers`, those with an excess below each of [`ServiceTime::steps_s`].
    pub below: [f64; STEPS],
    /// Mean excess, s.
    pub mean_s: f64,
    /// Standard deviation of the excess, s.
    pub sd_s: f64,
}

/// A load with its uncertainty, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadEstimate {
    /// Mean of the posterior.
    pub load: f64,
    /// 5 % and 95 % points: the higher one is what a careful prober goes by.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// Answers behind it; 0 says that nothing is known.
    pub answers: f64,
}

impl SlotDelays {
    /// Answers between the steps.
    fn between_steps(&self) -> [f64; STEPS + 1] {
        let mut counts = [0.0; STEPS + 1];
        let mut last = 0.0;
        for (count, below) in counts.iter_mut().zip(self.below.into_iter().chain([self.answers])) {
            *count = below - last;
            last = below;
        }
        counts
    }
}

impl LoadEstimate {
    /// Nothing is known: taken as busy.
    pub const UNKNOWN: Self = Self { load: 0.5, low: 0.0, high: 1.0, answers: 0.0 };

    /// Half the width between its points.
    pub fn uncertainty(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

/// The load in one slot alone.
pub fn estimate_slot(service: &ServiceTime, delays: &SlotDelays) -> LoadEstimate {
    estimate_day(service, std::slice::from_ref(delays))[0]
}

/// The loads in the slots of one access network or cluster; burst factor and jitter are learnt from all of them
/// together. About 1 ms, and 40 us per slot with answers.
pub fn estimate_day(service: &ServiceTime, slots: &[SlotDelays]) -> Vec<LoadEstimate> {
    let expected = Expected::of(service);
    let tables: Vec<Option<Likelihood>> = slots.iter().map(|slot| Likelihood::of(&expected, slot)).collect();
    let mut shared = [[0.0_f64; JITTERS.len()]; BURSTS.len()];
    for (b, burst) in BURSTS.iter().enumerate() {
        for (j, jitter) in JITTERS.iter().enumerate() {
            let prior =
                normal_log(burst.ln(), BURST_LOG_MEAN, BURST_LOG_SD) + normal_log(jitter.ln(), 0.0, JITTER_LOG_SD);
            let evidence: f64 = tables.iter().flatten().map(|table| table.evidence[b][j]).sum();
            shared[b][j] = prior + evidence;
        }
    }
    tables
        .iter()
        .zip(slots)
        .map(|(table, slot)| {
            table.as_ref().map_or(LoadEstimate::UNKNOWN, |table| table.posterior(&shared, slot.answers))
        })
        .collect()
}

/// One number per point of the grid: by burst factor, jitter and load.
type Grid<T> = Box<[[[T; LOADS]; JITTERS.len()]]>;

/// What the points of the grid expect, as logarithms: it depends on the service time only.
struct Expected(Grid<ExpectedPoint>);

#[derive(Clone, Copy, Default)]
struct ExpectedPoint {
    /// What one answer between the steps adds to the likelihood.
    log_shares: [f32; STEPS + 1],
    log_mean: f32,
}

impl Expected {
    fn of(service: &ServiceTime) -> Self {
        let mut grid = vec![[[ExpectedPoint::default(); LOADS]; JITTERS.len()]; BURSTS.len()].into_boxed_slice();
        for (by_jitter, burst) in grid.iter_mut().zip(BURSTS) {
            for (by_load, jitter) in by_jitter.iter_mut().zip(JITTERS) {
                for (l, point) in by_load.iter_mut().enumerate() {
                    let met = Met::expected(service, load_at(l), burst, service.idle_jitter_s * jitter);
                    *point = ExpectedPoint { log_shares: met.log_shares(), log_mean: met.mean_s.ln() as f32 };
                }
            }
        }
        Self(grid)
    }
}

/// The logarithm of how well each point of the grid explains a slot.
struct Likelihood {
    log: Grid<f32>,
    /// The same summed over the loads, each as likely as the others beforehand.
    evidence: [[f64; JITTERS.len()]; BURSTS.len()],
}

impl Likelihood {
    /// `None` if the slot tells nothing: no answers, or numbers that are none.
    fn of(expected: &Expected, slot: &SlotDelays) -> Option<Self> {
        let sane = slot.answers > 0.0
            && slot.mean_s >= 0.0
            && slot.sd_s >= 0.0
            && slot.below.is_sorted()
            && slot.below[0] >= 0.0
            && slot.below[STEPS - 1] <= slot.answers;
        if !(sane && slot.mean_s.is_finite() && slot.sd_s.is_finite() && slot.answers.is_finite()) {
            return None;
        }
        let looks = slot.answers.min(MOST_LOOKS);
        let counts = slot.between_steps().map(|count| (count / slot.answers * looks) as f32);
        let mean_s = slot.mean_s.max(1e-7);
        // A mean over few waits has at least the spread of an exponential distribution's.
        let relative = (slot.sd_s / mean_s).max(1.0) / looks.sqrt();
        let precision = (0.5 / (relative * relative + MODEL_LOG_SD * MODEL_LOG_SD)) as f32;
        let log_mean = mean_s.ln() as f32;
        let mut log: Grid<f32> = vec![[[0.0; LOADS]; JITTERS.len()]; BURSTS.len()].into_boxed_slice();
        let mut evidence = [[0.0; JITTERS.len()]; BURSTS.len()];
        for b in 0..BURSTS.len() {
            for j in 0..JITTERS.len() {
                for (cell, point) in log[b][j].iter_mut().zip(&expected.0[b][j]) {
                    let seen: f32 = counts.iter().zip(point.log_shares).map(|(count, share)| count * share).sum();
                    let apart = log_mean - point.log_mean;
                    *cell = seen - precision * apart * apart;
                }
                evidence[b][j] = log_sum(&log[b][j]);
            }
        }
        Some(Self { log, evidence })
    }

    fn posterior(&self, shared: &[[f64; JITTERS.len()]; BURSTS.len()], answers: f64) -> LoadEstimate {
        let top = shared.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut mass = [0.0_f64; LOADS];
        for (b, by_jitter) in shared.iter().enumerate() {
            for (j, weight) in by_jitter.iter().enumerate() {
                let factor = (weight - top).exp();
                if factor > 1e-9 {
                    for (cell, log) in mass.iter_mut().zip(&self.log[b][j]) {
                        *cell += factor * (f64::from(*log) - self.evidence[b][j]).exp();
                    }
                }
            }
        }
        let sum: f64 = mass.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) {
            return LoadEstimate::UNKNOWN;
        }
        let load = mass.iter().enumerate().map(|(l, mass)| load_at(l) * mass).sum::<f64>() / sum;
        let point = |share: f64| {
            let mut below = 0.0;
            let l = mass.iter().position(|mass| {
                below += mass / sum;
                below >= share
            });
            load_at(l.unwrap_or(LOADS - 1))
        };
        let high = point(0.95).max(load).max(not_excluded(answers));
        LoadEstimate { load, low: point(0.05).min(load), high, answers }
    }
}

/// The load that so many answers cannot exclude even if none of them had to wait (at 95 %; Clopper and Pearson 1934). How long
/// they waited says more only as far as the queue is like the model; a token bucket, say, hides what is below its rate.
fn not_excluded(answers: f64) -> f64 {
    1.0 - 0.05_f64.powf(1.0 / answers.clamp(1.0, MOST_LOOKS))
}

fn load_at(index: usize) -> f64 {
    (index as f64 + 0.5) / LOADS as f64
}

/// What probes are expected to meet under a load.
struct Met {
    /// Shares of answers between the steps.
    shares: [f64; STEPS + 1],
    mean_s: f64,
}

impl Met {
    fn expected(service: &ServiceTime, load: f64, burst: f64, jitter_s: f64) -> Self {
        let mut wait_s = load / (1.0 - load) * burst * service.residual_s;
        let mut idle = 1.0 - load;
        if service.visits > 1 {
            // The reply comes back to the queue that the probe has just left, and there meets who came while the probe
            // waited and was served: as many as it left behind (Little). The longer the responder takes, the more is
            // the queue as it always is. Bursts come the more rarely the larger they are.
            let probe_s = service.probe_s / 2.0;
            let soon = (-service.idle_jitter_s / service.mean_s).exp();
            let nobody = (-load * probe_s / (service.mean_s * burst)).exp();
            idle *= nobody.mul_add(soon, (1.0 - soon) * (1.0 - load));
            wait_s += soon * load * (wait_s + probe_s) + (1.0 - soon) * wait_s;
        }
        // Who has to wait finds one packet in service, of which any part may be left (as often as in M/M/1, and the more
        // rarely the larger bursts are), or a queue before it as well, whose time is taken as exponential, like the jitter.
        let single_s = service.residual_s;
        let single = (1.0 - idle) * (1.0 - load) / burst.max(1.0).powf(0.15);
        let queued = (1.0 - idle) - single;
        let queue_s = ((wait_s - single * single_s) / queued - single_s).max(single_s);
        let below = service.steps_s().map(|step_s| {
            idle * (1.0 - (-step_s / jitter_s).exp())
                + single * below_with_uniform(step_s, 2.0 * single_s, jitter_s)
                + queued * below_with_exponential(step_s - single_s, queue_s, jitter_s)
        });
        let mut shares = [0.0; STEPS + 1];
        let mut last = 0.0;
        for (share, below) in shares.iter_mut().zip(below.into_iter().chain([1.0])) {
            *share = below - last;
            last = below;
        }
        Self { shares, mean_s: jitter_s + wait_s }
    }
}

impl Met {
    /// What one answer between each two steps adds to the logarithm of the likelihood. The first step tells idle from
    /// busy whatever the arrivals; how waits are spread beyond it depends on them, and counts for less.
    fn log_shares(&self) -> [f32; STEPS + 1] {
        let idle = self.shares[0].clamp(0.004, 0.996);
        let beyond = (1.0 - self.shares[0]).max(1e-9);
        let mut logs =
            self.shares.map(|share| ((1.0 - idle).ln() + SPREAD_WEIGHT * (share / beyond).max(0.01).ln()) as f32);
        logs[0] = idle.ln() as f32;
        logs
    }
}

/// Probability that the sum of two exponential times, with these means, stays below `limit`.
fn below_with_exponential(limit: f64, a: f64, b: f64) -> f64 {
    if limit <= 0.0 {
        return 0.0;
    }
    if (a / b - 1.0).abs() < 1e-3 {
        return 1.0 - (1.0 + limit / b) * (-limit / b).exp();
    }
    1.0 - (a * (-limit / a).exp() - b * (-limit / b).exp()) / (a - b)
}

/// Probability that a uniform time from 0 to `most` and an exponential one with mean `b` together stay below `limit`.
fn below_with_uniform(limit: f64, most: f64, b: f64) -> f64 {
    let within = most.min(limit);
    (within - b * ((-(limit - within) / b).exp() - (-limit / b).exp())) / most
}

fn normal_log(value: f64, mean: f64, sd: f64) -> f64 {
    let z = (value - mean) / sd;
    -0.5 * z * z - sd.ln()
}

fn log_sum(logs: &[f32]) -> f64 {
    let top = f64::from(logs.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    top + logs.iter().map(|log| (f64::from(*log) - top).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests;
