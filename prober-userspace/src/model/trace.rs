//! Probe traces: what was sent to one terminal, and what came back. With a reply to every probe or without, so that
//! silence is known. What is true of the terminal stands beside it where a trace is labelled.

use std::fmt;
use std::str::FromStr;

use super::access::AccessType;
use super::cause::Cause;

/// Slowest reply that is believed, in milliseconds. Our own probes tell up to 67 s; meshes were seen to answer later.
pub const RTT_MS_MAX: f64 = 600_000.0;

/// How a probe was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// As an open port does.
    Open,
    /// Refused, as a closed port does.
    Refused,
    /// Not at all.
    Silent,
}

impl Answer {
    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "synack",
            Self::Refused => "rst",
            Self::Silent => "none",
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No answer has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no reply; known are synack, rst and none")]
pub struct UnknownAnswer(pub String);

impl FromStr for Answer {
    type Err = UnknownAnswer;

    fn from_str(text: &str) -> Result<Self, UnknownAnswer> {
        match text {
            "synack" | "echo" | "udp" => Ok(Self::Open),
            "rst" => Ok(Self::Refused),
            "none" => Ok(Self::Silent),
            other => Err(UnknownAnswer(other.to_owned())),
        }
    }
}

/// One probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceProbe {
    /// When it was sent, in seconds from any beginning.
    pub sent_s: f64,
    /// How long the reply took, in milliseconds, finite and in 0..=[`RTT_MS_MAX`]; `None` if there was none.
    pub rtt_ms: Option<f64>,
    /// To which port; 0 if it has none or is not known.
    pub port: u16,
    /// TTL of the reply as it arrived.
    pub ttl: Option<u8>,
    /// Kind of reply.
    pub answer: Answer,
}

/// What a trace is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A host behind an access network.
    Terminal,
    /// The last router before the access network: tells the transit, is never estimated.
    Gateway,
}

/// All probes of one terminal, by the time they were sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Prefix or scenario; terminals of one place share the wide-area path and, in an evaluation, are left out together.
    pub place: String,
    /// The terminal within its place.
    pub terminal: String,
    /// Terminal or gateway.
    pub role: Role,
    /// The probes.
    pub probes: Vec<TraceProbe>,
    /// Whether probes that were not answered are among them; else silence is not known.
    pub has_silence: bool,
    /// Where known: its network.
    pub access: Option<AccessType>,
    /// Where known: the cause.
    pub cause: Option<Cause>,
    /// Where known: whether there was other traffic. For tables only.
    pub background: Option<bool>,
}

impl Trace {
    /// Round-trip times in the order of sending, in milliseconds, without the lost ones.
    pub fn rtts_ms(&self) -> Vec<f64> {
        self.probes.iter().filter_map(|probe| probe.rtt_ms).collect()
    }

    /// How many probes were answered.
    pub fn answered(&self) -> usize {
        self.probes.iter().filter(|probe| probe.rtt_ms.is_some()).count()
    }
}
