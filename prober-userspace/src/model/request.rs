//! A scan that is asked for, with everything decided: what `prober scan` hands to the engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prober_common::probe::tcp_syn::Profile;
use serde::{Deserialize, Serialize};

use crate::model::link::LinkRequest;
use crate::target::exclusions::Exclusions;
use crate::target::plan::Plan;
use crate::target::shard::Shard;

/// Everything the engine needs to run a scan.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// The targets in their order, without the excluded.
    pub plan: Arc<Plan>,
    /// Checked again before the wire.
    pub exclusions: Exclusions,
    /// The share of the plan to probe.
    pub shard: Shard,
    /// How fast, how often and how long.
    pub pace: Pace,
    /// Which transmit engine.
    pub engine: EngineChoice,
    /// Transmit threads; 0: one per transmit queue.
    pub sender_threads: u32,
    /// Options of the SYN.
    pub profile: Profile,
    /// Initial TTL; `None` leaves it to the probe.
    pub ttl: Option<u8>,
    /// How to find the way out.
    pub link: LinkRequest,
    /// The database to write to.
    pub database: PathBuf,
    /// Go on where an earlier run of the same plan in the same database stopped.
    pub resume: bool,
    /// Time between checkpoints: what a kill may repeat.
    pub checkpoint_interval: Duration,
    /// Where to listen for `prober control`; `None`: the interface's default.
    pub control_socket: Option<PathBuf>,
    /// Ask open ports for their banners meanwhile.
    pub grab: Option<GrabLimits>,
    /// What is written down about the scan.
    pub record: Record,
}

impl ScanRequest {
    /// What its probes look like.
    pub fn style(&self) -> ProbeStyle {
        ProbeStyle { profile: self.profile, ttl: self.ttl, contact: self.record.contact.clone() }
    }
}

/// What probes look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeStyle {
    /// Options of the SYN.
    pub profile: Profile,
    /// Initial TTL; `None` leaves it to the probe.
    pub ttl: Option<u8>,
    /// What ICMP probes say: how those who are probed can reach the operator.
    pub contact: String,
}

/// Limits of grabbing banners beside a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrabLimits {
    /// Connections per second; 0: none.
    pub rate: f64,
    /// Connections per second into any one /24; 0: none.
    pub rate_per_24: f64,
    /// Hosts at the same time, each over one connection.
    pub concurrency: usize,
    /// Patience with one connection.
    pub timeout: Duration,
}

/// How fast, how often and how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Overall limit.
    pub rate: RateLimit,
    /// Limit for each /24, in packets/s; 0: none.
    pub rate_per_slash24_pps: f64,
    /// Probes per target, at least 1.
    pub probes: u32,
    /// Time between the probes to one target.
    pub probe_spacing: Duration,
    /// Stop after so many targets of this shard.
    pub max_targets: Option<u64>,
    /// Stop sending after this time.
    pub max_runtime: Option<Duration>,
    /// Stop after so many stored replies.
    pub max_results: Option<u64>,
    /// How long to wait for late replies.
    pub cooldown: Duration,
}

/// An overall limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateLimit {
    /// Packets per second.
    Packets(f64),
    /// Bits per second on the wire, framing included.
    Bits(f64),
    /// As fast as the interface takes them.
    Unlimited,
}

/// Bytes that Ethernet adds around a frame: preamble and delimiter 8, check sequence 4, gap 12 (IEEE 802.3).
const WIRE_OVERHEAD: usize = 24;
/// Shortest frame without its check sequence.
const SHORTEST_FRAME: usize = 60;

impl RateLimit {
    /// In packets per second for frames of this length (without check sequence); `None` if unlimited.
    pub fn pps(self, frame_bytes: usize) -> Option<f64> {
        match self {
            Self::Packets(pps) => Some(pps),
            Self::Bits(bps) => Some(bps / bits_on_wire(frame_bytes)),
            Self::Unlimited => None,
        }
    }
}

/// Bits that a frame of this length (without check sequence) occupies on the wire, its gap included.
pub fn bits_on_wire(frame_bytes: usize) -> f64 {
    ((frame_bytes.max(SHORTEST_FRAME) + WIRE_OVERHEAD) * 8) as f64
}

/// A choice of transmit engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineChoice {
    /// The best that the interface allows, saying which and why.
    #[default]
    Auto,
    /// `AF_XDP` sockets.
    AfXdp,
    /// Frames written and stamped by the kernel.
    LiveFrames,
    /// `AF_PACKET` sockets: works everywhere.
    Packet,
}

impl EngineChoice {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::Auto, Self::AfXdp, Self::LiveFrames, Self::Packet];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::AfXdp => "af-xdp",
            Self::LiveFrames => "live-frames",
            Self::Packet => "packet",
        }
    }
}

/// What is written down about the scan and changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Who runs it.
    pub operator: String,
    /// Free text.
    pub notes: String,
    /// How those who are probed can reach the operator.
    pub contact: String,
    /// The command line as given.
    pub command: String,
    /// The settings after all layers, as JSON.
    pub settings: String,
    /// The port expression; empty with a list of pairs.
    pub ports: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_rate_of_gigabit_ethernet() {
        // 1.488 Mpps is what every shortest-frame table says.
        let pps = RateLimit::Bits(1e9).pps(54).expect("limited");
        assert!((pps - 1_488_095.2).abs() < 0.1, "{pps}");
        assert_eq!(RateLimit::Packets(5.0).pps(1500), Some(5.0));
        assert_eq!(RateLimit::Unlimited.pps(60), None);
    }
}
