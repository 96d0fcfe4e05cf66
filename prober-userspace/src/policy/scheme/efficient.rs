//! The efficient scheme as published ([000], traffic reduction 1-3; [001] section 2.2; METHODS section 10). An estimated
//! device is probed on that device's ports, an address that answers on the ports that find most, a silent one on the few
//! that find most addresses; the interval grows while the answers stay the same; answers far from the last ones lead back
//! to the standard set.

use super::{Found, OpenPorts, Visit, likeness, standing_of};
use crate::policy::interval::Step;
use crate::policy::port_bits::PortBits;
use crate::policy::target_state::{Standing, TargetState};

/// Answers less alike than this are far from the last ones.
const FAR: f64 = 0.5;

/// The three port sets and the standard one.
#[derive(Debug, Default)]
pub struct PortSets {
    /// What the standard scheme probes; also for the first visit.
    pub standard: PortBits,
    /// For addresses that answer.
    pub answering: PortBits,
    /// For addresses that do not.
    pub silent: PortBits,
    /// By device number.
    pub devices: Vec<PortBits>,
}

/// The scheme.
#[derive(Debug)]
pub struct Efficient {
    sets: PortSets,
    open: OpenPorts,
}

impl Efficient {
    /// With these sets.
    pub fn new(sets: PortSets) -> Self {
        Self { sets, open: OpenPorts::default() }
    }

    pub(super) fn open_ports(&self, address: u32) -> &[u16] {
        self.open.of(address)
    }

    pub(super) fn reasons(&self, state: &TargetState) -> Vec<String> {
        let sets = &self.sets;
        let ports = match state.standing() {
            Standing::New if state.visited_s == TargetState::NEVER => {
                format!("never visited: the standard set, {} ports", sets.standard.len())
            }
            Standing::New => {
                format!(
                    "the last answers were far from those before: the standard set again, {} ports",
                    sets.standard.len()
                )
            }
            Standing::Silent | Standing::Gone => {
                format!("silent: the {} ports that find most addresses", sets.silent.len())
            }
            Standing::Honeypot => format!(
                "as many open ports as a honeypot has: set apart, only the {} ports that find most addresses",
                sets.silent.len()
            ),
            Standing::Answering => {
                format!(
                    "answers, its device is not known: the {} ports that find most open ports",
                    sets.answering.len()
                )
            }
            Standing::Device(device) => match sets.devices.get(usize::from(device)).filter(|set| !set.is_empty()) {
                Some(set) => format!("its device is known: that device's {} ports", set.len()),
                None => format!(
                    "its device is known, that device's ports are not yet: the {} ports that find most open ports",
                    sets.answering.len()
                ),
            },
        };
        let hours = state.step().interval_s() / 3_600;
        let interval = match (state.standing(), state.step().number()) {
            (Standing::New, _) => "at once, or as soon as the first visits' turn comes".to_owned(),
            (_, 0) => format!("it changed at its last visit, or was first seen then: again after {hours} hours"),
            (_, step) => format!("it stayed the same {step} times: again after {hours} hours"),
        };
        vec![ports, interval]
    }

    pub(super) fn restore(&mut self, address: u32, open_ports: &[u16]) {
        self.open.set(address, open_ports);
    }

    pub(super) fn teach_device(&mut self, device: u16, ports: &[u16]) {
        let index = usize::from(device);
        if index >= self.sets.devices.len() {
            self.sets.devices.resize_with(index + 1, PortBits::new);
        }
        self.sets.devices[index] = ports.iter().copied().collect();
    }

    pub(super) fn visit(&self, state: &TargetState) -> Visit<'_> {
        let sets = &self.sets;
        Visit::of(match state.standing() {
            Standing::New => return Visit::of_standard(&sets.standard),
            // A honeypot is set apart: enough to notice that it is one no longer.
            Standing::Silent | Standing::Gone | Standing::Honeypot => &sets.silent,
            Standing::Answering => &sets.answering,
            // A device whose ports are not known yet is as good as none.
            Standing::Device(device) => {
                sets.devices.get(usize::from(device)).filter(|set| !set.is_empty()).unwrap_or(&sets.answering)
            }
        })
    }

    pub(super) fn learn(&mut self, state: &mut TargetState, now_s: u32, found: Found<'_>) {
        let last = self.open.of(state.address);
        let visit = self.visit(state);
        // Only what this visit could see counts as changed.
        let expected: Vec<u16> = last.iter().copied().filter(|port| visit.holds(*port)).collect();
        let is_first = state.standing() == Standing::New;
        let is_same = expected == found.open;
        let is_far = !is_first && !is_same && likeness(&expected, found.open) < FAR;
        if state.standing() != Standing::Honeypot || found.open.is_empty() {
            let known = match state.standing() {
                Standing::Device(device) if is_same && found.device.is_none() => Some(device),
                _ => found.device,
            };
            state.set_standing(standing_of(Found { device: known, ..found }));
        }
        let standing = state.standing();
        let unseen = last.iter().copied().filter(|port| !visit.holds(*port) && !found.open.is_empty());
        let mut open: Vec<u16> = found.open.iter().copied().chain(unseen).collect();
        open.sort_unstable();
        self.open.set(state.address, &open);
        if is_far && standing != Standing::Honeypot {
            // The standard set again, at once.
            state.set_standing(Standing::New);
            state.set_step(Step::FIRST);
            state.due_s = now_s;
            return;
        }
        state.set_step(if is_first || !is_same { Step::FIRST } else { state.step().longer() });
        state.due_s = now_s + state.step().interval_s();
    }
}
