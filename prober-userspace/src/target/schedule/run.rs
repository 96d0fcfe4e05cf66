//! Up to 64 neighbouring turns that are at the same pass.

/// The turns `first + i` for each bit i set in the mask. Never empty, except for the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    pub(super) pass: u32,
    first: u64,
    mask: u64,
}

/// A run and its time. Ordered by time first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) due_ns: u64,
    pub(super) run: Run,
}

impl Run {
    /// `count` turns from `first`, 1 to 64.
    pub(super) const fn new(pass: u32, first: u64, count: u32) -> Self {
        Self { pass, first, mask: u64::MAX >> (64 - count) }
    }

    /// The lowest turn.
    pub(super) const fn first_turn(self) -> u64 {
        self.first + self.mask.trailing_zeros() as u64
    }

    /// How many turns.
    pub(super) const fn probes(self) -> u64 {
        self.mask.count_ones() as u64
    }

    /// How many turns, if they follow one another without a gap.
    pub(super) const fn contiguous(self) -> Option<usize> {
        let low = self.mask >> self.mask.trailing_zeros();
        if low & low.wrapping_add(1) == 0 { Some(low.count_ones() as usize) } else { None }
    }

    /// The turns in ascending order.
    pub(super) fn turns(self) -> impl Iterator<Item = u64> {
        let mut left = self.mask;
        std::iter::from_fn(move || {
            let bit = u64::from(left.trailing_zeros());
            (left != 0).then(|| {
                left &= left - 1;
                self.first + bit
            })
        })
    }

    /// The same turns without one of them.
    pub(super) const fn without(self, turn: u64) -> Self {
        Self { mask: self.mask & !(1 << (turn - self.first)), ..self }
    }

    /// The lowest `most` turns, and the rest if there is any. `most` is at least 1.
    pub(super) fn split(self, most: usize) -> (Self, Option<Self>) {
        let mut rest = self.mask;
        for _ in 0..most {
            rest &= rest.wrapping_sub(1);
        }
        let rest_run = (rest != 0).then_some(Self { mask: rest, ..self });
        (Self { mask: self.mask & !rest, ..self }, rest_run)
    }

    /// The same turns in the following pass, if there is one.
    pub(super) fn next_pass(self, passes: u32) -> Option<Self> {
        (self.pass + 1 < passes).then_some(Self { pass: self.pass + 1, ..self })
    }
}
