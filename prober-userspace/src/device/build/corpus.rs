//! Labelled banners with the candidates of each, and where else each candidate occurs. Who the labels belong to is told by
//! `super::maker_key`.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::candidate::{Looks, candidates, with_name};
use super::evidence::{spellings, words_of};
use super::occurrence::Occurrences;
use super::{Labelled, maker_key};

/// A candidate's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TextId(u32);

/// A candidate.
#[derive(Debug)]
pub(super) struct Text {
    /// In lower case.
    pub(super) lower: String,
    /// At its least complete place.
    pub(super) looks: Looks,
    /// Whether what is no device says it too.
    pub(super) is_negative: bool,
    /// The rows that hold it, in order.
    pub(super) rows: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Corpus<'a> {
    pub(super) rows: &'a [Labelled],
    /// Of each row.
    pub(super) makers: Vec<String>,
    texts: Vec<Text>,
    of_row: Vec<Vec<TextId>>,
}

impl<'a> Corpus<'a> {
    pub(super) fn new(rows: &'a [Labelled], negatives: &[String]) -> Self {
        let mut looks: BTreeMap<String, Looks> = BTreeMap::new();
        for row in rows {
            for (text, own) in candidates(&row.banner) {
                let known = looks.entry(text).or_insert(own);
                known.is_complete &= own.is_complete;
                known.is_named &= own.is_named;
            }
        }
        for row in rows.iter().filter(|row| !row.model.is_empty()) {
            for (text, own) in
                with_name(&row.banner, &spellings(&words_of(&row.model), &words_of(&maker_key(&row.maker))))
            {
                looks.entry(text).or_insert(own);
            }
        }
        let occurrences = Occurrences::of(looks.keys().map(String::as_str));
        let said: HashSet<usize> = negatives.iter().flat_map(|banner| occurrences.in_banner(banner)).collect();
        let mut rows_with: Vec<Vec<u32>> = vec![Vec::new(); looks.len()];
        let mut of_row: Vec<Vec<TextId>> = Vec::with_capacity(rows.len());
        for (number, row) in (0..).zip(rows) {
            let found = occurrences.in_banner(&row.banner);
            for text in &found {
                rows_with[*text].push(number);
            }
            of_row.push(found.into_iter().map(|text| TextId(text as u32)).collect());
        }
        drop(occurrences);
        let texts = looks.into_iter().zip(rows_with).enumerate().map(|(number, ((lower, looks), rows))| {
            let is_negative = said.contains(&number);
            Text { lower, looks, is_negative, rows }
        });
        let texts = texts.collect();
        Self { rows, makers: rows.iter().map(|row| maker_key(&row.maker)).collect(), texts, of_row }
    }

    /// Rows by a key, in its order; rows without one are left out.
    pub(super) fn grouped<K: Ord>(&self, key: impl Fn(usize, &Labelled) -> Option<K>) -> BTreeMap<K, Vec<u32>> {
        let mut groups: BTreeMap<K, Vec<u32>> = BTreeMap::new();
        for (number, row) in self.rows.iter().enumerate() {
            if let Some(key) = key(number, row) {
                groups.entry(key).or_default().push(number as u32);
            }
        }
        groups
    }

    /// The candidates that these rows hold and no negative does, each once.
    pub(super) fn texts(&self, rows: &[u32]) -> impl Iterator<Item = &Text> {
        let ids: BTreeSet<TextId> = rows.iter().flat_map(|row| self.of_row[*row as usize].iter().copied()).collect();
        ids.into_iter().map(|id| &self.texts[id.0 as usize]).filter(|text| !text.is_negative)
    }

    /// Distinct models among these rows; how a banner begins stands for a model that is not known.
    pub(super) fn models(&self, rows: &[u32]) -> usize {
        let model = |row: &u32| {
            let Labelled { banner, model, .. } = &self.rows[*row as usize];
            let beginning = &banner[..banner.floor_char_boundary(40)];
            (self.makers[*row as usize].as_str(), if model.is_empty() { beginning } else { model })
        };
        rows.iter().map(model).collect::<BTreeSet<_>>().len()
    }

    /// Distinct makers among these rows.
    pub(super) fn makers(&self, rows: &[u32]) -> usize {
        rows.iter().map(|row| self.makers[*row as usize].as_str()).collect::<BTreeSet<_>>().len()
    }
}
