//! From candidates to device records. A model's keywords occur with no other model, unless it is the name of a family
//! that banners of its members hold too; a maker's with no other maker; a kind's with no other kind.

use std::collections::BTreeMap;

use super::Labelled;
use super::corpus::{Corpus, Text};
use super::evidence::{Naming, naming_of_model, tells_kind, tells_maker, tells_model, words_of};
use crate::model::device::{Device, Keyword, Kind, Place};
use crate::target::ports::{PortList, ProbePort};

/// Alternatives in one pattern at most.
const ALTERNATIVES_MAX: usize = 48;
/// How many alternatives a banner is caught by, as far as there are any: a later version may lack one of them.
const COVERS: u8 = 2;
/// Examples kept with a record.
const EXAMPLES_MAX: usize = 3;
/// Longest example, bytes.
const EXAMPLE_BYTES: usize = 2_000;
/// Stands for the maker of a model whose label names none.
pub const UNKNOWN_MAKER: &str = "Unknown maker";
/// Weight of what does not tell the model (METHODS section 8).
const WEIGHT_BELOW_MODEL: f64 = 0.8;

/// Devices that the labelled banners tell apart, and that no negative matches.
pub fn build(rows: &[Labelled], negatives: &[String]) -> Vec<Device> {
    let corpus = Corpus::new(rows, negatives);
    let mut devices = models(&corpus);
    devices.extend(makers_and_kinds(&corpus));
    devices.extend(makers(&corpus));
    devices.extend(kinds(&corpus));
    devices
}

fn models(corpus: &Corpus) -> Vec<Device> {
    let key = |number: usize, row: &Labelled| -> Option<(String, String)> {
        let model = row.model.trim().to_lowercase();
        (!model.is_empty()).then(|| (corpus.makers[number].clone(), model))
    };
    let groups = corpus.grouped(key);
    groups.iter().filter_map(|((maker, model), rows)| model_of(corpus, maker, model, rows)).collect()
}

fn model_of(corpus: &Corpus, maker: &str, model: &str, rows: &[u32]) -> Option<Device> {
    let (model_words, maker_words) = (words_of(model), words_of(maker));
    let mut ranked: Vec<(Naming, usize, &Text)> = Vec::new();
    for text in corpus.texts(rows) {
        let words = words_of(&text.lower);
        let naming = naming_of_model(&words, &model_words, &maker_words);
        // Banners of a family's members hold its name.
        let may_hold = |row: &u32| {
            rows.binary_search(row).is_ok() || naming == Naming::Whole && corpus.makers[*row as usize] == maker
        };
        let own = text.rows.iter().filter(|row| rows.binary_search(row).is_ok()).count();
        if text.rows.iter().all(may_hold) && tells_model(&words, &model_words, &maker_words, text.looks, own) {
            ranked.push((naming, own, text));
        }
    }
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.cmp(&a.1)).then_with(|| by_length(a.2, b.2)));
    let ranked = ranked.into_iter().map(|(naming, _, text)| (naming >= Naming::Part, text));
    let kept = covering(rows, ranked);
    let first = &corpus.rows[rows[0] as usize];
    let title = format!("{} {}", first.maker, first.model);
    let kind = most_frequent(rows.iter().filter_map(|row| corpus.rows[*row as usize].kind));
    // A record with a model needs a maker.
    let maker = if first.maker.trim().is_empty() { UNKNOWN_MAKER } else { &first.maker };
    record(corpus, rows, &kept, 1.0, title.trim().to_owned(), maker, kind, Some(first.model.trim().to_owned()))
}

fn makers_and_kinds(corpus: &Corpus) -> Vec<Device> {
    let key = |number: usize, row: &Labelled| {
        let kind = row.kind.filter(|kind| kind.tells())?;
        (!corpus.makers[number].is_empty()).then(|| (corpus.makers[number].clone(), kind))
    };
    let records = corpus.grouped(key).into_iter().filter_map(|((maker, kind), rows)| {
        let kept = shared(corpus, &rows, |text, models, _| tells_maker(&text.lower, &maker, text.looks, models));
        let spelling = &corpus.rows[rows[0] as usize].maker;
        let name = format!("{spelling} {}", kind.name().replace('_', " "));
        record(corpus, &rows, &kept, WEIGHT_BELOW_MODEL, name, spelling, Some(kind), None)
    });
    records.collect()
}

fn makers(corpus: &Corpus) -> Vec<Device> {
    let key = |number: usize, _: &Labelled| Some(corpus.makers[number].clone()).filter(|maker| !maker.is_empty());
    let records = corpus.grouped(key).into_iter().filter_map(|(maker, rows)| {
        let kept = shared(corpus, &rows, |text, models, _| tells_maker(&text.lower, &maker, text.looks, models));
        let spelling = &corpus.rows[rows[0] as usize].maker;
        record(corpus, &rows, &kept, WEIGHT_BELOW_MODEL, format!("{spelling} device"), spelling, None, None)
    });
    records.collect()
}

