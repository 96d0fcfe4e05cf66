//! The fields of a draft being edited. The last keyword is always an empty one: writing into it adds a keyword, emptying
//! one takes it away.

use super::Key;
use crate::device::suggest::Draft;

/// Most keywords that can be edited.
const KEYWORDS_MAX: usize = 8;

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name on screen.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// Fields, and where the cursor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editor {
    fields: Vec<Field>,
    field: usize,
    /// In characters.
    cursor: usize,
}

const FIXED: [&str; 6] = ["maker", "name", "kind", "model", "ports", "version"];

impl Editor {
    pub(super) fn of(draft: &Draft) -> Self {
        let Draft { maker, name, kind, model, ports, version, keywords } = draft;
        let texts = [maker, name, kind, model, ports, version];
        let field = |name: &str, text: &str| Field { name: name.to_owned(), text: text.to_owned() };
        let mut fields: Vec<Field> = FIXED.iter().zip(texts).map(|(name, text)| field(name, text)).collect();
        for (pattern, weight) in keywords.iter().take(KEYWORDS_MAX).chain([&(String::new(), "0.8".to_owned())]) {
            fields.push(field("keyword", pattern));
            fields.push(field("weight", weight));
        }
        let mut editor = Self { fields, field: 0, cursor: 0 };
        editor.go(0);
        editor
    }

    /// The fields, in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The place of the field with the cursor, and the cursor's within it, in characters.
    pub fn cursor(&self) -> (usize, usize) {
        (self.field, self.cursor)
    }

    pub(super) fn press(&mut self, key: Key) {
        let len = self.fields[self.field].text.chars().count();
        match key {
            Key::Tab | Key::Down => self.go((self.field + 1) % self.fields.len()),
            Key::BackTab | Key::Up => self.go((self.field + self.fields.len() - 1) % self.fields.len()),
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(len),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = len,
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.remove();
            }
            Key::Delete if self.cursor < len => self.remove(),
            Key::Char(c) if !c.is_control() => {
                let at = self.byte();
                self.fields[self.field].text.insert(at, c);
                self.cursor += 1;
            }
            _ => {}
        }
    }

    pub(super) fn into_draft(self) -> Draft {
        let mut texts = self.fields.into_iter().map(|field| field.text.trim().to_owned());
        let mut next = || texts.next().unwrap_or_default();
        let (maker, name, kind, model, ports, version) = (next(), next(), next(), next(), next(), next());
        let rest: Vec<String> = texts.collect();
        let keywords = rest.chunks_exact(2).filter(|pair| !pair[0].is_empty());
        let keywords = keywords.map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        Draft { maker, name, kind, model, ports, version, keywords }
    }

    fn go(&mut self, field: usize) {
        self.field = field;
        self.cursor = self.fields[field].text.chars().count();
    }

    fn remove(&mut self) {
        let at = self.byte();
        self.fields[self.field].text.remove(at);
    }

    fn byte(&self) -> usize {
        let text = &self.fields[self.field].text;
        text.char_indices().nth(self.cursor).map_or(text.len(), |(at, _)| at)
    }
}
