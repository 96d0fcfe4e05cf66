//! The text format of signatures: TOML, one file per maker. Reading one gives its devices and, for each fault, file,
//! line and reason.
//!
//! ```toml
//! maker = "Example"                                     # left out in a file of devices that many makers build
//!
//! [[device]]
//! name = "Example CAM-1"
//! kind = "camera"                                       # see `model::device::Kind`
//! model = "CAM-1"
//! ports = "80,554,U:3702"                               # as in `prober scan -p`
//! version = 'CAM-1/([0-9.]+)'                           # one capture
//! source = "Seen in our own lab, firmware 1.2"
//! keywords = [{ regex = 'Server: CAM-1/', weight = 1.0 }]
//! examples = ["HTTP/1.1 200 OK\r\nServer: CAM-1/1.2\r\n\r\n"]
//! ```

mod raw;
#[cfg(test)]
mod tests;

use thiserror::Error;

use super::pattern::{self, PatternFault};
use crate::model::device::{Device, Keyword, Kind, Place, UnknownKind};
use crate::target::ports::{PortError, PortList, ProbePort};
use raw::{Lines, RawDevice, RawFile, RawKeyword};

/// Weights are decimal fractions; their sum is compared with this much room.
pub const WEIGHT_TOLERANCE: f64 = 1e-9;

/// One fault of a signature file.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{place}: {reason}")]
pub struct SignatureFault {
    /// Where.
    pub place: Place,
    /// What is wrong and what to write instead.
    pub reason: FaultReason,
}

/// What can be wrong with a signature.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FaultReason {
    /// Not TOML, or not of this format.
    #[error("{0}")]
    Format(String),
    /// A word that must not be empty.
    #[error("{0} is empty: write it, or leave the line out where it may be missing")]
    Empty(&'static str),
    /// Not of the vocabulary.
    #[error(transparent)]
    Kind(#[from] UnknownKind),
    /// Not a port expression.
    #[error(transparent)]
    Ports(#[from] PortError),
    /// A keyword that cannot be used.
    #[error("keyword: {0}")]
    Keyword(PatternFault),
    /// A version pattern that cannot be used.
    #[error("version: {0}")]
    Version(PatternFault),
    /// Not above 0 and at most 1.
    #[error("the weight is {0}: write one above 0, at most 1")]
    Weight(f64),
    /// Their sum passes 1.
    #[error("the weights add up to {0:.3}: at most 1 is allowed")]
    WeightSum(f64),
    /// A device that nothing can match.
    #[error("no keywords: write at least one")]
    NoKeyword,
    /// More than a device may have.
    #[error("{0} keywords: at most 1,000 are taken")]
    ManyKeywords(usize),
    /// The same pattern twice in one device.
    #[error("this keyword stands twice in the device: write it once, with the weights added")]
    SameKeyword,
    /// A model of nobody's.
    #[error("a model without a maker: name the maker at the head of the file")]
    ModelWithoutMaker,
    /// The same maker and name twice.
    #[error("`{title}` stands already at {first}: one of them has to go or to be named otherwise")]
    SameDevice {
        /// Maker and name.
        title: String,
        /// Where it stands first.
        first: Place,
    },
}

/// Most keywords of one device.
const KEYWORDS_MAX: usize = 1_000;

/// The devices of one file, and its faults. A device with a fault is left out; a file that is not TOML gives none.
pub fn parse(file: &str, text: &str) -> (Vec<Device>, Vec<SignatureFault>) {
    let reader = Reader { file, lines: Lines::of(text) };
    let raw: RawFile = match toml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            let line = error.span().map_or(1, |span| reader.lines.at(span.start));
            let reason = error.message().lines().next().unwrap_or("not TOML").to_owned();
            return (Vec::new(), vec![reader.fault(line, FaultReason::Format(reason))]);
        }
    };
    let mut faults = Vec::new();
    let maker = raw.maker.map(|maker| maker.trim().to_owned());
    if maker.as_deref() == Some("") {
        faults.push(reader.fault(1, FaultReason::Empty("maker")));
        return (Vec::new(), faults);
    }
    let mut devices = Vec::new();
    for device in raw.device {
        let before = faults.len();
        let read = reader.device(maker.as_deref(), device, &mut faults);
        if faults.len() == before {
            devices.push(read);
        }
    }
    (devices, faults)
}