fn kinds(corpus: &Corpus) -> Vec<Device> {
    let key = |_: usize, row: &Labelled| row.kind.filter(|kind| kind.tells());
    let records = corpus.grouped(key).into_iter().filter_map(|(kind, rows)| {
        let kept = shared(corpus, &rows, |text, models, makers| tells_kind(text.looks, models, makers));
        let name = format!("Some {}", kind.name().replace('_', " "));
        record(corpus, &rows, &kept, WEIGHT_BELOW_MODEL, name, "", Some(kind), None)
    });
    records.collect()
}

/// Candidates that occur in these rows alone and that `takes` takes, given the number of distinct models and of makers
/// they occur with; as many as the rows need.
fn shared<'a>(corpus: &'a Corpus, rows: &[u32], takes: impl Fn(&Text, usize, usize) -> bool) -> Vec<&'a Text> {
    let mut found: Vec<&Text> = Vec::new();
    for text in corpus.texts(rows) {
        let is_own = text.rows.iter().all(|row| rows.binary_search(row).is_ok());
        if is_own && takes(text, corpus.models(&text.rows), corpus.makers(&text.rows)) {
            found.push(text);
        }
    }
    found.sort_by(|a, b| b.rows.len().cmp(&a.rows.len()).then_with(|| by_length(a, b)));
    covering(rows, found.into_iter().map(|text| (false, text)))
}

fn by_length(a: &Text, b: &Text) -> std::cmp::Ordering {
    a.lower.len().cmp(&b.lower.len()).then_with(|| a.lower.cmp(&b.lower))
}

/// Of these, best first, those that no shorter one stands for, and that are either wanted in any case or catch a row that
/// too few others catch.
fn covering<'a>(rows: &[u32], ranked: impl Iterator<Item = (bool, &'a Text)>) -> Vec<&'a Text> {
    let mut covers = vec![0u8; rows.len()];
    let mut kept: Vec<&Text> = Vec::new();
    for (is_wanted, text) in ranked {
        let caught = || text.rows.iter().filter_map(|row| rows.binary_search(row).ok());
        let has_new = caught().any(|place| covers[place] < COVERS);
        if (is_wanted || has_new) && !kept.iter().any(|shorter| text.lower.contains(&shorter.lower)) {
            caught().for_each(|place| covers[place] = covers[place].saturating_add(1));
            kept.push(text);
        }
    }
    kept
}

#[expect(clippy::too_many_arguments, reason = "the parts of a record")]
fn record(
    corpus: &Corpus,
    rows: &[u32],
    kept: &[&Text],
    weight: f64,
    name: String,
    maker: &str,
    kind: Option<Kind>,
    model: Option<String>,
) -> Option<Device> {
    let kept = &kept[..kept.len().min(ALTERNATIVES_MAX)];
    if kept.is_empty() {
        return None;
    }
    let matched: Vec<&Labelled> = rows
        .iter()
        .filter(|row| kept.iter().any(|text| text.rows.binary_search(row).is_ok()))
        .map(|row| &corpus.rows[*row as usize])
        .collect();
    let mut ports: Vec<ProbePort> = matched
        .iter()
        .filter_map(|row| row.port.parse::<PortList>().ok())
        .flat_map(|list| list.ports().to_vec())
        .collect();
    ports.sort_unstable();
    ports.dedup();
    let short = matched.iter().filter(|row| row.banner.len() <= EXAMPLE_BYTES);
    Some(Device {
        maker: Some(maker.trim().to_owned()).filter(|maker| !maker.is_empty()),
        name,
        kind,
        model,
        ports,
        version: None,
        source: "built from labelled banners".to_owned(),
        keywords: vec![Keyword { pattern: pattern(kept), weight, line: 0 }],
        examples: short.map(|row| row.banner.clone()).take(EXAMPLES_MAX).collect(),
        place: Place::default(),
    })
}

/// Any of these texts, as whole words, in any case.
fn pattern(texts: &[&Text]) -> String {
    let mut alternatives: Vec<String> = texts.iter().map(|text| regex::escape(&text.lower)).collect();
    alternatives.sort_unstable();
    match alternatives.as_slice() {
        [only] => format!(r"(?i)\b{only}\b"),
        several => format!(r"(?i)\b(?:{})\b", several.join("|")),
    }
}

fn most_frequent<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(value, count)| (*count, std::cmp::Reverse(*value))).map(|(value, _)| value)
}
