//! From candidates to device records. A model's keywords occur with no other model; a maker's with no other maker, and
//! with several of his models unless his name is in them; a kind's with no other kind, and with several makers.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::{is_model_like, is_name, is_number};
use super::{Corpus, Labelled};
use crate::model::device::{Device, Keyword, Kind, Place};
use crate::target::ports::{PortList, ProbePort};

/// Alternatives in one pattern at most.
const ALTERNATIVES_MAX: usize = 24;
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

/// How well a candidate names the model it occurs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Naming {
    /// Not at all.
    None,
    /// Looks like some model's name.
    LooksLike,
    /// Holds a telling word of the model's name.
    Part,
    /// Holds the whole name.
    Whole,
}

fn model_of(corpus: &Corpus, maker: &str, model: &str, rows: &[u32]) -> Option<Device> {
    let model_words = words_of(model);
    let own: BTreeSet<u32> = rows.iter().copied().collect();
    let mut ranked: Vec<(Naming, u32, &str)> = Vec::new();
    for (text, count) in corpus.counted(rows) {
        let naming = naming(text, &model_words);
        // A family's name may stand in the banners of its members.
        let is_member = |row: &u32| {
            corpus.makers[*row as usize] == maker
                && naming == Naming::Whole
                && corpus.rows[*row as usize].model.to_lowercase().contains(model)
        };
        if corpus.rows_with[text].iter().all(|row| own.contains(row) || is_member(row)) {
            ranked.push((naming, count, text));
        }
    }
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.len().cmp(&b.2.len())).then(a.2.cmp(b.2)));
    let mut uncovered = own.clone();
    let mut kept: Vec<&str> = Vec::new();
    for &(naming, count, text) in &ranked {
        let covers = |row: &u32| corpus.rows_with[text].binary_search(row).is_ok();
        let wanted = match naming {
            Naming::Whole | Naming::Part => !kept.iter().any(|shorter| text.contains(shorter)),
            Naming::LooksLike => uncovered.iter().any(covers),
            // Without a name only what two banners share, or a name by its look.
            Naming::None => uncovered.iter().any(covers) && (count >= 2 || words(text).any(is_name)),
        };
        if wanted {
            kept.push(text);
            uncovered.retain(|row| !covers(row));
        }
    }
    let first = &corpus.rows[rows[0] as usize];
    let title = format!("{} {}", first.maker, first.model);
    let kind = most_frequent(rows.iter().filter_map(|row| corpus.rows[*row as usize].kind));
    // A record with a model needs a maker.
    let maker = if first.maker.trim().is_empty() { UNKNOWN_MAKER } else { &first.maker };
    record(corpus, rows, &kept, 1.0, title.trim().to_owned(), maker, kind, Some(first.model.trim().to_owned()))
}

fn naming(text: &str, model: &[String]) -> Naming {
    let own = words_of(text);
    let telling = |word: &String| word.bytes().any(|byte| byte.is_ascii_digit());
    let is_whole = own.windows(model.len().max(1)).any(|window| window == model);
    if is_whole && (model.iter().any(telling) || model.len() >= 2 || model.iter().any(|word| word.len() >= 6)) {
        return Naming::Whole;
    }
    let part = own.iter().any(|word| telling(word) && word.len() >= 3 && model.contains(word));
    if part && !own.iter().all(|word| is_number(word)) {
        Naming::Part
    } else if words(text).any(is_model_like) {
        Naming::LooksLike
    } else {
        Naming::None
    }
}

fn makers_and_kinds(corpus: &Corpus) -> Vec<Device> {
    let key = |number: usize, row: &Labelled| {
        let kind = row.kind.filter(|kind| kind.tells())?;
        (!corpus.makers[number].is_empty()).then(|| (corpus.makers[number].clone(), kind))
    };
    let records = corpus.grouped(key).into_iter().filter_map(|((maker, kind), rows)| {
        let kept = shared(corpus, &rows, |text, models, _| of_maker(text, &maker, models));
        let spelling = &corpus.rows[rows[0] as usize].maker;
        let name = format!("{spelling} {}", kind.name().replace('_', " "));
        record(corpus, &rows, &kept, WEIGHT_BELOW_MODEL, name, spelling, Some(kind), None)
    });
    records.collect()
}

