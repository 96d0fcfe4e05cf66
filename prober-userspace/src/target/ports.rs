//! Port expressions: `22,80,8000-8100,@iot`, with `T:` and `U:` before TCP and UDP ports and `icmp` for an echo
//! request. Printer ports are never probed: many printers print whatever arrives there.

#[cfg(test)]
mod tests;

use core::fmt;
use std::collections::HashSet;
use std::str::FromStr;

use prober_common::event::ProbeKind;
use prober_common::probe::udp::Protocol;
use thiserror::Error;

use super::port_sets::PORT_SETS;
use super::range::{lossy, parse_decimal};

/// What is sent to each address: a kind of probe and its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbePort {
    /// The transport.
    pub kind: ProbeKind,
    /// The port, 1 to 65,535; 0 for ICMP echo.
    pub port: u16,
}

impl ProbePort {
    /// The ICMP echo request.
    pub const ICMP: Self = Self { kind: ProbeKind::IcmpEcho, port: 0 };

    /// A port that is not probed on any transport: 515 and 9100-9107 feed paper.
    pub const fn is_printer(self) -> bool {
        !matches!(self.kind, ProbeKind::IcmpEcho) && matches!(self.port, 515 | 9100..=9107)
    }
}

impl fmt::Display for ProbePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ProbeKind::TcpSyn => write!(f, "T:{}", self.port),
            ProbeKind::Udp => write!(f, "U:{}", self.port),
            ProbeKind::IcmpEcho => f.write_str("icmp"),
        }
    }
}

/// The ports of a scan in the order in which they were first named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortList {
    ports: Vec<ProbePort>,
    dropped: Vec<ProbePort>,
    unprobeable: Vec<ProbePort>,
}

impl PortList {
    /// The ports, each once; at least one.
    pub fn ports(&self) -> &[ProbePort] {
        &self.ports
    }

    /// The ports, and those of sets that a probe without a table cannot ask but a conversation can.
    pub fn with_unprobeable(&self) -> Vec<ProbePort> {
        self.ports.iter().chain(&self.unprobeable).copied().collect()
    }

    /// What was left out of ranges and sets, for the operator to see; `None` if nothing was.
    pub fn note(&self) -> Option<String> {
        let reasons = [
            ("printer ports that lie in the given ranges (many printers print what arrives there)", &self.dropped),
            ("ports of the given sets whose UDP service does not repeat a token", &self.unprobeable),
        ];
        let notes = reasons.into_iter().filter(|(_, ports)| !ports.is_empty()).map(|(reason, ports)| {
            let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
            format!("left out {reason}: {}", ports.join(","))
        });
        Some(notes.collect::<Vec<_>>().join("; ")).filter(|note| !note.is_empty())
    }
}

impl FromStr for PortList {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, PortError> {
        let mut parser = Parser {
            kind: ProbeKind::TcpSyn,
            seen: HashSet::new(),
            list: Self { ports: Vec::new(), dropped: Vec::new(), unprobeable: Vec::new() },
        };
        for item in text.split(',') {
            parser.item(item.trim())?;
        }
        if parser.list.ports.is_empty() {
            return Err(PortError::NothingLeft);
        }
        Ok(parser.list)
    }
}

/// Why a port expression is refused, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PortError {
    /// Nothing between two commas, or nothing at all.
    #[error("empty port: write ports like 22,80,8000-8100,U:53,icmp,@iot without stray commas")]
    Empty,
    /// Not a number from 1 to 65,535, a range, a set or `icmp`.
    #[error(
        "`{0}` is not a port: write 1 to 65535, a range like 8000-8100, a set like @iot, or icmp; U: before UDP ports"
    )]
    NotAPort(String),
    /// `80-22`.
    #[error("port range {0}-{1} runs backwards: write {1}-{0}")]
    Reversed(u16, u16),
    /// Another letter before the colon.
    #[error("`{0}` has an unknown prefix: T: is for TCP and U: for UDP")]
    UnknownPrefix(String),
    /// No set of that name.
    #[error("there is no port set `@{0}`: choose from {known}", known = set_names())]
    UnknownSet(String),
    /// A printer port by itself.
    #[error(
        "port {0} is never probed because many printers print what arrives there: leave it out (515 and 9100-9107 are barred)"
    )]
    Printer(u16),
    /// Only barred ports were given, or a set without any that a probe can ask.
    #[error("no port is left after barring printer ports (515, 9100-9107) and UDP that no probe can ask: give others")]
    NothingLeft,
}

