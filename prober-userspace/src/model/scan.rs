//! A scan as it is recorded: who asked for what, and how it ended. How it runs is the engine's business.

use prober_common::address::V4;
use serde::{Deserialize, Serialize};

use crate::model::text::as_optional_text;
use crate::model::utc::UtcMicros;
use crate::target::range::AddressRange;

/// The number of a scan in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScanId(pub u32);

impl std::fmt::Display for ScanId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How a scan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanStatus {
    /// Under way - or killed, when no process works on it.
    Running,
    /// All probes sent and the cool-down over.
    Finished,
    /// Stopped by a person or a signal; can be resumed.
    Interrupted,
    /// Stopped by a fault; can be resumed once that is mended.
    Failed,
}

impl ScanStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Running, Self::Finished, Self::Interrupted, Self::Failed];

    /// The name used in SQL, JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }

    /// The status with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// What is recorded when a scan begins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScanMeta {
    /// Start of the scan.
    pub started_at: UtcMicros,
    /// Who started it.
    pub operator: String,
    /// Name of the scan host.
    pub host: String,
    /// Version of the program.
    pub program_version: String,
    /// The command line as given.
    pub command: String,
    /// The settings in effect after all layers, as JSON text.
    pub settings: String,
    /// Seed of the permutation.
    pub seed: u64,
    /// Hash of the plan; a resume must match it.
    pub plan_fingerprint: u64,
    /// Targets in the whole plan: pairs of address and port, after exclusions.
    pub targets: u64,
    /// The port expression.
    pub ports: String,
    /// Probes this shard will send, all passes.
    pub probes_planned: u64,
    /// This shard, from 0.
    pub shard_index: u32,
    /// How many shards the plan is cut into; at least 1.
    pub shard_count: u32,
    /// Rate asked for, packets per second.
    pub rate_pps: f64,
    /// Name of the transmit engine.
    pub engine: String,
    /// Name of the network interface.
    pub interface: String,
    /// Our address.
    #[serde(serialize_with = "as_optional_text")]
    pub source_address: Option<V4>,
    /// What is excluded at the start.
    #[serde(skip)]
    pub exclusions: Vec<AddressRange>,
}
