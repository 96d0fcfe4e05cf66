//! A few texts that a part of a pattern can match, and whether case counts in them. Bounded in number and length: what
//! would grow further is given up.

use regex_syntax::hir::Class;

/// Most texts of one part.
const TEXTS_MAX: usize = 32;
/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// How case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// No letters.
    Indifferent,
    /// As written.
    Counts,
    /// Each letter in either case; written in lower case.
    Folded,
    /// Counts in some letters only.
    Mixed,
}

impl Case {
    fn of(text: &[u8]) -> Self {
        if text.iter().any(u8::is_ascii_alphabetic) { Self::Counts } else { Self::Indifferent }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Indifferent, case) | (case, Self::Indifferent) => case,
            (one, other) if one == other => one,
            _ => Self::Mixed,
        }
    }
}

/// The texts, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Texts {
    all: Vec<Vec<u8>>,
    case: Case,
    looks: bool,
}

impl Texts {
    /// Only the empty text.
    pub(super) fn of_nothing() -> Self {
        Self { all: vec![Vec::new()], case: Case::Indifferent, looks: false }
    }

    /// Only the empty text, and that not everywhere.
    pub(super) fn of_look() -> Self {
        Self { looks: true, ..Self::of_nothing() }
    }

    pub(super) fn of_literal(literal: &[u8]) -> Option<Self> {
        let case = Case::of(literal);
        (literal.len() <= TEXT_BYTES_MAX).then(|| Self { all: vec![literal.to_vec()], case, looks: false })
    }

    /// A letter in both cases is one folded text; else each byte is one.
    pub(super) fn of_class(class: &Class) -> Option<Self> {
        let bytes = bytes_of(class)?;
        if let [upper, lower] = bytes[..]
            && upper.is_ascii_uppercase()
            && lower == upper.to_ascii_lowercase()
        {
            return Some(Self { all: vec![vec![lower]], case: Case::Folded, looks: false });
        }
        let case = Case::of(&bytes);
        (!bytes.is_empty()).then(|| Self {
            all: bytes.into_iter().map(|byte| vec![byte]).collect(),
            case,
            looks: false,
        })
    }

    /// Each text of this followed by each of `next`; `None` if that is too much.
    pub(super) fn then(&self, next: &Self) -> Option<Self> {
        if self.all.len() * next.all.len() > TEXTS_MAX {
            return None;
        }
        let mut all = Vec::with_capacity(self.all.len() * next.all.len());
        for first in &self.all {
            for second in &next.all {
                if first.len() + second.len() > TEXT_BYTES_MAX {
                    return None;
                }
                all.push([&first[..], second].concat());
            }
        }
        Some(Self { all, case: self.case.and(next.case), looks: self.looks || next.looks }.each_once())
    }

    /// The texts of both; `None` if they are too many.
    pub(super) fn or(&self, other: &Self) -> Option<Self> {
        let all = [&self.all[..], &other.all].concat();
        let both = Self { all, case: self.case.and(other.case), looks: self.looks || other.looks }.each_once();
        (both.all.len() <= TEXTS_MAX).then_some(both)
    }

    pub(super) fn all(&self) -> &[Vec<u8>] {
        &self.all
    }

    /// The texts in lower case.
    pub(super) fn folded(&self) -> Vec<Vec<u8>> {
        let mut folded: Vec<_> = self.all.iter().map(|text| text.to_ascii_lowercase()).collect();
        folded.sort();
        folded.dedup();
        folded
    }

    /// Whether case counts nowhere; `None` if it does in some letters only.
    pub(super) fn is_folded(&self) -> Option<bool> {
        match self.case {
            Case::Indifferent | Case::Counts => Some(false),
            Case::Folded => Some(true),
            Case::Mixed => None,
        }
    }

    /// Whether something besides the text must hold within.
    pub(super) fn has_looks(&self) -> bool {
        self.looks
    }

    fn each_once(mut self) -> Self {
        self.all.sort();
        self.all.dedup();
        self
    }
}

/// The bytes of a class, ascending, if they are few and each a character of its own.
fn bytes_of(class: &Class) -> Option<Vec<u8>> {
    let ranges: Vec<(u8, u8)> = match class {
        Class::Bytes(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        // In UTF-8 only ASCII is single bytes.
        Class::Unicode(class) => {
            let ascii = |c: char| u8::try_from(c).ok().filter(u8::is_ascii);
            class.ranges().iter().map(|r| Some((ascii(r.start())?, ascii(r.end())?))).collect::<Option<_>>()?
        }
    };
    let count: usize = ranges.iter().map(|(start, end)| usize::from(end - start) + 1).sum();
    (count <= TEXTS_MAX / 2).then(|| ranges.into_iter().flat_map(|(start, end)| start..=end).collect())
}
