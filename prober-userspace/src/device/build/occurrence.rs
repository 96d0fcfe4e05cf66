//! Where given texts stand in banners as whole words, in any case: what a keyword made of them would match. Not limited to
//! what a candidate may hold.

use std::collections::HashMap;

/// Finds texts by their first word.
#[derive(Debug, Default)]
pub(super) struct Occurrences<'t> {
    by_first_word: HashMap<&'t str, Vec<(usize, &'t str)>>,
}

impl<'t> Occurrences<'t> {
    /// Of these texts in lower case, by number.
    pub(super) fn of(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut by_first_word: HashMap<&str, Vec<(usize, &str)>> = HashMap::new();
        for (number, text) in texts.into_iter().enumerate() {
            let end = text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len());
            by_first_word.entry(&text[..end]).or_default().push((number, text));
        }
        Self { by_first_word }
    }

    /// The numbers of the texts in a banner, each once, in order.
    pub(super) fn in_banner(&self, banner: &str) -> Vec<usize> {
        let lower = banner.to_ascii_lowercase();
        let bytes = lower.as_bytes();
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(start) = bytes[at..].iter().position(|byte| is_word(*byte)).map(|found| at + found) {
            at = bytes[start..].iter().position(|byte| !is_word(*byte)).map_or(bytes.len(), |len| start + len);
            for (number, text) in self.by_first_word.get(&lower[start..at]).into_iter().flatten() {
                let ends = |end: usize| bytes.get(end).is_none_or(|byte| !is_word(*byte));
                if bytes[start..].starts_with(text.as_bytes()) && ends(start + text.len()) {
                    found.push(*number);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// What `\b` of a pattern takes for a part of a word, as far as ASCII goes.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_as_whole_words_in_any_case() {
        let texts = ["ac-100", "ac", "acme ac-100", "100"];
        let occurrences = Occurrences::of(texts);
        assert_eq!(occurrences.in_banner("220 ACME AC-100 ready"), [0, 1, 2, 3]);
        assert_eq!(occurrences.in_banner("AC-1000, acx, ac_"), [1]);
        assert_eq!(occurrences.in_banner("ac"), [1]);
        assert_eq!(occurrences.in_banner(""), [] as [usize; 0]);
    }
}