/// One port with optional `T:`/`U:`, or `icmp`; no ranges. For (address, port) lists.
pub(super) fn parse_single(text: &[u8]) -> Result<ProbePort, PortError> {
    if text.eq_ignore_ascii_case(b"icmp") {
        return Ok(ProbePort::ICMP);
    }
    let (kind, digits) = match text {
        [b'T' | b't', b':', rest @ ..] => (ProbeKind::TcpSyn, rest),
        [b'U' | b'u', b':', rest @ ..] => (ProbeKind::Udp, rest),
        _ => (ProbeKind::TcpSyn, text),
    };
    let port = ProbePort { kind, port: parse_number(digits).ok_or_else(|| PortError::NotAPort(lossy(text)))? };
    if port.is_printer() {
        return Err(PortError::Printer(port.port));
    }
    Ok(port)
}

struct Parser {
    /// The prefix in force, which stays until the next one, as in nmap.
    kind: ProbeKind,
    seen: HashSet<ProbePort>,
    list: PortList,
}

impl Parser {
    fn item(&mut self, item: &str) -> Result<(), PortError> {
        let (prefix, item) = match item.split_once(':') {
            Some((letter, rest)) => (Some(letter.trim()), rest.trim()),
            None => (None, item),
        };
        match prefix {
            Some("T" | "t") => self.kind = ProbeKind::TcpSyn,
            Some("U" | "u") => self.kind = ProbeKind::Udp,
            Some(_) => {
                return Err(PortError::UnknownPrefix(lossy(item_text(prefix, item).as_bytes())));
            }
            None => {}
        }
        if item.is_empty() {
            Err(PortError::Empty)
        } else if let Some(name) = item.strip_prefix('@') {
            // A prefix right before a set picks its members of that transport; without one all are taken.
            self.set(name, prefix.map(|_| self.kind))
        } else if item.eq_ignore_ascii_case("icmp") {
            self.push(ProbePort::ICMP);
            Ok(())
        } else if let Some((low, high)) = item.split_once('-') {
            self.range(item, low.trim(), high.trim())
        } else {
            let port = parse_number(item.as_bytes()).ok_or_else(|| PortError::NotAPort(lossy(item.as_bytes())))?;
            let port = ProbePort { kind: self.kind, port };
            if port.is_printer() {
                return Err(PortError::Printer(port.port));
            }
            self.push(port);
            Ok(())
        }
    }

    fn range(&mut self, item: &str, low: &str, high: &str) -> Result<(), PortError> {
        let number = |text: &str| parse_number(text.as_bytes());
        let (Some(low), Some(high)) = (number(low), number(high)) else {
            return Err(PortError::NotAPort(lossy(item.as_bytes())));
        };
        if low > high {
            return Err(PortError::Reversed(low, high));
        }
        for port in low..=high {
            self.push(ProbePort { kind: self.kind, port });
        }
        Ok(())
    }

    fn set(&mut self, name: &str, only: Option<ProbeKind>) -> Result<(), PortError> {
        let set = PORT_SETS
            .iter()
            .find(|set| set.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| PortError::UnknownSet(lossy(name.as_bytes())))?;
        for member in set.members {
            if only.is_none_or(|kind| kind == member.port.kind) {
                self.push_member(member.port);
            }
        }
        Ok(())
    }

    /// The sets name what devices listen on, whether or not a probe without a table can ask there.
    fn push_member(&mut self, port: ProbePort) {
        let is_probeable = port.kind != ProbeKind::Udp || Protocol::for_port(port.port).is_some();
        if is_probeable {
            self.push(port);
        } else if self.seen.insert(port) {
            self.list.unprobeable.push(port);
        }
    }

    fn push(&mut self, port: ProbePort) {
        if self.seen.insert(port) {
            let printer = port.is_printer();
            let list = if printer { &mut self.list.dropped } else { &mut self.list.ports };
            list.push(port);
        }
    }
}

fn parse_number(digits: &[u8]) -> Option<u16> {
    parse_decimal(digits, 65_535).map(|port| port as u16).filter(|&port| port != 0)
}

fn item_text(prefix: Option<&str>, item: &str) -> String {
    format!("{}:{item}", prefix.unwrap_or_default())
}

fn set_names() -> String {
    let names: Vec<_> = PORT_SETS.iter().map(|set| format!("@{}", set.name)).collect();
    names.join(", ")
}
