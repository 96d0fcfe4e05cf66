//! Whom to probe on which ports, and when again. A closed set of schemes with one interface: what a visit probes, and what
//! its answers lead to. Time, chance and the open ports come as arguments; when within the day a visit may go, and how
//! fast, is decided by slots and rates.

pub mod efficient;
pub mod outlook;
pub mod predictive;

use std::collections::HashMap;

use self::efficient::Efficient;
use self::predictive::Predictive;
use super::derive::HONEYPOT_PORTS;
use super::interval::Step;
use super::port_bits::PortBits;
use super::target_state::{Standing, TargetState};

/// What a visit probes: whole sets, which have no port in common, and single ports that are in none of them.
#[derive(Debug, Default)]
pub struct Visit<'a> {
    /// Sets.
    pub sets: Vec<&'a PortBits>,
    /// Further ports, in order.
    pub more: Vec<u16>,
    /// Whether it is the standard set.
    pub is_standard: bool,
}

impl<'a> Visit<'a> {
    /// Of one set.
    pub fn of(set: &'a PortBits) -> Self {
        Self { sets: vec![set], more: Vec::new(), is_standard: false }
    }

    /// How many probes it is.
    pub fn probes(&self) -> u64 {
        self.sets.iter().map(|set| u64::from(set.len())).sum::<u64>() + self.more.len() as u64
    }

    /// Whether it probes a port.
    pub fn holds(&self, port: u16) -> bool {
        self.sets.iter().any(|set| set.holds(port)) || self.more.binary_search(&port).is_ok()
    }

    /// Of the standard set.
    pub fn of_standard(set: &'a PortBits) -> Self {
        Self { is_standard: true, ..Self::of(set) }
    }

    /// Adds those of the ports that are not in it yet.
    pub fn add(&mut self, ports: impl IntoIterator<Item = u16>) {
        let new = ports.into_iter().filter(|port| !self.sets.iter().any(|set| set.holds(*port)));
        self.more.extend(new);
        self.more.sort_unstable();
        self.more.dedup();
    }
}

/// What a visit found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The open ports among those probed, in order.
    pub open: &'a [u16],
    /// The device, if it was estimated.
    pub device: Option<u16>,
}

impl Found<'_> {
    /// A hash of the open ports; 0 only for none (FNV-1a).
    pub fn fingerprint(&self) -> u32 {
        if self.open.is_empty() {
            return 0;
        }
        let hash = self
            .open
            .iter()
            .flat_map(|port| port.to_be_bytes())
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        hash.max(1)
    }
}

/// The schemes.
#[derive(Debug)]
pub enum Scheme {
    /// Every port of the standard set, every 12 hours.
    Standard(PortBits),
    /// The published one: three port sets and a ladder of intervals.
    Efficient(Efficient),
    /// Each port as often as it is expected to find something.
    Predictive(Box<Predictive>),
}

impl Scheme {
    /// What to probe at an address now.
    pub fn visit(&self, state: &TargetState, now_s: u32) -> Visit<'_> {
        match self {
            Self::Standard(set) => Visit::of_standard(set),
            Self::Efficient(efficient) => efficient.visit(state),
            Self::Predictive(predictive) => predictive.visit(state, now_s),
        }
    }

    /// Probes of a first visit, on average over all addresses; `state` is one that was never visited.
    pub fn first_probes(&self, state: &TargetState, now_s: u32) -> f64 {
        match self {
            Self::Predictive(predictive) => predictive.first_probes(state, now_s),
            _ => self.visit(state, now_s).probes() as f64,
        }
    }

    /// Takes note of what the visit that was due found, and sets when the next one is.
    pub fn learn(&mut self, state: &mut TargetState, now_s: u32, found: Found<'_>) {
        match self {
            Self::Standard(_) => {
                state.set_standing(standing_of(found));
                state.due_s = now_s + Step::FIRST.interval_s();
            }
            Self::Efficient(efficient) => efficient.learn(state, now_s, found),
            Self::Predictive(predictive) => predictive.learn(state, now_s, found),
        }
        state.fingerprint = found.fingerprint();
        state.visited_s = now_s;
    }
}

