//! One keyword of a matcher: how it is verified, cheapest first.

use std::ops::{Range, RangeInclusive};
use std::sync::OnceLock;

use memchr::memmem::Finder;
use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_syntax::hir::{Hir, Look};

use super::Scratch;
use crate::device::database::KeywordId;
use crate::device::literal::{self, ByteSet, Exact};
use crate::device::pattern::compile;

/// A keyword.
#[derive(Debug)]
pub(super) struct Pattern {
    verify: Verify,
    /// What the first bytes of the banner must be; nothing if the pattern may match further on.
    beginning: Vec<Place>,
    /// Bytes of a banner that it can match.
    lengths: RangeInclusive<usize>,
    /// Folded texts that the banner must hold.
    signs: Vec<Finder<'static>>,
}

#[derive(Debug)]
enum Verify {
    /// It is a few texts.
    Exact(Exact),
    /// It needs its regular expression.
    Regex { text: String, regex: OnceLock<Regex> },
}

/// What may stand at one place.
#[derive(Clone, Copy, Debug)]
enum Place {
    Byte(u8),
    OneOf(ByteSet),
}

impl Pattern {
    pub(super) fn new(text: &str, hir: &Hir) -> Self {
        let places = literal::beginning(hir);
        let verify = match literal::exact(hir) {
            Some(exact) => Verify::Exact(exact),
            None => Verify::Regex { text: text.to_owned(), regex: OnceLock::new() },
        };
        let anchored = hir.properties().look_set_prefix().contains(Look::Start)
            && hir.properties().look_set_suffix().contains(Look::End);
        let most = hir.properties().maximum_len().filter(|_| anchored).unwrap_or(usize::MAX);
        let lengths = hir.properties().minimum_len().unwrap_or(0)..=most;
        let place = |set: &ByteSet| set.single().map_or(Place::OneOf(*set), Place::Byte);
        Self { verify, beginning: places.iter().map(place).collect(), lengths, signs: Vec::new() }
    }

    /// Looks for these texts before it is verified.
    pub(super) fn with_signs(mut self, signs: &[Vec<u8>]) -> Self {
        self.signs = signs.iter().map(|sign| Finder::new(sign).into_owned()).collect();
        self
    }

    pub(super) fn exact(&self) -> Option<&Exact> {
        match &self.verify {
            Verify::Exact(exact) => Some(exact),
            Verify::Regex { .. } => None,
        }
    }

    /// What the first byte of a banner may be; `None` if anything.
    pub(super) fn first_bytes(&self) -> Option<FirstBytes> {
        self.beginning.first().map(|place| FirstBytes(*place))
    }

    /// One of its literals stands at `found`.
    #[inline]
    pub(super) fn at(&self, id: KeywordId, banner: &[u8], folded: &[u8], found: Range<usize>, scratch: &mut Scratch) {
        match &self.verify {
            Verify::Exact(exact) => {
                if !scratch.is_settled(id) && is_text(exact, banner, folded, found) {
                    scratch.settle(id, true);
                }
            }
            Verify::Regex { .. } => self.anywhere(id, banner, folded, scratch),
        }
    }

    /// It may be anywhere in the banner, or not at all.
    pub(super) fn anywhere(&self, id: KeywordId, banner: &[u8], folded: &[u8], scratch: &mut Scratch) {
        if scratch.is_settled(id) {
            return;
        }
        let begins = self.lengths.contains(&banner.len())
            && self.beginning.len() <= banner.len()
            && self.beginning.iter().zip(banner).all(|(place, byte)| place.has(*byte));
        let matches = begins
            && self.signs.iter().all(|sign| sign.find(folded).is_some())
            && self.verify_regex(id, banner, scratch);
        scratch.settle(id, matches);
    }

    fn verify_regex(&self, id: KeywordId, banner: &[u8], scratch: &mut Scratch) -> bool {
        // Found by its texts, an exact pattern never comes here.
        let Verify::Regex { text, regex } = &self.verify else { return false };
        let regex = regex.get_or_init(|| {
            compile(text, false).expect("what was checked compiles: the limit here is four times the one checked")
        });
        scratch.verified += 1;
        regex.search_half_with(scratch.cache(id, regex), &Input::new(banner).earliest(true)).is_some()
    }
}

fn is_text(exact: &Exact, banner: &[u8], folded: &[u8], found: Range<usize>) -> bool {
    let here = if exact.folded { &folded[found.clone()] } else { &banner[found.clone()] };
    exact.texts.iter().any(|text| text == here)
        && exact.before.is_none_or(|look| literal::holds(look, banner, found.start))
        && exact.after.is_none_or(|look| literal::holds(look, banner, found.end))
}

impl Place {
    #[inline]
    fn has(&self, byte: u8) -> bool {
        match self {
            Self::Byte(only) => *only == byte,
            Self::OneOf(set) => set.has(byte),
        }
    }
}

/// What the first byte of a banner may be.
pub(super) struct FirstBytes(Place);

impl FirstBytes {
    pub(super) fn has(&self, byte: u8) -> bool {
        self.0.has(byte)
    }
}
