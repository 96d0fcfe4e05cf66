//! A set of IPv4 addresses as sorted disjoint spans, with two indexes: by /16, so that `contains` costs a few ns with
//! ten thousand spans, and by rank, so that `nth` does. Immutable: set algebra makes new sets.

mod pages;
mod ranks;
#[cfg(test)]
mod tests;

use core::fmt;

use prober_common::address::V4;

use self::pages::Pages;
use self::ranks::RankIndex;
use super::range::AddressRange;

/// Consecutive addresses: where they start and how many set members lie below. The length is the next span's rank
/// minus this one's; a sentinel closes the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: u32,
    rank: u32,
}

/// A set of addresses. 8 bytes per span and about 400 kB of indexes.
#[derive(Clone)]
pub struct AddressSet {
    /// Sorted, disjoint, not touching; then a sentinel with rank `count mod 2^32`.
    spans: Vec<Span>,
    count: u64,
    pages: Pages,
    ranks: RankIndex,
}

impl AddressSet {
    /// The set of all addresses in the ranges, which may overlap and come in any order. n log n; linear when sorted.
    pub fn from_ranges(ranges: impl IntoIterator<Item = AddressRange>) -> Self {
        let mut ranges: Vec<AddressRange> = ranges.into_iter().collect();
        if !ranges.is_sorted() {
            ranges.sort_unstable();
        }
        ranges.dedup_by(|next, kept| {
            let joins = kept.last().0 == u32::MAX || next.first().0 <= kept.last().0 + 1;
            if joins {
                *kept = AddressRange::between(kept.first(), kept.last().max(next.last()));
            }
            joins
        });
        Self::from_disjoint(&ranges)
    }

    /// The set of no address.
    pub fn empty() -> Self {
        Self::from_disjoint(&[])
    }

    /// Whether `address` is in the set; a few ns.
    #[inline]
    pub fn contains(&self, address: V4) -> bool {
        self.pages.contains(&self.spans, address.0)
    }

    /// How many addresses, 0 to 2^32.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is no address.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The address with `rank` smaller ones in the set; a few ns. `rank` must be below `len()`; from there on the
    /// answer is some address of no meaning (or zero), never a panic.
    #[inline]
    pub fn nth(&self, rank: u64) -> V4 {
        V4(self.ranks.nth(&self.spans, rank as u32))
    }

    /// The spans in ascending order.
    pub fn ranges(&self) -> impl Iterator<Item = AddressRange> + '_ {
        self.spans.windows(2).map(|pair| {
            let length_less_one = pair[1].rank.wrapping_sub(pair[0].rank).wrapping_sub(1);
            AddressRange::between(V4(pair[0].first), V4(pair[0].first + length_less_one))
        })
    }

    /// How many disjoint spans.
    pub fn range_count(&self) -> usize {
        self.spans.len() - 1
    }

    /// How many /24s hold at least one address.
    pub fn slash24_count(&self) -> u64 {
        let mut count = 0;
        let mut counted_to = None;
        for range in self.ranges() {
            let (first, last) = (range.first().slash24(), range.last().slash24());
            count += u64::from(last - first) + u64::from(counted_to != Some(first));
            counted_to = Some(last);
        }
        count
    }

    /// Addresses of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.ranges().chain(other.ranges()))
    }

    /// Addresses of `self` that are not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.range_count() + other.range_count());
        let mut holes = other.ranges().peekable();
        for range in self.ranges() {
            // A u64 cursor can stand one past the last address.
            let mut cursor = u64::from(range.first().0);
            let last = u64::from(range.last().0);
            while let Some(&hole) = holes.peek() {
                if u64::from(hole.last().0) < cursor {
                    holes.next();
                    continue;
                }
                if u64::from(hole.first().0) > last {
                    break;
                }
                if u64::from(hole.first().0) > cursor {
                    left.push(AddressRange::between(V4(cursor as u32), V4(hole.first().0 - 1)));
                }
                cursor = u64::from(hole.last().0) + 1;
                if cursor > last {
                    break;
                }
            }
            if cursor <= last {
                left.push(AddressRange::between(V4(cursor as u32), range.last()));
            }
        }
        Self::from_disjoint(&left)
    }

    /// Addresses of both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let mut ours = self.ranges().peekable();
        let mut theirs = other.ranges().peekable();
        while let (Some(&a), Some(&b)) = (ours.peek(), theirs.peek()) {
            let first = a.first().max(b.first());
            let last = a.last().min(b.last());
            if first <= last {
                both.push(AddressRange::between(first, last));
            }
            if a.last() < b.last() {
                ours.next();
            } else {
                theirs.next();
            }
        }
        Self::from_disjoint(&both)
    }

    /// From ranges that are sorted, disjoint and do not touch.
    fn from_disjoint(ranges: &[AddressRange]) -> Self {
        let mut spans = Vec::with_capacity(ranges.len() + 1);
        let mut count = 0_u64;
        for range in ranges {
            spans.push(Span { first: range.first().0, rank: count as u32 });
            count += range.address_count();
        }
        spans.push(Span { first: 0, rank: count as u32 });
        Self { pages: Pages::new(ranges), ranks: RankIndex::new(&spans, count), spans, count }
    }
}

impl PartialEq for AddressSet {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.spans == other.spans
    }
}

impl Eq for AddressSet {}

impl fmt::Debug for AddressSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ranges().map(|range| range.to_string())).finish()
    }
}

impl FromIterator<AddressRange> for AddressSet {
    fn from_iter<I: IntoIterator<Item = AddressRange>>(ranges: I) -> Self {
        Self::from_ranges(ranges)
    }
}
