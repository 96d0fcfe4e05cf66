//! The index by rank behind `AddressSet::nth`: the ranks are cut into equal buckets, and each knows its first span,
//! so that a look-up reads two neighbours instead of searching all spans.

use super::Span;

/// More buckets than this would no longer fit the second-level cache.
const MOST_BUCKETS: u64 = 1 << 16;

#[derive(Clone)]
pub(super) struct RankIndex {
    /// A rank's bucket is `rank >> shift`.
    shift: u32,
    /// The span that holds the first rank of each bucket; one entry more than buckets.
    span: Vec<u32>,
}

impl RankIndex {
    /// `spans` ends with the sentinel.
    pub(super) fn new(spans: &[Span], count: u64) -> Self {
        let real = spans.len() as u64 - 1;
        let wanted = (real * 4).next_power_of_two().clamp(1, MOST_BUCKETS);
        let mut shift = 0;
        while count >> shift > wanted {
            shift += 1;
        }
        let buckets = (count >> shift) + 1;
        let mut span = Vec::with_capacity(buckets as usize + 1);
        let mut at = 0_usize;
        for bucket in 0..=buckets {
            let rank = bucket << shift;
            while at + 2 < spans.len() && u64::from(spans[at + 1].rank) <= rank {
                at += 1;
            }
            span.push(at as u32);
        }
        Self { shift, span }
    }

    #[inline]
    pub(super) fn nth(&self, spans: &[Span], rank: u32) -> u32 {
        let bucket = ((rank >> self.shift) as usize).min(self.span.len() - 2);
        let mut low = self.span[bucket] as usize;
        let high = self.span[bucket + 1] as usize;
        if high - low > 8 {
            low += spans[low + 1..=high].partition_point(|span| span.rank <= rank);
        } else {
            while low < high && spans[low + 1].rank <= rank {
                low += 1;
            }
        }
        spans[low].first.wrapping_add(rank.wrapping_sub(spans[low].rank))
    }
}
