//! Which keywords a banner holds, for a database of tens of thousands of them: one pass over the banner finds the rarest
//! literal that each keyword needs, and only those keywords are verified. The naive loop that it must equal stands in the
//! tests.

mod pattern;
mod rarity;
mod scratch;
mod windows;

#[cfg(test)]
mod tests;

use super::database::{Database, DatabaseVersion, KeywordId};
use super::literal;
use pattern::Pattern;
use rarity::Rarity;
pub use scratch::Scratch;
use windows::{Windows, WindowsBuilder};

/// Finds the keywords of a database. Shared by threads; each brings its own [`Scratch`].
#[derive(Debug)]
pub struct Matcher {
    patterns: Vec<Pattern>,
    windows: Windows,
    /// Keywords of each literal, one list after the other.
    of_literal: Lists,
    /// Anchored keywords without a literal, by the first byte of the banner.
    of_first_byte: Lists,
    /// Keywords that nothing but verifying decides.
    always: Vec<KeywordId>,
    version: DatabaseVersion,
}

/// How the keywords of a matcher are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Ways {
    /// By a literal which is then the whole keyword: no regular expression runs.
    pub exact: usize,
    /// By a literal, then verified.
    pub literal: usize,
    /// By the first bytes of the banner, then verified.
    pub beginning: usize,
    /// Verified on every banner.
    pub always: usize,
}

impl Matcher {
    /// For a database of which every pattern was checked. Costs some ten microseconds a keyword; regular expressions are
    /// compiled when they are first needed.
    pub fn new(database: &Database) -> Self {
        let rarity = Rarity::of(database);
        let cost = |literal: &[u8]| rarity.cost(literal);
        let mut windows = WindowsBuilder::default();
        let mut patterns = Vec::with_capacity(database.patterns().len());
        let (mut of_literal, mut of_first_byte) = (Vec::new(), Vec::new());
        let mut always = Vec::new();
        for (number, text) in database.patterns().iter().enumerate() {
            let id = KeywordId(number as u32);
            let hir = super::pattern::parse(text).expect("the patterns of a database were checked when it was loaded");
            let mut pattern = Pattern::new(text, &hir);
            let literals = match pattern.exact() {
                Some(exact) => Some(exact.texts.iter().map(|text| text.to_ascii_lowercase()).collect()),
                None => literal::required(&hir, &cost),
            };
            if literals.is_none() {
                pattern = pattern.with_signs(&literal::signs(&hir));
            }
            match (literals, pattern.first_bytes()) {
                (Some(literals), _) => {
                    for literal in literals {
                        let place = rarity.rarest(&literal);
                        of_literal.push((windows.add(literal, place), id));
                    }
                }
                (None, Some(first)) => {
                    of_first_byte.extend((0..=u8::MAX).filter(|byte| first.has(*byte)).map(|b| (u32::from(b), id)));
                }
                (None, None) => always.push(id),
            }
            patterns.push(pattern);
        }
        Self {
            of_literal: Lists::of(windows.len(), of_literal),
            of_first_byte: Lists::of(256, of_first_byte),
            windows: windows.build(),
            patterns,
            always,
            version: database.version(),
        }
    }

    /// The keywords that `banner` holds, ascending, each once. Any bytes will do.
    pub fn hits<'s>(&self, banner: &[u8], scratch: &'s mut Scratch) -> &'s [KeywordId] {
        scratch.begin(banner, self.version, self.patterns.len());
        let folded = std::mem::take(&mut scratch.folded);
        self.windows.scan(&folded, |literal, start, len| {
            for &id in self.of_literal.get(literal) {
                self.patterns[id.0 as usize].at(id, banner, &folded, start..start + len, scratch);
            }
        });
        if let Some(first) = banner.first() {
            for &id in self.of_first_byte.get(u32::from(*first)) {
                self.patterns[id.0 as usize].anywhere(id, banner, &folded, scratch);
            }
        }
        for &id in &self.always {
            self.patterns[id.0 as usize].anywhere(id, banner, &folded, scratch);
        }
        scratch.folded = folded;
        scratch.end()
    }

    /// How the keywords are found.
    pub fn ways(&self) -> Ways {
        let exact = self.patterns.iter().filter(|pattern| pattern.exact().is_some()).count();
        let mut beginning: Vec<KeywordId> = self.of_first_byte.all.clone();
        beginning.sort_unstable();
        beginning.dedup();
        let literal = self.patterns.len() - exact - beginning.len() - self.always.len();
        Ways { exact, literal, beginning: beginning.len(), always: self.always.len() }
    }

    /// Keywords that no literal leads to: each is verified on many banners.
    pub fn without_literal(&self) -> Vec<KeywordId> {
        let mut ids: Vec<_> = self.of_first_byte.all.iter().chain(&self.always).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Lists of keywords by number, one after the other.
#[derive(Debug)]
struct Lists {
    starts: Vec<u32>,
    all: Vec<KeywordId>,
}

impl Lists {
    fn of(count: usize, mut pairs: Vec<(u32, KeywordId)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let starts = (0..=count).map(|list| pairs.partition_point(|pair| (pair.0 as usize) < list) as u32).collect();
        Self { starts, all: pairs.into_iter().map(|pair| pair.1).collect() }
    }

    #[inline]
    fn get(&self, list: u32) -> &[KeywordId] {
        let list = list as usize;
        &self.all[self.starts[list] as usize..self.starts[list + 1] as usize]
    }
}
