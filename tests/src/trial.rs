//! Trials: the real `prober` at work in a lab, judged by witnesses that share no line with it. Each comes in two sizes:
//! small for `cargo test`, where nothing depends on the clock, and full for the figures that the project promises.

pub mod account;
pub mod coverage;
pub mod endurance;
pub mod exclusions;
pub mod faults;
pub mod finding;
pub mod found;
pub mod hardened;
pub mod hardship;
pub mod kills;
pub mod overflow;
pub mod prober;
pub mod replays;
pub mod service;
pub mod shards;
pub mod spoofing;
pub mod stage;
pub mod timing;
pub mod weeks;
pub mod years;

use anyhow::Result;
use clap::ValueEnum;

use finding::Finding;

/// How large a trial is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Seconds, on any machine.
    Small,
    /// As the figures are promised for.
    Full,
}

impl Size {
    /// One of two values.
    pub fn pick<T>(self, small: T, full: T) -> T {
        match self {
            Self::Small => small,
            Self::Full => full,
        }
    }
}

/// Every trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Trial {
    /// Each address and port of a network exactly once, with every engine
    Coverage,
    /// Three shards: disjoint, and complete together
    Shards,
    /// Nothing reaches excluded prefixes
    Exclusions,
    /// Killed again and again, resumed again and again: nothing missing
    Kills,
    /// Forged answers during a scan are refused
    Spoofing,
    /// Genuine answers that come again are counted, not stored
    Replays,
    /// What overflows the kernel's ring is counted
    Overflow,
    /// Round-trip times against the truth, 10,000 probes per second
    Rtt,
    /// Round-trip times against the truth, at a high rate
    RttFast,
    /// Real servers are found, and nothing else
    Found,
    /// Weeks of a watch in compressed time over the wire, beside the simulator
    Weeks,
    /// A watch killed again and again: nobody forgotten, nobody visited too often
    Endurance,
    /// The daemon: reloads, exclusions and the kill switch while it sends; kills
    Service,
    /// The daemon as its unit runs it: its own user, its capabilities, a read-only file system
    Hardened,
    /// The daemon over a link that fails, with a database of others, on a full disk, flooded with answers
    Hardship,
    /// Years in compressed time: neither memory nor files grow
    Years,
    /// Bad input and faults: one clear line, nothing lost
    Faults,
}

impl Trial {
    /// Carries it out.
    pub fn run(self, size: Size) -> Result<Finding> {
        match self {
            Self::Coverage => coverage::every_engine(size),
            Self::Shards => shards::run(size),
            Self::Exclusions => exclusions::run(size),
            Self::Kills => kills::run(size),
            Self::Spoofing => spoofing::run(size),
            Self::Replays => replays::run(size),
            Self::Overflow => overflow::run(size),
            Self::Rtt => timing::run(size),
            Self::RttFast => timing::fast(size),
            Self::Found => found::run(size),
            Self::Weeks => weeks::run(size),
            Self::Endurance => endurance::run(size),
            Self::Service => service::run(size),
            Self::Hardened => hardened::run(size),
            Self::Hardship => hardship::run(size),
            Self::Years => years::run(size),
            Self::Faults => faults::run(),
        }
    }
}
