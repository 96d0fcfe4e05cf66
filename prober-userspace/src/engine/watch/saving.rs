//! Which states are saved when: changes as they gather, and now and then all states anew, part by part, so that neither
//! memory nor the table of changes grows with the time that a watch goes on.

use std::time::{Duration, Instant};

use prober_common::address::V4;

use super::keeper::{Keeper, Order, Part};
use crate::io::store::{Store, StoreError, StoredTarget, WatchClock};
use crate::model::watch::Forgetting;
use crate::policy::planner::Planner;
use crate::policy::target_state::TargetState;

/// All states are written anew when there are more changes than this, and than a quarter of the states.
const CHANGES_MOST: u64 = 200_000;
/// States that are written together then.
const PART: usize = 1 << 20;

/// Counts that halve in weeks are kept this often.
const NEWCOMERS_EVERY: Duration = Duration::from_hours(1);

/// The keeper, and what it has to be handed yet.
pub struct Saving {
    keeper: Keeper,
    changes: Vec<StoredTarget>,
    /// All states are being written anew: the number of the next one.
    rewriting: Option<u32>,
    /// How often that was begun.
    begun: u64,
    /// When it was last kept who came to which networks.
    newcomers_at: Instant,
}

impl Saving {
    /// Over a connection of its own.
    pub fn start(store: Store) -> anyhow::Result<Self> {
        let keeper = Keeper::start(store)?;
        Ok(Self { keeper, changes: Vec::new(), rewriting: None, begun: 0, newcomers_at: Instant::now() })
    }

    /// A visit changed this state.
    pub fn note(&mut self, planner: &Planner, number: u32) {
        self.changes.push(stored(planner, number));
    }

    /// Nothing is known of these any more, as of all states handed over from here on.
    pub fn forget(&mut self, forgetting: Forgetting) -> Result<(), StoreError> {
        self.changes.retain(|change| !forgetting.addresses.contains(V4(change.state.address)));
        self.keeper.order(Order::Forget(forgetting))
    }

    /// Changes that wait to be handed over.
    pub fn waiting(&self) -> usize {
        self.changes.len()
    }

    /// Hands them over, with the next part of all states while these are written anew. Of addresses that `is_excluded` and
    /// were never visited, or forgotten since, nothing is written.
    pub fn save(
        &mut self,
        planner: &Planner,
        clock: WatchClock,
        is_excluded: impl Fn(V4) -> bool,
    ) -> Result<(), StoreError> {
        self.keeper.order(Order::Changes(std::mem::take(&mut self.changes), clock))?;
        let is_large = self.keeper.waiting() > CHANGES_MOST.max(planner.states().len() as u64 / 4);
        if self.rewriting.is_none() && is_large && self.keeper.rewritten() == self.begun {
            self.rewriting = Some(0);
            self.begun += 1;
        }
        let Some(from) = self.rewriting else { return Ok(()) };
        let states = planner.states();
        let until = states.len().min(from as usize + PART);
        let is_kept = |number: &u32| {
            let state = planner.state(*number);
            state.visited_s != TargetState::NEVER || !is_excluded(V4(state.address))
        };
        let part = Part {
            states: (from..until as u32).filter(is_kept).map(|number| stored(planner, number)).collect(),
            begins: from == 0,
            ends: until == states.len(),
        };
        self.rewriting = (!part.ends).then_some(until as u32);
        self.keeper.order(Order::Part(part))
    }

    /// Keeps who came to which networks, `at_once` or if it has not been kept for long.
    pub fn save_newcomers(&mut self, planner: &Planner, at_once: bool) -> Result<(), StoreError> {
        if !at_once && self.newcomers_at.elapsed() < NEWCOMERS_EVERY {
            return Ok(());
        }
        self.newcomers_at = Instant::now();
        match planner.scheme().newcomers() {
            Some(newcomers) => self.keeper.order(Order::Newcomers(newcomers)),
            None => Ok(()),
        }
    }

    /// For what else is to be kept.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Waits until everything is on disk.
    pub fn finish(self) -> Result<(), StoreError> {
        self.keeper.finish()
    }
}

fn stored(planner: &Planner, number: u32) -> StoredTarget {
    let state = *planner.state(number);
    StoredTarget { state, open_ports: planner.scheme().open_ports(state.address).into() }
}
