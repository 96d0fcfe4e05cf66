//! What every match of a pattern must hold, read from its syntax tree: literals for the prefilter, the whole language
//! where it is a few texts, and the bytes that may stand at the beginning. Literals are folded to lower case (ASCII): one
//! pass over a folded banner then serves patterns with and without `(?i)`.

mod beginning;
mod texts;

#[cfg(test)]
mod tests;

use regex_syntax::hir::{Hir, HirKind, Look};

pub(super) use beginning::{ByteSet, beginning};
use texts::Texts;

/// Bytes of a literal that the prefilter can look for.
pub(super) const LITERAL_BYTES_MIN: usize = 4;
/// Bytes of the pieces of a long literal.
const LITERAL_PIECE_BYTES: usize = 64;
/// Most literals of one set.
const SET_MAX: usize = 64;

/// Folded texts of which at least one is in every match.
pub(super) type LiteralSet = Vec<Vec<u8>>;

/// The language of a pattern, where it is a few texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    /// The texts; in lower case if `folded`.
    pub(super) texts: Vec<Vec<u8>>,
    /// Whether case does not count.
    pub(super) folded: bool,
    /// What must hold where a text begins.
    pub(super) before: Option<Look>,
    /// What must hold where it ends.
    pub(super) after: Option<Look>,
}

/// Most short texts of a pattern.
const SIGNS_MAX: usize = 3;

/// What [`exact`] takes.
const EXACT_MAX: usize = 16;

/// The language of a pattern if it is a few texts, each long enough for the prefilter, with at most a word boundary or
/// an anchor at either end.
pub(super) fn exact(hir: &Hir) -> Option<Exact> {
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        HirKind::Capture(capture) => return exact(&capture.sub),
        _ => std::slice::from_ref(hir),
    };
    let (before, parts) = match parts {
        [first, rest @ ..] if look(first).is_some() => (look(first), rest),
        _ => (None, parts),
    };
    let (after, parts) = match parts {
        [rest @ .., last] if look(last).is_some() => (look(last), rest),
        _ => (None, parts),
    };
    let texts = parts.iter().try_fold(Texts::of_nothing(), |texts, part| texts.then(&facts(part, &no_cost).texts?))?;
    let folded = texts.is_folded()?;
    let long = texts.all().iter().all(|text| text.len() >= LITERAL_BYTES_MIN);
    let known = [before, after].into_iter().flatten().all(is_known);
    (long && known && !texts.has_looks() && texts.all().len() <= EXACT_MAX).then(|| Exact {
        texts: texts.all().to_vec(),
        folded,
        before,
        after,
    })
}

/// Whether `look` holds in `text` at `at`; for those that [`exact`] lets through.
pub(super) fn holds(look: Look, text: &[u8], at: usize) -> bool {
    let is_word = |at: usize| text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    match look {
        Look::Start => at == 0,
        Look::End => at == text.len(),
        Look::StartLF => at == 0 || text[at - 1] == b'\n',
        Look::EndLF => at == text.len() || text[at] == b'\n',
        Look::WordAscii => (at > 0 && is_word(at - 1)) != is_word(at),
        Look::WordAsciiNegate => (at > 0 && is_word(at - 1)) == is_word(at),
        _ => false,
    }
}

fn is_known(look: Look) -> bool {
    use Look::{End, EndLF, Start, StartLF, WordAscii, WordAsciiNegate};
    matches!(look, Start | End | StartLF | EndLF | WordAscii | WordAsciiNegate)
}

fn look(hir: &Hir) -> Option<Look> {
    match hir.kind() {
        HirKind::Look(look) => Some(*look),
        _ => None,
    }
}

/// The set that costs least, if the pattern has one that the prefilter can look for. `cost` tells how often a folded
/// literal is to be expected; it is asked only about those that are long enough.
pub(super) fn required(hir: &Hir, cost: &dyn Fn(&[u8]) -> u64) -> Option<LiteralSet> {
    let facts = facts(hir, cost);
    let whole = facts.texts.as_ref().map(Texts::folded);
    cheapest(facts.sets.into_iter().chain(whole), cost)
}

/// Short texts, of any length, that are in every match of a pattern without a set for the prefilter; folded, and the
/// longest first.
pub(super) fn signs(hir: &Hir) -> LiteralSet {
    let facts = facts(hir, &no_cost);
    let whole = facts.texts.as_ref().map(Texts::folded);
    let mut signs: LiteralSet = facts
        .sets
        .into_iter()
        .chain(whole)
        .filter_map(|set| <[Vec<u8>; 1]>::try_from(shortest(&set)).ok())
        .flatten()
        .filter(|sign| !sign.is_empty())
        .collect();
    signs.sort_by_key(|sign| std::cmp::Reverse(sign.len()));
    signs.dedup();
    signs.truncate(SIGNS_MAX);
    signs
}

/// Without the texts that hold another one.
fn shortest(set: &LiteralSet) -> LiteralSet {
    let holds = |text: &[u8], other: &[u8]| text != other && text.windows(other.len().max(1)).any(|part| part == other);
    let keep = |text: &Vec<u8>| !set.iter().any(|other| other.is_empty() || holds(text, other));
    set.iter().filter(|text| keep(text)).cloned().collect()
}

