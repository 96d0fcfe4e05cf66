//! Which probes go next, and what is still to be done after a kill. Owns the order in time: passes over the targets
//! (each spaced from the sending of the one before), the limit per /24, the end, and checkpoints. It hands out batches
//! and hears when each was sent, in any order; what is not known to be sent is in the checkpoint.
//!
//! Targets are named by their turn in this shard, and travel as runs of up to 64 turns, so that one decision serves a
//! batch. How fast to send is the pacer's business.

mod checkpoint;
mod in_flight;
mod run;
#[cfg(test)]
mod tests;

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use prober_common::slot::ProbeSlot;

pub use self::checkpoint::{Checkpoint, ResumeError};
use self::in_flight::InFlight;
use self::run::{Due, Run};
use super::batch::{BATCH_PROBES, Batch, BatchId};
use super::brakes::Brakes;
use super::network_limit::NetworkLimit;
use super::plan::Plan;
use super::shard::Shard;
use super::source::{BatchSource, Next};
use super::splitmix;

/// Runs that wait for their next pass, at most (plus what arises from those handed out): 32 MB. Beyond it new targets
/// wait: at full batches this is 67 million probes, half a minute of spacing at 2 Mpps.
const MOST_DUE_RUNS: usize = 1 << 20;

/// The same in probes while the limit per /24 may split runs into single probes of three and more passes.
const MOST_DUE_PROBES: u64 = 1 << 22;

/// Single probes that wait for their /24, at most; beyond it everything waits for them.
const MOST_HELD_BACK: usize = 1 << 16;

/// Runs looked at in one call that yield nothing because their /24s are full.
const MOST_FRUITLESS_RUNS: usize = 16;

/// When to look again for confirmations that all else waits for, ns.
const CONFIRMATION_WAIT_NS: u64 = 1_000_000;

/// A probe that was held back for its /24 and then missed its time by more than this starts over, ns.
const LATE_NS: u64 = 10_000_000;

/// How the targets are spread over time.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleConfig {
    /// Probes per target, at least 1.
    pub passes: u32,
    /// From the sending of one probe to a target to its next, on average; 25 % jitter either way, so that it does
    /// not beat with a network's own cycles.
    pub spacing_ns: u64,
    /// Most probes to each /24, per second; 0: no limit. Bursts of a tenth of it are let through.
    pub rate_per_slash24_pps: f64,
    /// Stop after so many targets of this shard.
    pub max_targets: Option<u64>,
}

/// How far a schedule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Probes of all passes of this shard.
    pub probes: u64,
    /// Probes handed out, in this session and those that it resumes.
    pub handed_out: u64,
    /// Probes that wait for their next pass.
    pub due_later: u64,
    /// Probes that wait for their /24.
    pub held_back: u64,
}

impl BatchSource for Schedule {
    type Checkpoint = Checkpoint;

    fn next_batch(&mut self, now_ns: u64, most: usize, out: &mut Batch) -> Next {
        Self::next_batch(self, now_ns, most, out)
    }

    fn sent(&mut self, id: BatchId, sent_ns: u64) {
        Self::sent(self, id, sent_ns);
    }

    fn checkpoint(&self) -> Checkpoint {
        Self::checkpoint(self)
    }
}

/// The order of a scan in time.
#[derive(Debug)]
pub struct Schedule {
    plan: Arc<Plan>,
    shard: Shard,
    config: ScheduleConfig,
    /// The next turn that no pass has reached, and the first that none will.
    next_turn: u64,
    end_turn: u64,
    in_flight: InFlight,
    /// Runs that wait for their time, earliest first.
    due: BinaryHeap<Reverse<Due>>,
    due_probes: u64,
    /// Single probes with a place reserved in their /24, earliest first.
    held_back: BinaryHeap<Reverse<Due>>,
    limit: Option<NetworkLimit>,
    handed_out: u64,
}

impl Schedule {
    /// Starts at the beginning.
    pub fn new(plan: Arc<Plan>, shard: Shard, config: ScheduleConfig) -> Self {
        let turns = shard.len_of(plan.len());
        Self {
            end_turn: turns.min(config.max_targets.unwrap_or(u64::MAX)),
            limit: NetworkLimit::new(config.rate_per_slash24_pps, plan.slash24_count()),
            config: ScheduleConfig { passes: config.passes.max(1), ..config },
            plan,
            shard,
            next_turn: 0,
            in_flight: InFlight::default(),
            due: BinaryHeap::new(),
            due_probes: 0,
            held_back: BinaryHeap::new(),
            handed_out: 0,
        }
    }

