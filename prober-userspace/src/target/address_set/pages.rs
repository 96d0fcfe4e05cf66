//! The index by /16 behind `AddressSet::contains`: most /16s are wholly in or wholly out, and one byte says so.

use super::{AddressRange, Span};

const PAGES: usize = 1 << 16;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Page {
    None,
    All,
    Mixed,
}

/// What each /16 holds, and for the mixed ones where to look.
#[derive(Clone)]
pub(super) struct Pages {
    /// 64 kB, so that it stays in the second-level cache.
    kind: Vec<Page>,
    /// First span that ends at or above the start of the page; one entry more than pages.
    span: Vec<u32>,
}

impl Pages {
    pub(super) fn new(ranges: &[AddressRange]) -> Self {
        let mut kind = vec![Page::None; PAGES];
        let mut span = vec![0_u32; PAGES + 1];
        let mut next_page = 0_usize;
        for (index, range) in ranges.iter().enumerate() {
            let first_page = (range.first().0 >> 16) as usize;
            let last_page = (range.last().0 >> 16) as usize;
            while next_page <= last_page {
                span[next_page] = index as u32;
                next_page += 1;
            }
            kind[first_page..=last_page].fill(Page::All);
            if range.first().0 & 0xffff != 0 {
                kind[first_page] = Page::Mixed;
            }
            if range.last().0 & 0xffff != 0xffff {
                kind[last_page] = Page::Mixed;
            }
        }
        span[next_page..].fill(ranges.len() as u32);
        Self { kind, span }
    }

    #[inline]
    pub(super) fn contains(&self, spans: &[Span], address: u32) -> bool {
        let page = (address >> 16) as usize;
        match self.kind[page] {
            Page::None => false,
            Page::All => true,
            Page::Mixed => self.search(spans, page, address),
        }
    }

    fn search(&self, spans: &[Span], page: usize, address: u32) -> bool {
        let low = self.span[page] as usize;
        // The span that ends beyond this page may start in it.
        let high = (self.span[page + 1] as usize + 1).min(spans.len() - 1);
        let above = low + spans[low..high].partition_point(|span| span.first <= address);
        if above == low {
            return false;
        }
        let span = spans[above - 1];
        address - span.first <= spans[above].rank.wrapping_sub(span.rank).wrapping_sub(1)
    }
}
