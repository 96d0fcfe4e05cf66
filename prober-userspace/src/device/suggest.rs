//! What a group of unknown banners may be called: keywords with weights, maker, kind, model and ports, for a person to
//! accept or mend (METHODS section 9). Score of a text: how much of the group has it, times the logarithm of all groups by
//! the others that have it; texts with a name of a model in them first.

mod draft;
mod phrase;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use draft::Draft;
use phrase::{is_model_like, phrases, words};

use super::import::vocabulary::kind_of;
use crate::model::device::Kind;
use crate::target::ports::ProbePort;

/// Banners of a group that are looked at.
const BANNERS: usize = 8;
/// Proposals for one group at most.
const PROPOSALS: usize = 5;
/// Weight of what names a model, and of what does not (METHODS section 8).
const WEIGHTS: (f64, f64) = (1.0, 0.8);

/// Groups with what each may be called by.
#[derive(Debug)]
pub struct Suggester {
    /// The phrases that all banners of a group have, by group.
    of_group: Vec<BTreeSet<String>>,
    /// In how many groups a phrase is.
    groups_with: HashMap<String, u32>,
    /// Known makers by the first word of their names, in lower case.
    makers: BTreeMap<String, String>,
}

impl Suggester {
    /// For groups of banners, and with the names of known makers.
    pub fn new<'a>(groups: &[Vec<String>], makers: impl IntoIterator<Item = &'a str>) -> Self {
        let of_group: Vec<BTreeSet<String>> = groups.iter().map(|banners| shared_phrases(banners)).collect();
        let mut groups_with: HashMap<String, u32> = HashMap::new();
        for phrase in of_group.iter().flatten() {
            *groups_with.entry(phrase.clone()).or_default() += 1;
        }
        let mut known = BTreeMap::new();
        for maker in makers {
            if let Some(first) = words(maker).find(|word| word.len() >= 2) {
                let shorter = known.get(&first.to_lowercase()).is_none_or(|other: &String| maker.len() < other.len());
                if shorter {
                    known.insert(first.to_lowercase(), maker.to_owned());
                }
            }
        }
        Self { of_group, groups_with, makers: known }
    }

    /// The proposals for a group, the best first; at least one, which may be empty. `banners` are its banners, `ports` those
    /// that are open on its addresses.
    pub fn proposals(&self, group: usize, banners: &[String], ports: &[ProbePort]) -> Vec<Draft> {
        let all = self.of_group.len() as f64;
        let score = |phrase: &str| {
            let others = f64::from(self.groups_with[phrase]) - 1.0;
            let model = if words(phrase).any(is_model_like) { 1.5 } else { 1.0 };
            let maker = if self.maker_in(phrase).is_some() { 1.3 } else { 1.0 };
            ((all + 1.0) / (others + 1.0)).ln() * model * maker
        };
        let mut ranked: Vec<(f64, &str)> =
            self.of_group[group].iter().map(|phrase| (score(phrase), phrase.as_str())).collect();
        // Of equals the longer says more, up to a point.
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.len().min(24).cmp(&a.1.len().min(24))).then(a.1.cmp(b.1)));
        let mut chosen: Vec<&str> = Vec::new();
        for (_, phrase) in ranked {
            if !chosen.iter().any(|other| other.contains(phrase) || phrase.contains(other)) {
                chosen.push(phrase);
            }
            if chosen.len() == PROPOSALS {
                break;
            }
        }
        let text = banners.first().map_or("", String::as_str);
        let drafts: Vec<Draft> = chosen.iter().map(|phrase| self.draft(phrase, text, ports)).collect();
        if drafts.is_empty() { vec![Draft { ports: shown(ports), ..Draft::default() }] } else { drafts }
    }

    fn draft(&self, phrase: &str, banner: &str, ports: &[ProbePort]) -> Draft {
        let maker = self
            .maker_in(phrase)
            .or_else(|| self.maker_in(banner))
            .or_else(|| organisation(banner))
            .unwrap_or_default();
        let kind = kind_in(phrase).or_else(|| kind_in(banner));
        let own = words(&maker).map(str::to_lowercase).collect::<Vec<_>>();
        let is_own = |word: &str| own.contains(&word.to_lowercase());
        let model = words(phrase).find(|word| is_model_like(word) && !is_own(word)).unwrap_or_default().to_owned();
        let what = match (&*model, kind) {
            ("", Some(kind)) => kind.name().replace('_', " "),
            ("", None) => phrase.to_owned(),
            (model, _) => model.to_owned(),
        };
        let weight = if model.is_empty() { WEIGHTS.1 } else { WEIGHTS.0 };
        Draft {
            name: named(&maker, &what),
            maker,
            kind: kind.map_or(String::new(), |kind| kind.name().to_owned()),
            model,
            ports: shown(ports),
            version: String::new(),
            keywords: vec![(pattern(phrase), weight.to_string())],
        }
    }

    /// A known maker whose whole name stands in the text.
    fn maker_in(&self, text: &str) -> Option<String> {
        let lower: Vec<String> = words(text).map(str::to_lowercase).collect();
        lower.iter().enumerate().find_map(|(at, word)| {
            let maker = self.makers.get(word)?;
            let name: Vec<String> = words(maker).map(str::to_lowercase).collect();
            lower[at..].starts_with(&name).then(|| maker.clone())
        })
    }
}

/// Maker and what it is, the maker once.
fn named(maker: &str, what: &str) -> String {
    let has_maker = what.to_lowercase().starts_with(&maker.to_lowercase());
    if has_maker { what.to_owned() } else { format!("{maker} {what}") }
}

fn shared_phrases(banners: &[String]) -> BTreeSet<String> {
    let mut banners = banners.iter().take(BANNERS);
    let Some(first) = banners.next() else { return BTreeSet::new() };
    let mut shared = phrases(first);
    for banner in banners {
        let own = phrases(banner);
        shared.retain(|phrase| own.contains(phrase));
    }
    shared
}

/// The organisation of a certificate.
fn organisation(banner: &str) -> Option<String> {
    let at = banner.find("O=").filter(|at| *at == 0 || !banner.as_bytes()[at - 1].is_ascii_alphanumeric())?;
    let name = banner[at + 2..].split([',', '\n', '\r']).next()?.trim();
    (name.len() >= 2 && name.len() <= 40).then(|| name.to_owned())
}

fn kind_in(text: &str) -> Option<Kind> {
    let words: Vec<&str> = words(text).collect();
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    pairs.chain(words.iter().map(|word| (*word).to_owned())).find_map(|text| kind_of(&text))
}

fn shown(ports: &[ProbePort]) -> String {
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// As whole words.
fn pattern(phrase: &str) -> String {
    format!(r"\b{}\b", regex::escape(phrase))
}
