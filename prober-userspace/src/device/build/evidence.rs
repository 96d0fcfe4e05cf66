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

/// How a text names a model, given the words of both in lower case.
pub(super) fn naming_of_model(text: &[String], model: &[String]) -> Naming {
    if !model.is_empty() && text.windows(model.len()).any(|window| window == model) {
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
    match naming_of_model(text, model) {
        Naming::Whole => {
            let names_maker = text.iter().any(|word| maker.contains(word));
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
