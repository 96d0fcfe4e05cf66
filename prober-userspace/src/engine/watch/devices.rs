//! The devices of a watch: what the banners of an address say it is, and the number by which states name a device.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use prober_common::address::V4;
use prober_common::event::ProbeKind;

use crate::device::aggregate::Aggregator;
use crate::device::database::Database;
use crate::device::matcher::Matcher;
use crate::device::score::{ScoreSettings, Scorer};
use crate::engine::estimation::{estimate, match_groups};
use crate::model::device::AddressEstimates;
use crate::policy::derive::HONEYPOT_PORTS;
use crate::policy::target_state::TargetState;
use crate::target::ports::ProbePort;

/// Ports that are kept of a device, at most.
const PORTS: usize = 64;
/// Ports of devices that were seen at one address, at most.
const ONCE: usize = 1 << 18;

/// An address with its banners.
#[derive(Clone)]
pub(super) struct Said {
    pub(super) address: V4,
    pub(super) open: Vec<u16>,
    pub(super) texts: Vec<Vec<u8>>,
}

/// Estimates by address.
pub(super) type Estimated = BTreeMap<V4, AddressEstimates>;

/// The devices by number.
pub(super) struct Devices {
    signatures: Arc<Database>,
    matcher: Matcher,
    named: Vec<(String, Vec<u16>)>,
    numbers: HashMap<String, u16>,
    /// Ports that one address of a device opens, and which: a second one makes it the device's.
    once: HashMap<(u16, u16), V4>,
    is_changed: bool,
}

impl Devices {
    /// Those of before.
    pub(super) fn new(signatures: Arc<Database>, named: Vec<(String, Vec<u16>)>) -> Self {
        let numbers = (0..).zip(&named).map(|(number, (name, _))| (name.clone(), number)).collect();
        Self { matcher: Matcher::new(&signatures), signatures, named, numbers, once: HashMap::new(), is_changed: false }
    }

    /// The signatures in use.
    pub(super) fn signatures(&self) -> &Database {
        &self.signatures
    }

    /// Tells devices by others from now on. Those that are named stay so, until something new is heard of them.
    pub(super) fn tell_by(&mut self, signatures: Arc<Database>) {
        self.matcher = Matcher::new(&signatures);
        self.signatures = signatures;
    }

    /// Name and ports of each, by number.
    pub(super) fn named(&self) -> &[(String, Vec<u16>)] {
        &self.named
    }

    /// Whether there is something new to be kept; asked once.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// The estimates of these addresses, of those that there are.
    pub(super) fn estimate(&self, said: &[Said]) -> Estimated {
        let mut banners = Aggregator::default();
        let mut open_ports: HashMap<V4, Vec<ProbePort>> = HashMap::new();
        for Said { address, open, texts } in said {
            let ports = open.iter().map(|port| ProbePort { kind: ProbeKind::TcpSyn, port: *port });
            open_ports.insert(*address, ports.collect());
            for text in texts {
                banners.add(*address, text);
            }
        }
        let aggregated = banners.finish();
        let one = std::num::NonZero::<usize>::MIN;
        let hits = match_groups(&self.matcher, &aggregated, one);
        let scorer = Scorer::new(&self.signatures, ScoreSettings::default());
        let estimates = estimate(&scorer, &aggregated, &hits, &open_ports, one);
        estimates.into_iter().map(|estimates| (estimates.address, estimates)).collect()
    }

    /// The number of the likeliest device of an address with these open ports; `otherwise` if there is no estimate of it.
    pub(super) fn number_among(
        &mut self,
        estimated: &Estimated,
        address: V4,
        open: &[u16],
        otherwise: Option<u16>,
    ) -> Option<u16> {
        estimated.get(&address).map_or(otherwise, |estimates| self.number_of(estimates, open))
    }

    /// The number of the likeliest device of an address, whose open ports are the device's from now on, besides those of its
    /// signature, as soon as another address of the device opens them as well. `None` if there are more devices than states can name.
    fn number_of(&mut self, estimates: &AddressEstimates, open: &[u16]) -> Option<u16> {
        let best = estimates.estimates.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
        let name = self.signatures.device(best.device).title();
        let number = if let Some(number) = self.numbers.get(&name) {
            *number
        } else {
            let number = u16::try_from(self.named.len()).ok().filter(|number| *number < TargetState::DEVICES_MAX)?;
            self.numbers.insert(name.clone(), number);
            let signature = &self.signatures.device(best.device).ports;
            let mut ports: Vec<u16> = signature
                .iter()
                .filter(|port| port.kind == ProbeKind::TcpSyn)
                .map(|port| port.port)
                .take(PORTS)
                .collect();
            ports.sort_unstable();
            ports.dedup();
            self.named.push((name, ports));
            self.is_changed = true;
            number
        };
        // A honeypot with the device's banner opens what the device does not.
        if open.len() >= HONEYPOT_PORTS {
            return Some(number);
        }
        let ports = &mut self.named[usize::from(number)].1;
        for port in open {
            let Err(place) = ports.binary_search(port) else { continue };
            if ports.len() >= PORTS {
                break;
            }
            // An owner may open anything at one address.
            let first = self.once.get(&(number, *port)).copied();
            if first.is_none() && self.once.len() < ONCE {
                self.once.insert((number, *port), estimates.address);
            }
            if first.is_some_and(|first| first != estimates.address) {
                self.once.remove(&(number, *port));
                ports.insert(place, *port);
                self.is_changed = true;
            }
        }
        Some(number)
    }
}
