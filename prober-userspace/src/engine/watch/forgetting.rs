//! Forgetting addresses while the watch goes on: their states start anew, a slice in each turn of the deciding thread, then the
//! keeper takes what is stored of them off the disk. They are excluded, so nothing new comes to be known.

use prober_common::address::V4;

use super::Watch;
use crate::io::sys::monotonic_ns;
use crate::model::watch::Forgetting;

/// States in one turn of the deciding thread.
const SLICE: usize = 1 << 16;

/// What is being forgotten, and from which address on.
pub(super) struct InHand {
    wish: Forgetting,
    next: u64,
}

impl Watch<'_> {
    pub(super) fn forget(&mut self, wish: Forgetting) {
        self.forgetting.push_back(InHand { wish, next: 0 });
    }

    /// Goes on with it; whether there was anything to do.
    pub(super) fn forget_some(&mut self) -> anyhow::Result<bool> {
        if !self.saving.keeper().has_room() {
            return Ok(false);
        }
        let Some(in_hand) = self.forgetting.front_mut() else { return Ok(false) };
        let now_s = self.clock.now_s(monotonic_ns()) as u32;
        let mut left = SLICE;
        for range in in_hand.wish.addresses.ranges().filter(|range| u64::from(range.last().0) >= in_hand.next) {
            let first = u64::from(range.first().0).max(in_hand.next) as u32;
            // States are numbered in the order of their addresses.
            let begin = self.planner.states().partition_point(|state| state.address < first);
            let end = self.planner.states().partition_point(|state| state.address <= range.last().0);
            for number in begin..end.min(begin + left) {
                let address = V4(self.planner.states()[number].address);
                let visit = self.visits.cancel(address).or_else(|| Some(self.asking.remove(&address)?.visit));
                if let Some(visit) = visit {
                    self.planner.give_up(visit.number, now_s);
                }
                self.planner.forget(number as u32);
            }
            if end - begin >= left {
                in_hand.next =
                    self.planner.states().get(begin + left).map_or(1 << 32, |state| u64::from(state.address));
                return Ok(true);
            }
            left -= end - begin;
        }
        if let Some(InHand { wish, .. }) = self.forgetting.pop_front() {
            self.saving.forget(wish)?;
        }
        Ok(true)
    }
}