/// What is known of a part of a pattern.
struct Facts {
    /// All that it can match, if that is a few texts.
    texts: Option<Texts>,
    /// Sets of folded literals; of each, every match holds at least one.
    sets: Vec<LiteralSet>,
}

impl Facts {
    fn nothing() -> Self {
        Self { texts: None, sets: Vec::new() }
    }

    fn exactly(texts: Option<Texts>) -> Self {
        Self { texts, sets: Vec::new() }
    }
}

fn no_cost(_: &[u8]) -> u64 {
    0
}

/// The parser bounds the depth of the tree.
fn facts(hir: &Hir, cost: &dyn Fn(&[u8]) -> u64) -> Facts {
    match hir.kind() {
        HirKind::Empty => Facts::exactly(Some(Texts::of_nothing())),
        HirKind::Look(_) => Facts::exactly(Some(Texts::of_look())),
        HirKind::Literal(literal) => match Texts::of_literal(&literal.0) {
            Some(texts) => Facts::exactly(Some(texts)),
            None => in_pieces(&literal.0),
        },
        HirKind::Class(class) => Facts::exactly(Texts::of_class(class)),
        HirKind::Capture(capture) => facts(&capture.sub, cost),
        HirKind::Repetition(repetition) => repeated(facts(&repetition.sub, cost), repetition.min, repetition.max),
        HirKind::Concat(parts) => in_a_row(parts, cost),
        HirKind::Alternation(parts) => any_of(parts, cost),
    }
}

/// A literal that is too long to be one text: any piece of it will do.
fn in_pieces(literal: &[u8]) -> Facts {
    let sets = literal.chunks(LITERAL_PIECE_BYTES).take(SET_MAX).map(|piece| vec![piece.to_ascii_lowercase()]);
    Facts { texts: None, sets: sets.collect() }
}

fn repeated(sub: Facts, min: u32, max: Option<u32>) -> Facts {
    let Some(texts) = sub.texts else {
        return if min == 0 { Facts::nothing() } else { Facts { texts: None, sets: sub.sets } };
    };
    let power = |times: u32| (0..times).try_fold(Texts::of_nothing(), |power, _| power.then(&texts));
    match (min, max) {
        (0, Some(1)) => Facts::exactly(texts.or(&Texts::of_nothing())),
        (0, _) => Facts::nothing(),
        (min, Some(max)) if min == max => match power(min) {
            Some(power) => Facts::exactly(Some(power)),
            None => Facts { texts: None, sets: vec![texts.folded()] },
        },
        (min, _) => Facts { texts: None, sets: vec![power(min.min(4)).unwrap_or(texts).folded()] },
    }
}

/// Runs of parts with few texts are multiplied out; each run, and each set of the parts between, is in every match.
fn in_a_row(parts: &[Hir], cost: &dyn Fn(&[u8]) -> u64) -> Facts {
    let mut sets = Vec::new();
    let mut run = Texts::of_nothing();
    let mut unbroken = true;
    for part in parts {
        let part = facts(part, cost);
        sets.extend(part.sets);
        let longer = part.texts.as_ref().and_then(|texts| run.then(texts));
        if let Some(longer) = longer {
            run = longer;
            continue;
        }
        unbroken = false;
        let next = part.texts.unwrap_or_else(Texts::of_nothing);
        sets.push(std::mem::replace(&mut run, next).folded());
    }
    if unbroken {
        return Facts { texts: Some(run), sets };
    }
    sets.push(run.folded());
    Facts { texts: None, sets }
}

/// The texts of all, or else the union of one set of each.
fn any_of(parts: &[Hir], cost: &dyn Fn(&[u8]) -> u64) -> Facts {
    let parts: Vec<Facts> = parts.iter().map(|part| facts(part, cost)).collect();
    let texts = parts.iter().try_fold(None::<Texts>, |sum, part| {
        let texts = part.texts.as_ref()?;
        Some(Some(match sum {
            Some(sum) => sum.or(texts)?,
            None => texts.clone(),
        }))
    });
    if let Some(texts) = texts.flatten() {
        return Facts::exactly(Some(texts));
    }
    let mut union = LiteralSet::new();
    for part in parts {
        let whole = part.texts.as_ref().map(Texts::folded);
        match cheapest(part.sets.into_iter().chain(whole), cost) {
            Some(set) => union.extend(set),
            None => return Facts::nothing(),
        }
    }
    union.sort();
    union.dedup();
    if union.len() > SET_MAX {
        return Facts::nothing();
    }
    Facts { texts: None, sets: vec![union] }
}

fn cheapest(sets: impl Iterator<Item = LiteralSet>, cost: &dyn Fn(&[u8]) -> u64) -> Option<LiteralSet> {
    let usable = |set: &LiteralSet| {
        !set.is_empty() && set.len() <= SET_MAX && set.iter().all(|literal| literal.len() >= LITERAL_BYTES_MIN)
    };
    let price = |set: &LiteralSet| set.iter().map(|literal| 1 + cost(literal)).sum::<u64>();
    sets.filter(usable).min_by_key(|set| (price(set), std::cmp::Reverse(set.iter().map(Vec::len).min())))
}
