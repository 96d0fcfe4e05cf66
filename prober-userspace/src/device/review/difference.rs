//! Where a banner differs from the others of its group: its words that not all of them have.

use std::collections::HashSet;
use std::ops::Range;

/// Other banners that are compared.
const OTHERS: usize = 24;

/// The places of those words, ascending; next to each other they are one.
pub fn differences<'a>(banner: &str, others: impl IntoIterator<Item = &'a str>) -> Vec<Range<usize>> {
    let others: Vec<HashSet<&str>> = others
        .into_iter()
        .take(OTHERS)
        .map(|other| words(other).into_iter().map(|word| &other[word]).collect())
        .collect();
    let mut found: Vec<Range<usize>> = Vec::new();
    for word in words(banner) {
        if others.iter().all(|other| other.contains(&banner[word.clone()])) {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.end == word.start => last.end = word.end,
            _ => found.push(word),
        }
    }
    found
}

fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_word = c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        match (is_word, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words
}