    /// Goes on from a checkpoint. Later passes keep their distance from `now_ns`, since it is not known when the
    /// earlier ones were sent. Refuses a checkpoint of another plan, shard or number of passes.
    pub fn resume(
        plan: Arc<Plan>,
        shard: Shard,
        config: ScheduleConfig,
        checkpoint: &Checkpoint,
        now_ns: u64,
    ) -> Result<Self, ResumeError> {
        let mut schedule = Self::new(plan, shard, config);
        checkpoint.check(&schedule.plan, shard, schedule.config.passes)?;
        schedule.next_turn = checkpoint.next_turn();
        let mut left = 0;
        for run in checkpoint.runs() {
            left += run.probes() * u64::from(schedule.config.passes - run.pass);
            let due_ns = if run.pass == 0 { now_ns } else { schedule.spaced_ns(now_ns, run) };
            schedule.wait_for(due_ns, run);
        }
        schedule.handed_out = schedule.next_turn * u64::from(schedule.config.passes) - left;
        Ok(schedule)
    }

    /// From now on the limit per /24 is tightened where these brakes say so; without a limit they have no effect.
    pub fn obey(&mut self, brakes: Arc<Brakes>) {
        if let Some(limit) = &mut self.limit {
            limit.obey(brakes);
        }
    }

    /// Fills `out` with up to `most` (at most [`BATCH_PROBES`]) probes to be sent now. What is due again goes before
    /// new targets. At most a few us; about 30 ns per probe.
    pub fn next_batch(&mut self, now_ns: u64, most: usize, out: &mut Batch) -> Next {
        let most = most.clamp(1, BATCH_PROBES);
        if self.in_flight.is_full() {
            return Next::WaitUntil(now_ns + CONFIRMATION_WAIT_NS);
        }
        if self.hand_out_held_back(now_ns, most, out) {
            return Next::Batch;
        }
        for _ in 0..MOST_FRUITLESS_RUNS {
            let Some(run) = self.take_due(now_ns, most).or_else(|| self.take_new(most)) else {
                return self.when_next(now_ns);
            };
            if self.hand_out(run, now_ns, out) {
                return Next::Batch;
            }
        }
        Next::WaitUntil(now_ns)
    }

    /// The batch's last probe was sent at `sent_ns`. From then on it is not repeated after a resume, and the next
    /// pass to its targets is spaced. Unknown and repeated ids are ignored.
    pub fn sent(&mut self, id: BatchId, sent_ns: u64) {
        self.in_flight.confirm(id, sent_ns);
        while let Some((run, sent_ns)) = self.in_flight.pop_sent() {
            if let Some(next) = run.next_pass(self.config.passes) {
                self.wait_for(self.spaced_ns(sent_ns, next), next);
            }
        }
    }

    /// What is still to be done. Cheap here; its ordering is done when it is serialised.
    pub fn checkpoint(&self) -> Checkpoint {
        let in_flight = self.in_flight.unfinished(self.config.passes);
        let waiting = self.due.iter().chain(&self.held_back).map(|Reverse(due)| due.run);
        Checkpoint::new(&self.plan, self.shard, self.config.passes, self.next_turn, in_flight.chain(waiting).collect())
    }

    /// The turn before which every target has had all its probes.
    pub fn position(&self) -> u64 {
        let in_flight = self.in_flight.unfinished(self.config.passes);
        let waiting = self.due.iter().chain(&self.held_back).map(|Reverse(due)| due.run);
        in_flight.chain(waiting).map(Run::first_turn).min().unwrap_or(self.next_turn).min(self.next_turn)
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress {
            probes: self.end_turn.max(self.next_turn) * u64::from(self.config.passes),
            handed_out: self.handed_out,
            due_later: self.due_probes,
            held_back: self.held_back.len() as u64,
        }
    }

    fn when_next(&self, now_ns: u64) -> Next {
        let waiting = [self.held_back.peek(), self.due.peek()].into_iter().flatten().map(|Reverse(due)| due.due_ns);
        let confirmation = self.in_flight.awaits_next_pass(self.config.passes).then_some(now_ns + CONFIRMATION_WAIT_NS);
        match waiting.chain(confirmation).min() {
            Some(at_ns) => Next::WaitUntil(at_ns.max(now_ns)),
            None => Next::Done,
        }
    }

    /// The earliest run whose time has come, of at most `most` probes.
    fn take_due(&mut self, now_ns: u64, most: usize) -> Option<Run> {
        if !self.has_room_to_hold_back() || self.due.peek()?.0.due_ns > now_ns {
            return None;
        }
        let Reverse(Due { due_ns, run }) = self.due.pop()?;
        self.due_probes -= run.probes();
        let (run, rest) = run.split(most);
        if let Some(rest) = rest {
            self.wait_for(due_ns, rest);
        }
        Some(run)
    }

