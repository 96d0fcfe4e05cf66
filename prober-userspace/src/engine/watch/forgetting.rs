//! Forgetting addresses while the watch goes on: their states start anew, a slice in each turn of the deciding thread, then the
//! keeper takes what is stored of them off the disk. They are excluded, so nothing new comes to be known.

use std::ops::Range;

use prober_common::address::V4;

use super::Watch;
use crate::io::sys::monotonic_ns;
use crate::model::watch::Forgetting;
use crate::policy::target_state::TargetState;
use crate::target::address_set::AddressSet;

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
        let (numbers, next) = slice(self.planner.states(), &in_hand.wish.addresses, in_hand.next, SLICE);
        for number in numbers.into_iter().flatten() {
            let address = V4(self.planner.states()[number].address);
            self.late.forget(address);
            let visit = self.visits.cancel(address).or_else(|| Some(self.asking.remove(&address)?.visit));
            if let Some(visit) = visit {
                self.planner.give_up(visit.number, now_s);
            }
            self.planner.forget(number as u32);
        }
        if let Some(next) = next {
            in_hand.next = next;
        } else if let Some(InHand { wish, .. }) = self.forgetting.pop_front() {
            self.saving.forget(wish)?;
        }
        Ok(true)
    }
}

/// The numbers of at most `most` states whose addresses are among these, from an address on, and the address to go on with;
/// `None` if none is left. States are numbered in the order of their addresses.
fn slice(states: &[TargetState], among: &AddressSet, from: u64, most: usize) -> (Vec<Range<usize>>, Option<u64>) {
    let (mut numbers, mut left) = (Vec::new(), most);
    for range in among.ranges().filter(|range| u64::from(range.last().0) >= from) {
        let first = u64::from(range.first().0).max(from);
        let begin = states.partition_point(|state| u64::from(state.address) < first);
        let end = states.partition_point(|state| state.address <= range.last().0);
        let until = end.min(begin + left);
        left -= until - begin;
        numbers.push(begin..until);
        if until < end {
            return (numbers, Some(u64::from(states[until].address)));
        }
    }
    (numbers, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::target::range::AddressRange;

    proptest! {
        #[test]
        fn slices_hold_every_address_once(
            watched in prop::collection::btree_set(0_u32..400, 0..200),
            forgotten in prop::collection::vec((0_u32..400, 0_u32..60), 0..6),
            most in 1_usize..50,
            is_high: bool,
        ) {
            // Up to the last address of all.
            let place = |address: u32| if is_high { u32::MAX - 400 + address } else { address };
            let states: Vec<_> = watched.iter().map(|address| TargetState::new(place(*address), 0)).collect();
            let ranges = forgotten.iter().map(|(first, more)| (*first, (first + more).min(400)));
            let among = AddressSet::from_ranges(
                ranges.map(|(first, last)| AddressRange::between(V4(place(first)), V4(place(last)))),
            );
            let (mut seen, mut next, mut slices) = (Vec::new(), Some(0), 0);
            while let Some(from) = next {
                let (numbers, then) = slice(&states, &among, from, most);
                let numbers: Vec<usize> = numbers.into_iter().flatten().collect();
                prop_assert!(numbers.len() <= most && (then.is_none() || numbers.len() == most));
                seen.extend(numbers);
                next = then;
                slices += 1;
                prop_assert!(slices <= 400, "it comes to an end");
            }
            let expected: Vec<usize> =
                (0..states.len()).filter(|number| among.contains(V4(states[*number].address))).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
