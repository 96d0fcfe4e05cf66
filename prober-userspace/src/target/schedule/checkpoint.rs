//! What a scan still has to do, as stored with each commit of its results: everything from a turn on, and the turns
//! before it that were not known to be sent in some pass. Exact, so that a resume repeats only what was sent since.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::run::Run;
use crate::target::plan::Plan;
use crate::target::shard::Shard;

/// Where a schedule stood.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Stored", from = "Stored")]
pub struct Checkpoint {
    plan: u64,
    shard: Shard,
    passes: u32,
    next_turn: u64,
    /// As the schedule knew them, in no order.
    unfinished: Vec<Run>,
    /// As they were stored: joined. One of the two is empty.
    stored: Vec<Interval>,
}

/// Pass, first turn, how many.
type Interval = (u32, u64, u64);

/// Why a checkpoint does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResumeError {
    /// Targets, ports, exclusions or seed differ.
    #[error(
        "the checkpoint belongs to another plan: resume with the targets, ports, exclusions and seed of the first run, \
         or start a new scan without --resume"
    )]
    OtherPlan,
    /// The shard differs.
    #[error("the checkpoint belongs to shard {stored}, not {given}: resume with --shard {stored}")]
    OtherShard {
        /// The checkpoint's.
        stored: Shard,
        /// The one asked for.
        given: Shard,
    },
    /// The number of probes per target differs.
    #[error("the checkpoint is of a scan with {stored} probes per target, not {given}: resume with --probes {stored}")]
    OtherPasses {
        /// The checkpoint's.
        stored: u32,
        /// The one asked for.
        given: u32,
    },
    /// Numbers that no schedule writes.
    #[error("the checkpoint is damaged (turns beyond the plan): start a new scan without --resume")]
    Damaged,
}

impl Checkpoint {
    pub(super) fn new(plan: &Plan, shard: Shard, passes: u32, next_turn: u64, unfinished: Vec<Run>) -> Self {
        Self { plan: plan.fingerprint(), shard, passes, next_turn, unfinished, stored: Vec::new() }
    }

    pub(super) fn next_turn(&self) -> u64 {
        self.next_turn
    }

    /// What is unfinished before the next turn. Only of use after `check`: damage could make it endless.
    pub(super) fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let stored = self.stored.iter().flat_map(|&(pass, first, count)| {
            (0..count.div_ceil(64)).map(move |i| Run::new(pass, first + i * 64, (count - i * 64).min(64) as u32))
        });
        self.unfinished.iter().copied().chain(stored)
    }

    /// The same, joined and sorted.
    fn intervals(&self) -> Vec<Interval> {
        let mut intervals = self.stored.clone();
        for run in &self.unfinished {
            let mut next_turn = None;
            for turn in run.turns() {
                match intervals.last_mut() {
                    Some(interval) if next_turn == Some(turn) => interval.2 += 1,
                    _ => intervals.push((run.pass, turn, 1)),
                }
                next_turn = Some(turn + 1);
            }
        }
        intervals.sort_unstable();
        intervals.dedup_by(|next, kept| {
            let joins = next.0 == kept.0 && Some(next.1) == kept.1.checked_add(kept.2);
            if joins {
                kept.2 = kept.2.saturating_add(next.2);
            }
            joins
        });
        intervals
    }

    /// Whether it fits, and could have been written by a schedule.
    pub(super) fn check(&self, plan: &Plan, shard: Shard, passes: u32) -> Result<(), ResumeError> {
        if self.plan != plan.fingerprint() {
            return Err(ResumeError::OtherPlan);
        }
        if self.shard != shard {
            return Err(ResumeError::OtherShard { stored: self.shard, given: shard });
        }
        if self.passes != passes {
            return Err(ResumeError::OtherPasses { stored: self.passes, given: passes });
        }
        // Each run is below the next turn and in a known pass, and none twice; only then does the rest add up.
        let mut last_end = 0;
        let mut intervals = self.intervals();
        intervals.sort_unstable_by_key(|&(_, first, _)| first);
        for (pass, first, count) in intervals {
            if pass >= passes || first < last_end || count == 0 {
                return Err(ResumeError::Damaged);
            }
            last_end = first.checked_add(count).ok_or(ResumeError::Damaged)?;
        }
        if last_end > self.next_turn || self.next_turn > shard.len_of(plan.len()) {
            return Err(ResumeError::Damaged);
        }
        Ok(())
    }
}

/// The form on disk: neighbouring runs joined, which makes a handful of numbers of what thousands of runs say.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    plan: u64,
    shard: Shard,
    passes: u32,
    next: u64,
    unfinished: Vec<Interval>,
}

impl From<Checkpoint> for Stored {
    fn from(checkpoint: Checkpoint) -> Self {
        Self {
            plan: checkpoint.plan,
            shard: checkpoint.shard,
            passes: checkpoint.passes,
            next: checkpoint.next_turn,
            unfinished: checkpoint.intervals(),
        }
    }
}

impl From<Stored> for Checkpoint {
    fn from(stored: Stored) -> Self {
        Self {
            plan: stored.plan,
            shard: stored.shard,
            passes: stored.passes,
            next_turn: stored.next,
            unfinished: Vec::new(),
            stored: stored.unfinished,
        }
    }
}