impl Scheme {
    /// The ports that are known to be open at an address, in order; the standard scheme keeps none.
    pub fn open_ports(&self, address: u32) -> &[u16] {
        match self {
            Self::Standard(_) => &[],
            Self::Efficient(efficient) => efficient.open_ports(address),
            Self::Predictive(predictive) => predictive.open_ports(address),
        }
    }

    /// Takes over what was known of an address before a restart.
    pub fn restore(&mut self, state: &TargetState, open_ports: &[u16]) {
        match self {
            Self::Standard(_) => {}
            Self::Efficient(efficient) => efficient.restore(state.address, open_ports),
            Self::Predictive(predictive) => predictive.restore(state, open_ports),
        }
    }

    /// Forgets what is known of an address whose state was this; what classes of many have learnt of it stays.
    pub fn forget(&mut self, state: &TargetState) {
        match self {
            Self::Standard(_) => {}
            Self::Efficient(efficient) => efficient.restore(state.address, &[]),
            Self::Predictive(predictive) => predictive.forget(state),
        }
    }

    /// Why an address is probed as it is, for people: one clause each.
    pub fn reasons(&self, state: &TargetState) -> Vec<String> {
        match self {
            Self::Standard(set) => vec![format!("the standard scheme: all {} ports every 12 hours", set.len())],
            Self::Efficient(efficient) => efficient.reasons(state),
            Self::Predictive(predictive) => predictive.reasons(state),
        }
    }

    /// A device's ports, as they are known now.
    pub fn teach_device(&mut self, device: u16, ports: &[u16]) {
        match self {
            Self::Standard(_) => {}
            Self::Efficient(efficient) => efficient.teach_device(device, ports),
            Self::Predictive(predictive) => predictive.teach_device(device, ports),
        }
    }

    /// What was learnt besides the states, as text; empty if nothing is.
    pub fn learnt(&self) -> String {
        match self {
            Self::Standard(_) | Self::Efficient(_) => String::new(),
            Self::Predictive(predictive) => predictive.learnt(),
        }
    }

    /// What was learnt of single networks besides the states: first address of each /24 to which more addresses came than
    /// answer there, and how many came. `None` if the scheme learns nothing of networks.
    pub fn newcomers(&self) -> Option<Vec<(u32, u16)>> {
        match self {
            Self::Standard(_) | Self::Efficient(_) => None,
            Self::Predictive(predictive) => Some(predictive.newcomers()),
        }
    }

    /// Takes over what was learnt of networks before a restart, when all addresses are restored.
    pub fn recall_newcomers(&mut self, newcomers: &[(u32, u16)]) {
        if let Self::Predictive(predictive) = self {
            predictive.recall_newcomers(newcomers);
        }
    }

    /// Takes over what was learnt before a restart; text of another scheme changes nothing.
    pub fn recall(&mut self, learnt: &str, now_s: u32) {
        if let Self::Predictive(predictive) = self {
            predictive.recall(learnt, now_s);
        }
    }
}

/// What the answers alone say.
fn standing_of(found: Found<'_>) -> Standing {
    match (found.open.len(), found.device) {
        (0, _) => Standing::Silent,
        (HONEYPOT_PORTS.., _) => Standing::Honeypot,
        (_, Some(device)) => Standing::Device(device),
        _ => Standing::Answering,
    }
}

/// The open ports of the addresses that answer, which are few.
#[derive(Debug, Default)]
pub(crate) struct OpenPorts(HashMap<u32, Box<[u16]>>);

impl OpenPorts {
    pub(crate) fn of(&self, address: u32) -> &[u16] {
        self.0.get(&address).map_or(&[], |ports| ports)
    }

    pub(crate) fn set(&mut self, address: u32, ports: &[u16]) {
        if ports.is_empty() {
            self.0.remove(&address);
        } else {
            self.0.insert(address, ports.into());
        }
    }
}

/// How alike two sorted lists of ports are, 0 to 1 (Jaccard).
pub(crate) fn likeness(one: &[u16], other: &[u16]) -> f64 {
    let common = one.iter().filter(|port| other.binary_search(port).is_ok()).count();
    let all = one.len() + other.len() - common;
    if all == 0 { 1.0 } else { common as f64 / all as f64 }
}
