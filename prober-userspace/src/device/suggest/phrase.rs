//! Runs of words of a banner that may become keywords.

use std::collections::BTreeSet;

use crate::device::sift::tells;

/// Bytes of a banner that are looked at.
const BANNER_BYTES: usize = 4_000;
/// Words of a phrase at most.
const WORDS_MAX: usize = 4;
/// Bytes of a phrase.
const BYTES: std::ops::RangeInclusive<usize> = 4..=40;
/// What may stand between two words of a phrase.
const BETWEEN: &[char] = &[' ', '-', '_', '.', '/', '!', '+'];

/// Words: letters and figures.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-')
        .map(|word| word.trim_matches('-'))
        .filter(|word| !word.is_empty())
}

/// Letters and figures together, as names of models are.
pub(super) fn is_model_like(word: &str) -> bool {
    let (letters, digits) = counts(word);
    // `ZX-77` is one, `rc2` is a version's.
    let names = tells(word) || word.contains('-') && word.len() >= 4;
    (3..=20).contains(&word.len()) && letters >= 1 && digits >= 1 && names && !is_number_of_its_own(word)
}

fn counts(word: &str) -> (usize, usize) {
    (word.chars().filter(|c| c.is_alphabetic()).count(), word.chars().filter(char::is_ascii_digit).count())
}

/// A serial number, an address, a hash: hexadecimal and long, or mostly figures.
fn is_number_of_its_own(word: &str) -> bool {
    let (_, digits) = counts(word);
    let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits > 0 && (word.len() >= 8 && is_hex || digits >= 8)
}

/// The phrases of a banner.
pub(super) fn phrases(banner: &str) -> BTreeSet<String> {
    let banner = &banner[..banner.floor_char_boundary(BANNER_BYTES)];
    let mut found = BTreeSet::new();
    for line in banner.lines().filter(|line| !crate::device::sift::is_header(line)) {
        let words = spans(line);
        for first in 0..words.len() {
            // A code of the protocol's, a part of a version.
            if line[words[first].0..words[first].1].bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            for last in first..words.len().min(first + WORDS_MAX) {
                if last > first && !is_joined(&line[words[last - 1].1..words[last].0]) {
                    break;
                }
                let word = &line[words[last].0..words[last].1];
                let text = &line[words[first].0..words[last].1];
                if text.len() > *BYTES.end() || is_number_of_its_own(word) || is_version(text) {
                    break;
                }
                let goes_on = ends_within_version(word, &line[words[last].1..]);
                if !goes_on
                    && text.len() >= *BYTES.start()
                    && text.is_ascii()
                    && text.split(|c: char| !c.is_alphanumeric()).any(tells)
                {
                    found.insert(text.to_owned());
                }
            }
        }
    }
    found
}

fn spans(line: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (c.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                spans.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    spans
}

fn is_joined(gap: &str) -> bool {
    gap.len() <= 2 && gap.chars().all(|c| BETWEEN.contains(&c))
}

/// A number with a point and another number behind it.
fn ends_within_version(word: &str, rest: &str) -> bool {
    let mut rest = rest.bytes();
    word.bytes().all(|byte| byte.is_ascii_digit())
        && rest.next() == Some(b'.')
        && rest.next().is_some_and(|byte| byte.is_ascii_digit())
}

/// Ends in a version: figures with a dot between them.
fn is_version(text: &str) -> bool {
    let mut parts = text.rsplit('.');
    let is_number = |part: Option<&str>, end: bool| {
        part.is_some_and(|part| {
            let byte = if end { part.bytes().next_back() } else { part.bytes().next() };
            byte.is_some_and(|byte| byte.is_ascii_digit())
        })
    };
    is_number(parts.next(), false) && is_number(parts.next(), true)
}