fn makers(corpus: &Corpus) -> Vec<Device> {
    let key = |number: usize, _: &Labelled| Some(corpus.makers[number].clone()).filter(|maker| !maker.is_empty());
    let records = corpus.grouped(key).into_iter().filter_map(|(maker, rows)| {
        let kept = shared(corpus, &rows, |text, models, _| of_maker(text, &maker, models));
        let spelling = &corpus.rows[rows[0] as usize].maker;
        record(corpus, &rows, &kept, WEIGHT_BELOW_MODEL, format!("{spelling} device"), spelling, None, None)
    });
    records.collect()
}

fn kinds(corpus: &Corpus) -> Vec<Device> {
    let key = |_: usize, row: &Labelled| row.kind.filter(|kind| kind.tells());
    let records = corpus.grouped(key).into_iter().filter_map(|(kind, rows)| {
        let kept = shared(corpus, &rows, |text, models, makers| {
            let words: Vec<&str> = words(text).collect();
            let named = words.iter().any(|word| is_name(word));
            (makers >= 3 || models >= 3 && named) && (words.len() > 1 || named)
        });
        let name = format!("Some {}", kind.name().replace('_', " "));
        record(corpus, &rows, &kept, WEIGHT_BELOW_MODEL, name, "", Some(kind), None)
    });
    records.collect()
}

fn of_maker(text: &str, maker: &str, models: usize) -> bool {
    let own = words_of(text);
    let named = maker.split(' ').any(|word| word.len() >= 3 && own.iter().any(|own| own == word));
    if named { models >= 2 || own.len() == 1 } else { models >= 2 && words(text).any(is_name) }
}

/// The shortest candidates that occur in these rows alone and that `takes` takes, given the number of distinct models and
/// of makers they occur with.
fn shared<'a>(corpus: &Corpus<'a>, rows: &[u32], takes: impl Fn(&str, usize, usize) -> bool) -> Vec<&'a str> {
    let own: BTreeSet<u32> = rows.iter().copied().collect();
    let mut found: Vec<(&str, u32)> = Vec::new();
    for (text, count) in corpus.counted(rows) {
        let with = &corpus.rows_with[text];
        if !with.iter().all(|row| own.contains(row)) {
            continue;
        }
        let makers: BTreeSet<&str> = with.iter().map(|row| corpus.makers[*row as usize].as_str()).collect();
        let models: BTreeSet<(&str, &str)> = with.iter().map(|row| corpus.model_or_beginning(*row)).collect();
        if takes(text, models.len(), makers.len()) {
            found.push((text, count));
        }
    }
    found.sort_by(|a, b| a.0.len().cmp(&b.0.len()).then(b.1.cmp(&a.1)).then(a.0.cmp(b.0)));
    let mut kept: Vec<(&str, u32)> = Vec::new();
    for (text, count) in found {
        if !kept.iter().any(|(shorter, _)| text.contains(shorter)) {
            kept.push((text, count));
        }
    }
    kept.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    kept.into_iter().map(|(text, _)| text).collect()
}

impl Corpus<'_> {
    /// What stands for the model of a row without one: how its banner begins.
    fn model_or_beginning(&self, row: u32) -> (&str, &str) {
        let Labelled { banner, model, .. } = &self.rows[row as usize];
        let beginning = &banner[..banner.floor_char_boundary(40)];
        (&self.makers[row as usize], if model.is_empty() { beginning } else { model })
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of a record")]
fn record(
    corpus: &Corpus,
    rows: &[u32],
    kept: &[&str],
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
        .filter(|row| kept.iter().any(|text| corpus.candidates[**row as usize].contains(text)))
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

/// Any of these texts, as whole words.
fn pattern(texts: &[&str]) -> String {
    let mut alternatives: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
    alternatives.sort_unstable();
    match alternatives.as_slice() {
        [only] => format!(r"\b{only}\b"),
        several => format!(r"\b(?:{})\b", several.join("|")),
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn words_of(text: &str) -> Vec<String> {
    words(text).map(str::to_lowercase).collect()
}

fn most_frequent<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(value, count)| (*count, std::cmp::Reverse(*value))).map(|(value, _)| value)
}
