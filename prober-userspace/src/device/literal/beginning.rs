//! Which bytes may stand at the first places of a banner for an anchored pattern: cheap to look at, and most patterns
//! for binary protocols have no better sign.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Bytes that may stand at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) struct ByteSet([u64; 4]);

impl ByteSet {
    const NONE: Self = Self([0; 4]);
    const ALL: Self = Self([u64::MAX; 4]);

    #[inline]
    pub(in super::super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    /// The byte, if there is only one.
    pub(in super::super) fn single(&self) -> Option<u8> {
        let mut bytes = (0..=u8::MAX).filter(|byte| self.has(*byte));
        bytes.next().filter(|_| bytes.next().is_none())
    }

    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }
}

/// Places that are looked at.
const PLACES_MAX: usize = 24;

/// The bytes that may stand at the first places of any banner that the pattern matches; nothing if it may match
/// further on.
pub(in super::super) fn beginning(hir: &Hir) -> Vec<ByteSet> {
    let mut places = Vec::new();
    if hir.properties().look_set_prefix().contains(Look::Start) {
        walk(hir, &mut places);
    }
    places.truncate(PLACES_MAX);
    places
}

/// Adds the places that `hir` fills; whether it fills always that many, so that what follows it is known as well.
fn walk(hir: &Hir, places: &mut Vec<ByteSet>) -> bool {
    if places.len() >= PLACES_MAX {
        return false;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            for byte in &literal.0 {
                let mut set = ByteSet::NONE;
                set.insert(*byte);
                places.push(set);
            }
            true
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut set = ByteSet::NONE;
            class.ranges().iter().flat_map(|range| range.start()..=range.end()).for_each(|byte| set.insert(byte));
            places.push(set);
            true
        }
        // Characters of different lengths.
        HirKind::Class(Class::Unicode(_)) => {
            places.push(ByteSet::ALL);
            false
        }
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min.min(PLACES_MAX as u32) {
                if !walk(&repetition.sub, places) {
                    return false;
                }
            }
            repetition.max == Some(repetition.min)
        }
        HirKind::Capture(capture) => walk(&capture.sub, places),
        HirKind::Concat(parts) => parts.iter().all(|part| walk(part, places)),
        HirKind::Alternation(parts) => {
            let ways: Vec<(Vec<ByteSet>, bool)> = parts
                .iter()
                .map(|part| {
                    let mut way = Vec::new();
                    let fixed = walk(part, &mut way);
                    (way, fixed)
                })
                .collect();
            let shortest = ways.iter().map(|(way, _)| way.len()).min().unwrap_or(0);
            let either = |place: usize| ways.iter().fold(ByteSet::NONE, |set, (way, _)| set.or(way[place]));
            places.extend((0..shortest).map(either));
            ways.iter().all(|(way, fixed)| *fixed && way.len() == shortest)
        }
    }
}
