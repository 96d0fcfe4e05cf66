//! From a document's texts to values. A text that means nothing is a problem and counts as its key's default, so that the
//! rest can be looked at as well.

use super::document::Document;
use super::keys::{Absent, find};

/// Parses keys of a document and notes what is wrong.
pub struct Reader<'d> {
    /// The file.
    pub document: &'d mut Document,
    bad: Vec<(&'static str, &'static str)>,
}

impl<'d> Reader<'d> {
    /// Of this document.
    pub fn new(document: &'d mut Document) -> Self {
        Self { document, bad: Vec::new() }
    }

    /// A key with a default.
    pub fn value<T>(
        &mut self,
        section: &'static str,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        self.optional(section, name, &parse).unwrap_or_else(|| {
            let default = match find(section, name).map(|key| key.absent) {
                Some(Absent::Default([text, ..])) => parse(text).ok(),
                _ => None,
            };
            default.expect("the key has a default, and a test reads every default")
        })
    }

    /// A key of one value that may be missing; if it must not, that is a problem.
    pub fn optional<T>(
        &mut self,
        section: &'static str,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.many(section, name, parse).pop()
    }

    /// Every value of a key.
    pub fn many<T>(
        &mut self,
        section: &'static str,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(entry) = self.document.entry(section, name) else {
            if let Some(Absent::Refused(examples)) = find(section, name).map(|key| key.absent) {
                let reason = format!("{section}.{name} is missing; write like {name} = \"{}\"", examples.concat());
                self.wrong(section, name, None, reason);
            }
            return Vec::new();
        };
        let texts = entry.texts.clone();
        let line = self.document.line(section, name);
        if texts.is_empty() && matches!(find(section, name).map(|key| key.absent), Some(Absent::Refused(_))) {
            self.wrong(section, name, line, format!("{section}.{name}: at least one is needed"));
        }
        let mut values = Vec::new();
        for text in &texts {
            match parse(text) {
                Ok(value) => values.push(value),
                Err(reason) => self.wrong(section, name, line, format!("{section}.{name}: {reason}")),
            }
        }
        values
    }

    fn wrong(&mut self, section: &'static str, name: &'static str, line: Option<usize>, reason: String) {
        self.bad.push((section, name));
        self.document.problem(line, reason);
    }

    /// Notes that values do not go together, unless one of them is wrong by itself. `keys` names them as
    /// `section.name`; the first that stands in the file gives the line.
    pub fn contradiction(&mut self, keys: &[(&'static str, &'static str)], reason: String) {
        if keys.iter().any(|key| self.bad.contains(key)) {
            return;
        }
        let line = keys.iter().find_map(|(section, name)| self.document.line(section, name));
        self.document.problem(line, reason);
    }
}
