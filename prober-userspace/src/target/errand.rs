//! An errand: one address to be probed on some ports, not before a time. What a daemon or a study hands to a running engine
//! instead of a plan.

use std::sync::Arc;

use prober_common::address::V4;
use prober_common::event::ProbeKind;
use prober_common::slot::ProbeSlot;

use super::ports::ProbePort;

/// What is probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probes {
    /// One probe.
    One(ProbePort),
    /// A TCP SYN to each of these ports, in this order.
    Tcp(Arc<[u16]>),
}

impl Probes {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Tcp(ports) => ports.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One address and what to probe there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Whom to probe.
    pub address: V4,
    /// On which ports.
    pub probes: Probes,
    /// Not before this time, monotonic ns.
    pub not_before_ns: u64,
    /// Least time between two of its probes, ns.
    pub spacing_ns: u64,
    /// The group whose rate it counts against; [`NO_GROUP`](super::errand_queue::NO_GROUP) for none.
    pub group: u32,
    /// Names it when it is done.
    pub tag: u64,
}

impl Errand {
    /// The probe of this index, without a template.
    #[inline]
    pub(super) fn slot(&self, index: usize) -> Option<ProbeSlot> {
        let port = match &self.probes {
            Probes::One(port) => (index == 0).then_some(*port)?,
            Probes::Tcp(ports) => ProbePort { kind: ProbeKind::TcpSyn, port: *ports.get(index)? },
        };
        Some(ProbeSlot { address: self.address, port: port.port, probe: port.kind as u8, template: 0 })
    }
}

/// An errand that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrandDone {
    /// Which.
    pub tag: u64,
    /// Probes handed to the wire; fewer than asked for if the address was excluded meanwhile.
    pub probes: u32,
    /// When the last one was sent, monotonic ns.
    pub sent_ns: u64,
    /// Whether it ended because the address is excluded.
    pub is_excluded: bool,
}
