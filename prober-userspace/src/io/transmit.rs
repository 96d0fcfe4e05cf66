//! Transmit engines: three ways to put planned probes on the wire, behind one small trait. Which probe is due when is
//! decided elsewhere; an engine stamps each probe as late as it can and says how many it sent.

pub mod af_xdp;
pub mod live_frames;
pub mod packet;
mod writer;

use prober_common::cookie::Key;
use prober_common::slot::ProbeSlot;
use prober_common::template::Template;
use serde::{Deserialize, Serialize};

pub use writer::ProbeWriter;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// AF_XDP sockets; without copying where the driver can.
    AfXdp,
    /// The kernel writes, stamps and sends; fastest where the driver cannot do AF_XDP without copying.
    LiveFrames,
    /// AF_PACKET sockets: works everywhere.
    Packet,
}

impl EngineKind {
    /// Every engine.
    pub const ALL: [Self; 3] = [Self::AfXdp, Self::LiveFrames, Self::Packet];

    /// The name on the command line and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AfXdp => "af-xdp",
            Self::LiveFrames => "live-frames",
            Self::Packet => "packet",
        }
    }
}

/// What every engine needs.
#[derive(Clone, Debug)]
pub struct TransmitConfig {
    /// Interface to send on.
    pub ifindex: u32,
    /// Its name, for messages.
    pub interface: String,
    /// Transmit queue, for engines that bind to one.
    pub queue: u32,
    /// How many engines share the scan's rate.
    pub senders: u32,
    /// The scan's secret.
    pub key: Key,
    /// Frame templates, indexed by [`ProbeSlot::template`]; not empty.
    pub templates: Vec<Template>,
}

/// Why an engine does not start or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TransmitError {
    /// A system call failed for good.
    #[error("{engine}: cannot {operation} on {interface}: {cause}")]
    System {
        /// Name of the engine.
        engine: &'static str,
        /// What was tried.
        operation: &'static str,
        /// On which interface.
        interface: String,
        /// What the kernel said.
        cause: std::io::Error,
    },
    /// The device takes no frames for too long.
    #[error("{engine}: {interface} has not taken a frame for {seconds} s; is the link up?")]
    Stuck {
        /// Name of the engine.
        engine: &'static str,
        /// On which interface.
        interface: String,
        /// For how long.
        seconds: u64,
    },
}

/// Frames handed to the kernel at once and so in flight at most: what is queued behind the stamp is error in the RTT.
pub const BATCH_MAX: usize = 64;

/// How probes follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cadence {
    /// At once, and `send` returns when all have left: the caller keeps the rate.
    AtOnce,
    /// As fast as they go, batch after batch.
    Continuous,
    /// So far apart, batch after batch.
    Spaced {
        /// From one probe to the next, ns.
        interval_ns: f64,
    },
}

/// An engine. One per sending thread.
pub trait Transmit: Send {
    /// Sends the probes in order. With a cadence of its own an engine may return while some still wait; see
    /// [`unsent`](Self::unsent). A few system calls per call.
    fn send(&mut self, probes: &[ProbeSlot], cadence: Cadence) -> Result<(), TransmitError>;

    /// The most probes that one call should get at a rate (probes per second). More than [`BATCH_MAX`]: the engine
    /// spaces them itself.
    fn batch(&self, rate_pps: f64) -> usize {
        let _ = rate_pps;
        BATCH_MAX
    }

    /// Probes of earlier calls that have not left yet. They leave in order.
    fn unsent(&self) -> usize {
        0
    }

    /// Waits until all have left.
    fn flush(&mut self) -> Result<(), TransmitError> {
        Ok(())
    }

    /// Drops what has not left, after a failure that may pass; the next `send` begins anew.
    fn give_up(&mut self) {}

    /// Which engine this is and how it runs, for people.
    fn describe(&self) -> String;
}
