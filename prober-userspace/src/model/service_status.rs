//! What the daemon shows of itself beyond its probing: configuration, exclusions, roll-out, and why nothing is sent if
//! nothing is. `prober status --json` prints it; the field names are stable.

use serde::{Deserialize, Serialize};

use super::watch::WatchStatus;

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// `prober control pause`.
    Operator,
    /// The kill-switch file is there.
    KillSwitch,
    /// The roll-out stopped by itself.
    Rollout,
    /// The interface is down.
    LinkDown,
}

impl Hold {
    /// For people.
    pub const fn shown(self) -> &'static str {
        match self {
            Self::Operator => "paused by the operator",
            Self::KillSwitch => "kill switch",
            Self::Rollout => "roll-out stopped",
            Self::LinkDown => "the interface is down",
        }
    }
}

/// What an outage on the way is to people.
pub const UNANSWERED: &str = "none of the addresses known to answer does, so something is wrong on the way";

/// What a database that is too slow is to people.
pub const STORE_BEHIND: &str =
    "the database is behind, and no visits are begun until it has taken the states that wait";

/// Everything besides the probing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Version of the program.
    pub version: String,
    /// Since the start, in s.
    pub uptime_s: f64,
    /// Why nothing is sent; empty while probes go out.
    pub holds: Vec<Hold>,
    /// Why the kill switch cannot be looked at, which holds sending back as well.
    #[serde(default)]
    pub kill_switch_problem: Option<String>,
    /// The configuration in force.
    pub configuration: SourceStatus,
    /// The exclusions in force.
    pub exclusions: ExclusionStatus,
    /// The signatures in force.
    #[serde(default)]
    pub signatures: SignatureStatus,
    /// How far the roll-out is.
    pub rollout: RolloutStatus,
    /// What it takes, and what is done at night.
    #[serde(default)]
    pub upkeep: UpkeepStatus,
    /// How the watch goes.
    pub watch: WatchStatus,
}

/// What the daemon takes of this host, and when it last did its work at night. Times are seconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpkeepStatus {
    /// Start of the process.
    pub started_at_s: i64,
    /// Memory in use, bytes.
    pub resident_bytes: u64,
    /// The database with its log, bytes.
    pub database_bytes: u64,
    /// Whether the work of a night is under way.
    #[serde(default)]
    pub nightly_under_way: bool,
    /// When networks were last learnt of without a failure.
    #[serde(default)]
    pub learnt_at_s: Option<i64>,
    /// When an export last went well.
    pub exported_at_s: Option<i64>,
    /// When old rows were last removed, or none were found.
    pub retired_at_s: Option<i64>,
}

/// A file that is read again while the daemon runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// The file.
    pub file: String,
    /// When what is in force was read, UTC.
    pub loaded_at: String,
    /// What is wrong with it now; what was read before stays in force.
    pub problems: Vec<String>,
}

/// The exclusions in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExclusionStatus {
    /// Excluded addresses, the special ranges and former targets included.
    pub addresses: u64,
    /// As this many ranges.
    pub ranges: usize,
    /// When they were read, UTC.
    pub loaded_at: String,
    /// What is wrong with the files now; what was read before stays in force.
    pub problem: Option<String>,
}

/// The signatures in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureStatus {
    /// Devices that are told.
    pub devices: usize,
    /// The database's version, as estimates carry it.
    pub version: String,
}

/// How far the roll-out is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RolloutStatus {
    /// The watched share, 0 to 1.
    pub share: f64,
    /// Which step, from 1.
    pub step: usize,
    /// Of how many.
    pub steps: usize,
    /// Share of probes with an error of late, 0 to 1.
    pub errors: f64,
    /// Complaints within this step.
    pub complaints: u32,
    /// Why it stopped.
    pub halt: Option<String>,
}
