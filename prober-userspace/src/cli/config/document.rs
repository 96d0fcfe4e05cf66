//! A configuration file as texts by key, each with its line. Unknown keys and values of the wrong form are problems; the
//! rest of the file is read all the same, so that one run shows everything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::keys::{Absent, Form, KEYS, Key, SECTIONS, find};
use super::problem::Problem;
use crate::cli::settings::{Origin, texts_of};

/// Names less alike than this are not suggested.
const LIKE: f64 = 0.8;

/// The texts of a key and where they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// One for keys of one value.
    pub texts: Vec<String>,
    /// The file's line, or the default.
    pub origin: Origin,
}

/// A file, read.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file's name.
    pub path: PathBuf,
    entries: BTreeMap<(&'static str, &'static str), Entry>,
    /// What is wrong so far.
    pub problems: Vec<Problem>,
}

impl Document {
    /// Reads a file's text.
    pub fn parse(path: &Path, text: &str) -> Self {
        let mut document = Self { path: path.to_owned(), entries: BTreeMap::new(), problems: Vec::new() };
        let lines = Lines(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let span = error.span().unwrap_or_default();
            document
                .problem(Some(lines.of(span.start)), syntax_error(error.message(), text.get(span).unwrap_or_default()));
        }
        for (name, value) in table.get_ref() {
            let line = lines.of(name.span().start);
            let section =
                SECTIONS.iter().map(|(section, _)| *section).find(|section| *section == name.get_ref().as_ref());
            match (section, value.get_ref()) {
                (Some(section), DeValue::Table(keys)) => document.take_section(section, keys, &lines),
                (Some(section), _) => {
                    document.problem(Some(line), format!("\"{section}\" is a section; write [{section}]"));
                }
                (None, found) => document.unknown_at_top(name.get_ref(), found, line),
            }
        }
        document.add_defaults();
        document
    }

    fn take_section(&mut self, section: &'static str, keys: &DeTable<'_>, lines: &Lines<'_>) {
        for (name, value) in keys {
            let line = lines.of(name.span().start);
            let Some(key) = find(section, name.get_ref()) else {
                let known = KEYS.iter().filter(|key| key.section == section).map(|key| key.name);
                let advice = closest(name.get_ref(), known)
                    .map(|name| format!("\"{name}\""))
                    .or_else(|| elsewhere(name.get_ref()).map(|key| format!("\"{}\" in [{}]", key.name, key.section)));
                let advice = advice.map_or_else(
                    || "`prober config example` shows them all".to_owned(),
                    |name| format!("did you mean {name}?"),
                );
                self.problem(Some(line), format!("unknown key \"{}\" in [{section}]; {advice}", name.get_ref()));
                continue;
            };
            let texts = texts_of(value.get_ref()).filter(|texts| key.form == Form::Many || texts.len() == 1);
            match texts {
                Some(texts) => {
                    let origin = Origin::File { path: self.path.clone(), line };
                    self.entries.insert((key.section, key.name), Entry { texts, origin });
                }
                None => self.problem(
                    Some(line),
                    format!(
                        "{}: {}",
                        key.path(),
                        match key.form {
                            Form::One => "takes one value",
                            Form::Many => "takes a value or a list of values",
                        }
                    ),
                ),
            }
        }
    }

    fn unknown_at_top(&mut self, name: &str, found: &DeValue<'_>, line: usize) {
        let sections = SECTIONS.iter().map(|(section, _)| *section);
        let reason = if matches!(found, DeValue::Table(_)) {
            match closest(name, sections) {
                Some(section) => format!("unknown section [{name}]; did you mean [{section}]?"),
                None => format!("unknown section [{name}]; `prober config example` shows them all"),
            }
        } else {
            match elsewhere(name) {
                Some(key) => {
                    format!("\"{name}\" stands in no section; did you mean \"{}\" in [{}]?", key.name, key.section)
                }
                None => format!("unknown key \"{name}\"; `prober config example` shows them all"),
            }
        };
        self.problem(Some(line), reason);
    }

    fn add_defaults(&mut self) {
        for key in &KEYS {
            if let Absent::Default(texts) | Absent::Suggested(texts, _) = key.absent {
                let texts = texts.iter().map(|text| (*text).to_owned()).collect();
                let default = Entry { texts, origin: Origin::Default };
                self.entries.entry((key.section, key.name)).or_insert(default);
            }
        }
    }

    /// Notes something that is wrong.
    pub fn problem(&mut self, line: Option<usize>, reason: String) {
        self.problems.push(Problem { file: self.path.clone(), line, reason });
    }

    /// What is known of a key; `None` if the file does not say and there is no default.
    pub fn entry(&self, section: &str, name: &str) -> Option<&Entry> {
        let entry = self.entries.iter().find(|(key, _)| **key == (section, name));
        entry.map(|(_, entry)| entry)
    }

    /// The line on which a key stands in the file.
    pub fn line(&self, section: &str, name: &str) -> Option<usize> {
        match self.entry(section, name)?.origin {
            Origin::File { line, .. } => Some(line),
            _ => None,
        }
    }

    /// Every key that has a value, in the order of the example.
    pub fn entries(&self) -> impl Iterator<Item = (&'static Key, &Entry)> {
        KEYS.iter().filter_map(|key| Some((key, self.entry(key.section, key.name)?)))
    }
}

/// What the reader of TOML says on one line, about this piece of the text, and what to do where it is sure.
fn syntax_error(message: &str, piece: &str) -> String {
    let reason = message.lines().collect::<Vec<_>>().join(", ");
    let piece = piece.lines().next().unwrap_or_default().trim();
    if message.contains("duplicate key") && !piece.is_empty() {
        format!("{reason} \"{piece}\"; it is said once more above")
    } else if message.contains("must be quoted") {
        reason + "; values with letters stand in quotes"
    } else {
        reason
    }
}

/// A key of this or nearly this name in any section.
fn elsewhere(name: &str) -> Option<&'static Key> {
    let closest = closest(name, KEYS.iter().map(|key| key.name))?;
    KEYS.iter().find(|key| key.name == closest)
}

/// The name that was most likely meant.
fn closest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let wrong = wrong.to_lowercase().replace('_', "-");
    let likeness = |name: &&str| strsim::jaro_winkler(&wrong, name);
    names.filter(|name| likeness(name) >= LIKE).max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

/// Lines of a text by position.
struct Lines<'t>(&'t str);

impl Lines<'_> {
    fn of(&self, at: usize) -> usize {
        self.0.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }
}
