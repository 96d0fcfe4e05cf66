//! How far a text may be trusted to tell a model or a maker, before any banner contradicts it. The limits follow from
//! labelled banners that were taken in turns as unknown: of the texts of one class that some rows of one label hold, how
//! often does another row that holds it too have the same label? Taken is what is right nine times in ten.

use super::candidate::{Looks, is_common, is_model_like, is_number};

/// How a text names what it occurs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// Not at all.
    None,
    /// Looks like some model's name.
    LooksLike,
    /// Holds a telling word of the name.
    Part,
    /// Holds the whole name.
    Whole,
}

/// The spellings of a model's name, letters and digits alone: by itself, and behind the maker's name without a gap, as in
/// `AcmeCAM100`.
pub(super) fn spellings(model: &[String], maker: &[String]) -> Vec<String> {
    let own = model.concat();
    if own.is_empty() {
        return Vec::new();
    }
    let mut spellings: Vec<String> = maker
        .first()
        .map(|first| format!("{first}{own}"))
        .into_iter()
        .chain([format!("{}{own}", maker.concat())])
        .collect();
    spellings.push(own);
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

/// The runs of words that spell a name, in any way of parting it: `time-capsule` and `timecapsule` are one.
pub(super) fn spelled<'w>(
    words: &'w [String],
    spellings: &'w [String],
) -> impl Iterator<Item = std::ops::RangeInclusive<usize>> + 'w {
    let longest = spellings.iter().map(String::len).max().unwrap_or(0);
    (0..words.len()).flat_map(move |first| {
        let mut run = String::new();
        words[first..].iter().enumerate().filter_map(move |(more, word)| {
            if run.len() < longest {
                run.push_str(word);
            }
            spellings.contains(&run).then_some(first..=first + more)
        })
    })
}

/// How a text names a model, given the words of text, model and maker in lower case.
pub(super) fn naming_of_model(text: &[String], model: &[String], maker: &[String]) -> Naming {
    if spelled(text, &spellings(model, maker)).next().is_some() {
        return Naming::Whole;
    }
    let part = text.iter().any(|word| is_model_like(word) && word.len() >= 5 && model.contains(word));
    if part && !text.iter().all(|word| is_number(word)) {
        Naming::Part
    } else if text.iter().any(|word| is_model_like(word)) {
        Naming::LooksLike
    } else {
        Naming::None
    }
}

/// Whether a text may stand for a model, given the words of the text, of the model and of its maker, and in how many rows
/// of that model it occurs.
pub(super) fn tells_model(text: &[String], model: &[String], maker: &[String], looks: Looks, rows: usize) -> bool {
    let is_name = model.iter().any(|word| !is_common(word) && !is_of_kind(word));
    match naming_of_model(text, model, maker) {
        Naming::Whole => {
            let names_maker = text
                .iter()
                .any(|word| maker.iter().any(|own| word == own || own.len() >= 3 && word.starts_with(own.as_str())));
            let letters: usize = text.iter().map(String::len).sum();
            // A short code alone is shared between makers.
            let is_long = letters >= 6 || looks.words >= 2 && letters >= 5 || rows >= 3 && letters >= 4;
            if is_name { is_long || names_maker && letters >= 4 } else { names_maker && text.len() > model.len() }
        }
        Naming::Part => looks.is_complete && (looks.words >= 2 || rows >= 3),
        Naming::LooksLike => is_name && rows >= 3,
        Naming::None => is_name && rows >= 3 && looks.words >= 2,
    }
}

/// Whether a text may stand for a maker, given the words of the maker's name and in how many of his models' banners it
/// occurs.
pub(super) fn tells_maker(text: &str, maker: &str, looks: Looks, models: usize) -> bool {
    let (own, name) = (words_of(text), words_of(maker));
    let is_whole = !name.is_empty() && own.windows(name.len()).any(|window| window == name);
    if is_whole {
        return true;
    }
    match (looks.is_named, looks.words) {
        (true, 1) => models >= 3,
        (true, _) => models >= 2,
        (false, 1) => false,
        (false, _) => models >= 5,
    }
}

/// Whether a text may stand for a kind, given in how many models' and makers' banners it occurs.
pub(super) fn tells_kind(looks: Looks, models: usize, makers: usize) -> bool {
    let is_telling = looks.is_named || looks.words >= 2;
    is_telling && (models >= 3 || makers >= 2 && models >= 2) || makers >= 3
}

/// Words for kinds of devices tell no model.
fn is_of_kind(word: &str) -> bool {
    const KINDS: [&str; 44] = [
        "adapter",
        "analog",
        "appliance",
        "automation",
        "board",
        "bridge",
        "building",
        "camera",
        "card",
        "color",
        "controller",
        "digital",
        "firewall",
        "gateway",
        "industrial",
        "laser",
        "library",
        "media",
        "modem",
        "nas",
        "office",
        "operation",
        "optical",
        "phone",
        "player",
        "print",
        "printer",
        "projector",
        "recorder",
        "router",
        "scanner",
        "security",
        "series",
        "station",
        "storage",
        "switch",
        "tape",
        "telephone",
        "terminal",
        "video",
        "voice",
        "wide",
        "wireless",
        "workgroup",
    ];
    KINDS.contains(&word)
}

/// The words of a text, in lower case.
pub(super) fn words_of(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}
