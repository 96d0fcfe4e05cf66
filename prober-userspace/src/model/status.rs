//! What a running scan shows of itself: one sample at a time, and the summary at its end. Printing them is `cli`'s work.

use std::collections::BTreeMap;

use prober_common::event::ReplyKind;
use serde::{Deserialize, Serialize};

/// What the scan is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Probes are being sent.
    #[default]
    Sending,
    /// Sending is held back by the operator; replies are still received.
    Paused,
    /// All probes are sent; late replies are awaited.
    Cooldown,
    /// The replies are in; open ports are still asked for their banners.
    Grabbing,
    /// Nothing more will happen.
    Done,
}

impl Phase {
    /// The name used in JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Paused => "paused",
            Self::Cooldown => "cooldown",
            Self::Grabbing => "grabbing",
            Self::Done => "done",
        }
    }
}

/// How many replies of each kind, by the kind's name in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReplyCounts(BTreeMap<String, u64>);

impl ReplyCounts {
    /// From one count for each of [`ReplyKind::ALL`], in that order.
    pub fn new(counts: [u64; ReplyKind::ALL.len()]) -> Self {
        Self(ReplyKind::ALL.iter().zip(counts).map(|(kind, count)| (kind.name().to_owned(), count)).collect())
    }

    /// Replies of this kind.
    pub fn of(&self, kind: ReplyKind) -> u64 {
        self.0.get(kind.name()).copied().unwrap_or(0)
    }

    /// Replies of every kind.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Replies that say "open": SYN-ACK, echo reply, UDP reply.
    pub fn open(&self) -> u64 {
        ReplyKind::ALL.into_iter().filter(|kind| kind.is_open()).map(|kind| self.of(kind)).sum()
    }
}

/// The state of a scan at one moment. One JSON object per second in `--status-json`; the field names are stable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusSample {
    /// Since the scan began, in s.
    pub t_s: f64,
    /// What it is doing.
    pub phase: Phase,
    /// Probes handed to the interface so far, earlier runs of a resumed scan included.
    pub sent: u64,
    /// Probes that this shard will send altogether.
    pub planned: u64,
    /// Rate since the last sample, in packets/s.
    pub rate_pps: f64,
    /// Rate that is aimed at, in packets/s; 0 if unlimited.
    pub target_pps: f64,
    /// Verified replies without duplicates.
    pub replies: ReplyCounts,
    /// Verified replies that repeat an earlier one.
    pub duplicates: u64,
    /// Open answers per probe sent, 0 to 1.
    pub hit_rate: f64,
    /// What was lost, by reason; reasons with count 0 may be left out.
    pub drops: BTreeMap<String, u64>,
    /// Until the end, cool-down included, in s; null while it cannot be told.
    pub eta_s: Option<f64>,
    /// Banners, with `--grab`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grab: Option<GrabStatus>,
}

/// How grabbing beside a scan goes; found = asked + waiting + dropped. The field names are stable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrabStatus {
    /// Open ports that can be asked for a banner.
    pub found: u64,
    /// Those that were asked.
    pub asked: u64,
    /// Those that said something.
    pub grabbed: u64,
    /// Those that wait, or are being asked; at the end: that were not asked any more.
    pub waiting: u64,
    /// Those that found the queue full; `prober grab --scan last` asks them.
    pub dropped: u64,
    /// Connections opened.
    pub connections: u64,
}

impl StatusSample {
    /// Everything lost, for whatever reason.
    pub fn dropped(&self) -> u64 {
        self.drops.values().sum()
    }

    /// Share of the planned probes that is sent, 0 to 1.
    pub fn progress(&self) -> f64 {
        if self.planned == 0 { 1.0 } else { (self.sent as f64 / self.planned as f64).min(1.0) }
    }
}

/// Why a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every planned probe was sent.
    Complete,
    /// `--max-targets` was reached.
    MaxTargets,
    /// `--max-runtime` was reached.
    MaxRuntime,
    /// `--max-results` was reached.
    MaxResults,
    /// `prober control stop`.
    Stopped,
    /// SIGINT or SIGTERM.
    Signal,
    /// The store failed; what was stored is kept.
    StoreFailed,
}

impl Ending {
    /// The name used in JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::MaxTargets => "max_targets",
            Self::MaxRuntime => "max_runtime",
            Self::MaxResults => "max_results",
            Self::Stopped => "stopped",
            Self::Signal => "signal",
            Self::StoreFailed => "store_failed",
        }
    }

    /// Whether probes are left that `--resume` would send.
    pub const fn is_resumable(self) -> bool {
        matches!(self, Self::MaxRuntime | Self::MaxResults | Self::Stopped | Self::Signal | Self::StoreFailed)
    }
}

/// How a scan went. `--json` prints it; the field names are stable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanSummary {
    /// The scan's number in its database.
    pub scan: u32,
    /// Why it ended.
    pub ending: Ending,
    /// The transmit engine that was used.
    pub engine: String,
    /// The database that holds the replies.
    pub database: String,
    /// Length of this run, in s.
    pub duration_s: f64,
    /// Mean rate while sending, in packets/s.
    pub mean_pps: f64,
    /// Replies of this scan in the database, those of earlier runs of a resumed scan included.
    pub rows_stored: u64,
    /// Addresses whose device is known by now, with `--grab`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<u64>,
    /// The state at the end: sent, planned, replies by kind, duplicates, drops.
    pub last: StatusSample,
}
