//! One thing that a signature does not keep to.

use crate::model::device::{Device, Place};

/// What is not kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A file that cannot be read, or not all of it.
    Format,
    /// A weight that claims more than the level.
    Level,
    /// A keyword without an example.
    Keyword,
    /// An example below th.
    Example,
    /// A device seen in a negative.
    Negative,
    /// A pattern that says too little.
    Broad,
    /// A pattern without a literal.
    Literal,
}

impl Rule {
    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Level => "level",
            Self::Keyword => "keyword",
            Self::Example => "example",
            Self::Negative => "negative",
            Self::Broad => "broad",
            Self::Literal => "literal",
        }
    }
}

/// A finding of the lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line of the keyword, or else of the device.
    pub place: Place,
    /// What is not kept to.
    pub rule: Rule,
    /// Maker and name.
    pub device: String,
    /// Why, and what to do where that is not plain.
    pub reason: String,
}

impl Finding {
    pub(super) fn of(device: &Device, keyword: Option<usize>, rule: Rule, reason: String) -> Self {
        let line =
            keyword.and_then(|place| device.keywords.get(place)).map_or(device.place.line, |keyword| keyword.line);
        Self { place: Place { file: device.place.file.clone(), line }, rule, device: device.title(), reason }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: ", self.place, self.rule.name())?;
        if !self.device.is_empty() {
            write!(f, "{}: ", self.device)?;
        }
        f.write_str(&self.reason)
    }
}
