//! A normalised banner as words that are fixed and slots that may differ between devices of one model: what holds figures.
//! Header lines that tell nothing are left out, and versions are all alike.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::filter::tells;

/// Bytes of a banner that make its template.
const BYTES: usize = 3_000;

/// A piece of a banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Piece<'a> {
    /// A word of letters.
    Word(&'a str),
    /// A word with figures.
    Slot(&'a str),
    /// A version.
    Version,
    /// Between words.
    Between(char),
}

/// The pieces of a normalised banner, in order.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let text = &text[..text.floor_char_boundary(BYTES)];
    let mut pieces = Vec::new();
    for line in text.split_inclusive('\n') {
        if !super::is_header(line) {
            pieces_of_line(line, &mut pieces);
        }
    }
    pieces
}

fn pieces_of_line<'a>(line: &'a str, pieces: &mut Vec<Piece<'a>>) {
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("<mac>") || rest.starts_with("<hex>") {
            // The maker's part of an address stands before it; many makers' parts are of one device.
            drop_prefix(pieces);
        }
        if !is_of_word(first) {
            // Blanks are alike.
            let between = if first.is_whitespace() { ' ' } else { first };
            if !(between == ' ' && pieces.last() == Some(&Piece::Between(' '))) {
                pieces.push(Piece::Between(between));
            }
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let len = word_len(rest);
        let word = &rest[..len];
        pieces.push(match word.bytes().any(|byte| byte.is_ascii_digit()) {
            _ if is_version(word) => Piece::Version,
            true => Piece::Slot(word),
            false => Piece::Word(word),
        });
        rest = &rest[len..];
    }
}

/// Drops `001122` or `00:11:22:` from the end.
fn drop_prefix(pieces: &mut Vec<Piece<'_>>) {
    let is_hex = |word: &str, len: usize| word.len() == len && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let of = |piece: Option<&Piece<'_>>, len: usize| match piece {
        Some(Piece::Word(word) | Piece::Slot(word)) => is_hex(word, len),
        _ => false,
    };
    if of(pieces.last(), 6) {
        pieces.pop();
        return;
    }
    let tail = pieces.len().saturating_sub(6);
    let is_prefix = pieces.len() >= 6
        && pieces[tail..]
            .chunks(2)
            .all(|pair| of(pair.first(), 2) && matches!(pair.get(1), Some(Piece::Between(':' | '-'))));
    if is_prefix {
        pieces.truncate(tail);
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Letters and figures, with single dots and hyphens inside.
fn word_len(text: &str) -> usize {
    let mut len = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let joins = matches!(c, '.' | '-') && chars.peek().is_some_and(|(_, next)| is_of_word(*next));
        if !is_of_word(c) && !joins {
            break;
        }
        len = at + c.len_utf8();
    }
    len
}

/// `1.2`, `v3`, `V2.0.1b7`, `2.4.57-3`.
fn is_version(word: &str) -> bool {
    let numbers = word.trim_start_matches(['v', 'V', 'r', 'R']);
    let prefixed = numbers.len() < word.len() && word.len() - numbers.len() == 1;
    let starts = numbers.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let mut parts = numbers.split(['.', '_', '-']);
    let first_is_number = parts.next().is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let next_is_number = parts.next().is_some_and(|part| part.bytes().next().is_some_and(|byte| byte.is_ascii_digit()));
    starts && first_is_number && (numbers.contains('.') && next_is_number || prefixed && !numbers.contains('-'))
}

/// What two banners with the same fixed pieces have in common.
pub(super) fn skeleton(pieces: &[Piece<'_>]) -> u64 {
    hash(pieces.iter().map(|piece| match piece {
        Piece::Slot(_) => &Piece::Slot(""),
        other => other,
    }))
}

/// The values of the slots, in order.
pub(super) fn slots<'a>(pieces: &[Piece<'a>]) -> impl Iterator<Item = &'a str> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Slot(value) => Some(*value),
        _ => None,
    })
}

/// Whether a fixed word other than `without` may name a device.
pub(super) fn has_name(pieces: &[Piece<'_>], without: Option<&str>) -> bool {
    pieces.iter().any(|piece| match piece {
        Piece::Word(word) => Some(*word) != without && word.split(['-', '.']).any(tells),
        _ => false,
    })
}

/// Of pieces in order.
pub(super) fn hash<'p, 'a: 'p>(pieces: impl Iterator<Item = &'p Piece<'a>>) -> u64 {
    let mut hasher = DefaultHasher::new();
    pieces.for_each(|piece| piece.hash(&mut hasher));
    hasher.finish()
}