struct Reader<'a> {
    file: &'a str,
    lines: Lines,
}

impl Reader<'_> {
    fn device(&self, maker: Option<&str>, raw: RawDevice, faults: &mut Vec<SignatureFault>) -> Device {
        let line = self.lines.at(raw.name.span().start);
        let mut fault = |line: usize, reason: FaultReason| faults.push(self.fault(line, reason));
        if raw.name.get_ref().trim().is_empty() {
            fault(line, FaultReason::Empty("name"));
        }
        if raw.source.trim().is_empty() {
            fault(line, FaultReason::Empty("source"));
        }
        if raw.model.as_deref().is_some_and(|model| model.trim().is_empty()) {
            fault(line, FaultReason::Empty("model"));
        }
        if raw.model.is_some() && maker.is_none() {
            fault(line, FaultReason::ModelWithoutMaker);
        }
        let kind = raw.kind.and_then(|kind| match kind.get_ref().parse::<Kind>() {
            Ok(known) => Some(known),
            Err(error) => {
                fault(self.lines.at(kind.span().start), error.into());
                None
            }
        });
        let ports = raw.ports.map_or_else(Vec::new, |ports| match read_ports(ports.get_ref()) {
            Ok(known) => known,
            Err(error) => {
                fault(self.lines.at(ports.span().start), error.into());
                Vec::new()
            }
        });
        if let Some(version) = &raw.version
            && let Err(error) = pattern::check_version(version.get_ref())
        {
            fault(self.lines.at(version.span().start), FaultReason::Version(error));
        }
        let keywords = self.keywords(line, raw.keywords, &mut fault);
        Device {
            maker: maker.map(str::to_owned),
            name: raw.name.into_inner().trim().to_owned(),
            kind,
            model: raw.model,
            ports,
            version: raw.version.map(toml::Spanned::into_inner),
            source: raw.source,
            keywords,
            examples: raw.examples,
            place: self.place(line),
        }
    }

    fn keywords(
        &self,
        line: usize,
        raw: Vec<toml::Spanned<RawKeyword>>,
        fault: &mut impl FnMut(usize, FaultReason),
    ) -> Vec<Keyword> {
        if raw.is_empty() {
            fault(line, FaultReason::NoKeyword);
        }
        if raw.len() > KEYWORDS_MAX {
            fault(line, FaultReason::ManyKeywords(raw.len()));
            return Vec::new();
        }
        let mut keywords: Vec<Keyword> = Vec::with_capacity(raw.len());
        for keyword in raw {
            let line = self.lines.at(keyword.span().start);
            let RawKeyword { regex, weight } = keyword.into_inner();
            if let Err(error) = pattern::check(&regex) {
                fault(line, FaultReason::Keyword(error));
            }
            // Also refuses what is no number.
            if !(weight > 0.0 && weight <= 1.0) {
                fault(line, FaultReason::Weight(weight));
            }
            if keywords.iter().any(|known| known.pattern == regex) {
                fault(line, FaultReason::SameKeyword);
            }
            keywords.push(Keyword { pattern: regex, weight, line });
        }
        let sum: f64 = keywords.iter().map(|keyword| keyword.weight).sum();
        if sum > 1.0 + WEIGHT_TOLERANCE && keywords.iter().all(|keyword| keyword.weight <= 1.0) {
            fault(line, FaultReason::WeightSum(sum));
        }
        keywords
    }

    fn fault(&self, line: usize, reason: FaultReason) -> SignatureFault {
        SignatureFault { place: self.place(line), reason }
    }

    fn place(&self, line: usize) -> Place {
        Place { file: self.file.to_owned(), line }
    }
}

fn read_ports(text: &str) -> Result<Vec<ProbePort>, PortError> {
    let mut ports = text.parse::<PortList>()?.ports().to_vec();
    ports.sort_unstable();
    Ok(ports)
}
