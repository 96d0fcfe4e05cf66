//! What one thread writes while it matches, kept between banners so that matching allocates nothing.

use regex_automata::meta::{Cache, Regex};

use crate::device::database::{DatabaseVersion, KeywordId};

/// Working memory of one thread, for any number of matchers in turn; best for one.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The banner in lower case (ASCII).
    pub(super) folded: Vec<u8>,
    /// The banner, by number, for which each keyword was settled last.
    settled: Vec<u32>,
    banner: u32,
    hits: Vec<KeywordId>,
    /// Of the expressions of one database, `owner`.
    caches: Vec<Option<Box<Cache>>>,
    owner: DatabaseVersion,
    /// Regular expressions run so far.
    pub(super) verified: u64,
}

impl Scratch {
    /// Regular expressions run so far: what the prefilter did not spare.
    pub fn verified(&self) -> u64 {
        self.verified
    }

    pub(super) fn begin(&mut self, banner: &[u8], owner: DatabaseVersion, keywords: usize) {
        self.hits.clear();
        self.folded.clear();
        self.folded.extend(banner.iter().map(u8::to_ascii_lowercase));
        if self.owner != owner || self.settled.len() != keywords {
            self.owner = owner;
            self.caches.clear();
            self.caches.resize_with(keywords, || None);
            self.settled.clear();
            self.settled.resize(keywords, 0);
            self.banner = 0;
        }
        self.banner = self.banner.wrapping_add(1);
        if self.banner == 0 {
            self.settled.fill(0);
            self.banner = 1;
        }
    }

    #[inline]
    pub(super) fn is_settled(&self, id: KeywordId) -> bool {
        self.settled[id.0 as usize] == self.banner
    }

    pub(super) fn settle(&mut self, id: KeywordId, hit: bool) {
        self.settled[id.0 as usize] = self.banner;
        if hit {
            self.hits.push(id);
        }
    }

    pub(super) fn cache(&mut self, id: KeywordId, regex: &Regex) -> &mut Cache {
        self.caches[id.0 as usize].get_or_insert_with(|| Box::new(regex.create_cache()))
    }

    pub(super) fn end(&mut self) -> &[KeywordId] {
        self.hits.sort_unstable();
        &self.hits
    }
}