    /// The next new targets, at most `most`.
    fn take_new(&mut self, most: usize) -> Option<Run> {
        let splits = self.limit.is_some() && self.config.passes > 2;
        let has_room = self.config.passes == 1
            || self.due.len() < MOST_DUE_RUNS && !(splits && self.due_probes >= MOST_DUE_PROBES);
        if self.next_turn >= self.end_turn || !has_room || !self.has_room_to_hold_back() {
            return None;
        }
        let count = (self.end_turn - self.next_turn).min(most as u64) as u32;
        let run = Run::new(0, self.next_turn, count);
        self.next_turn += u64::from(count);
        Some(run)
    }

    /// Puts the run's probes into `out`, except for those whose /24 is full: they get a later time each. Whether any
    /// are left.
    fn hand_out(&mut self, mut run: Run, now_ns: u64, out: &mut Batch) -> bool {
        let count = self.look_up(run, out.room());
        let kept = match &mut self.limit {
            None => count,
            Some(limit) => {
                let mut kept = 0;
                for (index, turn) in run.turns().enumerate() {
                    let slot = out.room()[index];
                    match limit.reserve(slot.address, now_ns) {
                        Ok(()) => {
                            out.room()[kept] = slot;
                            kept += 1;
                        }
                        Err(due_ns) => {
                            let single = Run::new(run.pass, turn, 1);
                            run = run.without(turn);
                            self.held_back.push(Reverse(Due { due_ns, run: single }));
                        }
                    }
                }
                kept
            }
        };
        if kept == 0 {
            return false;
        }
        out.seal(kept, self.in_flight.push(&[run]));
        self.handed_out += kept as u64;
        true
    }

    /// Hands out probes that were held back for their /24 and whose reserved time has come.
    fn hand_out_held_back(&mut self, now_ns: u64, most: usize, out: &mut Batch) -> bool {
        let mut runs = [Run::default(); BATCH_PROBES];
        let mut count = 0;
        for _ in 0..4 * most {
            if count == most || self.held_back.peek().is_none_or(|Reverse(first)| first.due_ns > now_ns) {
                break;
            }
            let Some((Reverse(Due { due_ns, run }), limit)) = self.held_back.pop().zip(self.limit.as_mut()) else {
                break;
            };
            let slot = self.plan.at(self.shard.position(run.first_turn()));
            // After a pause many reserved times have passed at once; handing all out would be a burst.
            let late = now_ns > due_ns + LATE_NS + limit.interval_ns();
            if late && let Err(due_ns) = limit.reserve(slot.address, now_ns) {
                self.held_back.push(Reverse(Due { due_ns, run }));
                continue;
            }
            out.room()[count] = slot;
            runs[count] = run;
            count += 1;
        }
        if count == 0 {
            return false;
        }
        out.seal(count, self.in_flight.push(&runs[..count]));
        self.handed_out += count as u64;
        true
    }

    /// The targets of the run's turns, at the start of `out`; returns how many.
    fn look_up(&self, run: Run, out: &mut [ProbeSlot; BATCH_PROBES]) -> usize {
        let first = self.shard.position(run.first_turn());
        if let Some(count) = run.contiguous() {
            return self.plan.fill(first, u64::from(self.shard.count()), &mut out[..count]);
        }
        let mut count = 0;
        for turn in run.turns() {
            out[count] = self.plan.at(self.shard.position(turn));
            count += 1;
        }
        count
    }

    fn wait_for(&mut self, due_ns: u64, run: Run) {
        self.due_probes += run.probes();
        self.due.push(Reverse(Due { due_ns, run }));
    }

    fn has_room_to_hold_back(&self) -> bool {
        self.held_back.len() + BATCH_PROBES <= MOST_HELD_BACK
    }

    /// The time of `run` when the pass before was sent at `sent_ns`: 75 % to 125 % of the spacing later.
    fn spaced_ns(&self, sent_ns: u64, run: Run) -> u64 {
        let draw = splitmix::mix(self.plan.seed() ^ splitmix::nth(run.first_turn(), u64::from(run.pass))) >> 32;
        let quarter = u128::from(self.config.spacing_ns) / 4;
        let jitter = (quarter * 2 * u128::from(draw)) >> 32;
        sent_ns.saturating_add(self.config.spacing_ns - quarter as u64 + jitter as u64)
    }
}
