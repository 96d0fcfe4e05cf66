//! Why probes into a wireless network fail or come back late.

use std::fmt;
use std::str::FromStr;

/// The cause (METHODS section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Nothing is wrong.
    Normal,
    /// Queues are full of others' traffic.
    Congestion,
    /// Not on the network at all.
    Disconnected,
    /// Others who do not hear the terminal send over it.
    HiddenTerminal,
    /// The signal is barely strong enough.
    WeakLink,
    /// Some ports never answer, the others do.
    PortsBlocked,
    /// Leaves the network and comes back.
    Unstable,
    /// Another system on the same frequencies.
    Interference,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 8] = [
        Self::Normal,
        Self::Congestion,
        Self::Disconnected,
        Self::HiddenTerminal,
        Self::WeakLink,
        Self::PortsBlocked,
        Self::Unstable,
        Self::Interference,
    ];

    /// Name in files and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Congestion => "congestion",
            Self::Disconnected => "disconnected",
            Self::HiddenTerminal => "hidden_terminal",
            Self::WeakLink => "weak_link",
            Self::PortsBlocked => "ports_blocked",
            Self::Unstable => "unstable",
            Self::Interference => "interference",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No cause has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no cause; known are normal, congestion, disconnected, hidden_terminal, weak_link, ports_blocked, unstable \
     and interference"
)]
pub struct UnknownCause(pub String);

impl FromStr for Cause {
    type Err = UnknownCause;

    fn from_str(text: &str) -> Result<Self, UnknownCause> {
        Self::ALL.into_iter().find(|cause| cause.name() == text).ok_or_else(|| UnknownCause(text.to_owned()))
    }
}
