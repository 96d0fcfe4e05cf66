//! What a device is known by: the record of the database and its parts. How records are read and matched is `device`'s
//! business.

mod estimate;
mod keyword;
mod kind;
mod level;

pub use estimate::{AddressEstimates, DeviceId, Estimate};
pub use keyword::Keyword;
pub use kind::{Kind, UnknownKind};
pub use level::Level;

use crate::target::ports::ProbePort;

/// A device as the database knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Who makes it; `None` where many do.
    pub maker: Option<String>,
    /// What people call it; with the maker unique in a database.
    pub name: String,
    /// What it is for.
    pub kind: Option<Kind>,
    /// Model number.
    pub model: Option<String>,
    /// Ports that are open on it by default, sorted; empty where nothing is known.
    pub ports: Vec<ProbePort>,
    /// A pattern whose one capture is the firmware version.
    pub version: Option<String>,
    /// Where the knowledge comes from.
    pub source: String,
    /// What its banners hold; the weights add up to at most 1.
    pub keywords: Vec<Keyword>,
    /// Banners that it matches.
    pub examples: Vec<String>,
    /// Where the record stands.
    pub place: Place,
}

impl Device {
    /// How much the record says.
    pub fn level(&self) -> Level {
        Level::of(self.maker.is_some(), self.kind, self.model.is_some())
    }

    /// Maker and name, as messages show it.
    pub fn title(&self) -> String {
        match &self.maker {
            Some(maker) if !self.name.starts_with(maker.as_str()) => format!("{maker} {}", self.name),
            _ => self.name.clone(),
        }
    }
}

/// A line of a signature file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as it was named to us.
    pub file: String,
    /// Line number, from 1.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
