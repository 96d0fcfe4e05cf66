//! nmap's `nmap-service-probes`: its `match` lines. `softmatch` lines name a protocol only and are left alone.

use super::wording::{Anchors, reworded};
use super::{Fingerprint, ImportSettings, Imported, NOT_READ, vocabulary};
use crate::model::device::Place;

/// Reads a file.
pub fn import(file: &str, text: &str, settings: ImportSettings) -> Imported {
    let mut imported = Imported::default();
    for (number, line) in text.lines().enumerate() {
        let Some(rest) = line.strip_prefix("match ") else { continue };
        let place = Place { file: file.to_owned(), line: number + 1 };
        match read(rest, place) {
            Some(fingerprint) => imported.take(fingerprint, settings),
            None => imported.leave_out(NOT_READ),
        }
    }
    imported
}

/// `<service> m<d>pattern<d>[is] p/product/ v/version/ i/info/ h/host/ o/system/ d/device/ cpe:/h:maker:model/`.
fn read(line: &str, place: Place) -> Option<Fingerprint> {
    let (service, rest) = line.split_once(' ')?;
    let rest = rest.trim_start().strip_prefix('m')?;
    let delimiter = rest.chars().next()?;
    let (pattern, rest) = rest[delimiter.len_utf8()..].split_once(delimiter)?;
    let (flags, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if flags.chars().any(|flag| !matches!(flag, 'i' | 's')) {
        return None;
    }
    let fields = Fields::read(rest);
    let anchors = Anchors { begin: "^", end: r"(?:\n?\z)" };
    let in_words = |keep| {
        let words = reworded(pattern, anchors, keep);
        if flags.is_empty() { words } else { format!("(?{flags}){words}") }
    };
    let group = fields.version.strip_prefix('$').and_then(|number| number.parse().ok());
    let kind = vocabulary::kind_of(&fields.device);
    let product = without_captures(&fields.product);
    // Hardware is named by its CPE; a product of software alone has none.
    let (maker, model) = match fields.hardware.as_slice() {
        [maker, model, ..] => (Some(title(maker)), Some(model).filter(|model| !model.contains('$')).map(|m| title(m))),
        [maker] => (Some(title(maker)), None),
        [] => (None, None),
    };
    let name = if product.is_empty() { service.to_owned() } else { product };
    Some(Fingerprint {
        maker: maker.filter(|maker| !maker.contains('$') && !maker.is_empty()),
        name,
        kind,
        model: model.filter(|model| !model.is_empty()),
        pattern: in_words(None),
        version: group.map(|group| in_words(Some(group))),
        examples: Vec::new(),
        source: format!("Imported from {} line {}", place.file, place.line),
        place,
    })
}

#[derive(Default)]
struct Fields {
    product: String,
    version: String,
    device: String,
    /// Maker, model and more of a CPE of hardware.
    hardware: Vec<String>,
}

impl Fields {
    fn read(mut rest: &str) -> Self {
        let mut fields = Self::default();
        loop {
            rest = rest.trim_start();
            let (key, after) = match rest.strip_prefix("cpe:") {
                Some(after) => ("cpe", after),
                None if rest.is_empty() => return fields,
                None => match rest.split_at_checked(1) {
                    Some(split) => split,
                    None => return fields,
                },
            };
            let Some(delimiter) = after.chars().next() else { return fields };
            let Some((value, after)) = after[delimiter.len_utf8()..].split_once(delimiter) else { return fields };
            match key {
                "p" => value.clone_into(&mut fields.product),
                "v" => value.clone_into(&mut fields.version),
                "d" => value.clone_into(&mut fields.device),
                "cpe" if value.starts_with("h:") && fields.hardware.is_empty() => {
                    fields.hardware = value.split(':').skip(1).map(str::to_owned).collect();
                }
                _ => {}
            }
            // Flags after the delimiter of a CPE.
            rest = after.trim_start_matches(|c: char| !c.is_whitespace());
        }
    }
}

/// Words of a CPE as a person writes them.
fn title(word: &str) -> String {
    let word = word.replace('_', " ").replace('\\', "");
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A product's name without what the pattern would put in.
fn without_captures(product: &str) -> String {
    let mut words = Vec::new();
    for word in product.split_whitespace().filter(|word| !word.contains('$')) {
        words.push(word);
    }
    words.join(" ")
}
