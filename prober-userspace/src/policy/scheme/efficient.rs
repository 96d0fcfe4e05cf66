//! The efficient scheme as published ([000], traffic reduction 1-3; [001] section 2.2; METHODS section 10). An estimated
//! device is probed on that device's ports, an address that answers on the ports that find most, a silent one on the few
//! that find most addresses; the interval grows while the answers stay the same; answers far from the last ones lead back
//! to the standard set.

use super::{Found, OpenPorts, Visit, likeness, standing_of};
use crate::policy::derive::HONEYPOT_PORTS;
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
    /// For addresses that answer: what finds most there, and the ports of all devices.
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
        for port in ports {
            self.sets.answering.insert(*port);
        }
    }

    /// Goes on with other sets; those of devices stay.
    pub(in crate::policy) fn renew(&mut self, sets: PortSets) {
        let devices = std::mem::take(&mut self.sets.devices);
        self.sets = PortSets { devices, ..sets };
        for port in self.sets.devices.iter().flat_map(PortBits::iter) {
            self.sets.answering.insert(port);
        }
    }

    pub(super) fn visit(&self, state: &TargetState) -> Visit<'_> {
        let sets = &self.sets;
        Visit::of(match state.standing() {
            Standing::New => return Visit::of_standard(&sets.standard),
            // A honeypot is set apart: enough to notice that it is one no longer.
            Standing::Silent | Standing::Gone | Standing::Honeypot => &sets.silent,
            Standing::Answering => &sets.answering,
            Standing::Device(device) => {
                match sets.devices.get(usize::from(device)).filter(|set| !set.is_empty()) {
                    Some(set) => {
                        // An owner may have moved a service: a visit that cannot see it would take the host for gone.
                        let mut visit = Visit::of(set);
                        visit.add(self.open.of(state.address).iter().copied());
                        return visit;
                    }
                    // A device whose ports are not known yet is as good as none.
                    None => &sets.answering,
                }
            }
        })
    }

    pub(super) fn learn(&mut self, state: &mut TargetState, now_s: u32, found: Found<'_>) {
        if state.standing() == Standing::Honeypot && !found.open.is_empty() {
            return self.learn_of_honeypot(state, now_s, found);
        }
        let last = self.open.of(state.address);
        let visit = self.visit(state);
        // Only what this visit could see counts as changed.
        let expected: Vec<u16> = last.iter().copied().filter(|port| visit.holds(*port)).collect();
        let is_first = state.standing() == Standing::New;
        let is_same = expected == found.open;
        let is_far = !is_first && !is_same && likeness(&expected, found.open) < FAR;
        let known = match state.standing() {
            Standing::Device(device) if is_same && found.device.is_none() => Some(device),
            _ => found.device,
        };
        state.set_standing(standing_of(Found { device: known, ..found }));
        let standing = state.standing();
        let open = if standing == Standing::Honeypot {
            self.of_honeypot(found.open)
        } else {
            let unseen = last.iter().copied().filter(|port| !visit.holds(*port) && !found.open.is_empty());
            let mut open: Vec<u16> = found.open.iter().copied().chain(unseen).collect();
            open.sort_unstable();
            open
        };
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

    /// A honeypot stays one, and is looked at ever more seldom; at the end of the ladder the standard set tells what is there
    /// now.
    fn learn_of_honeypot(&mut self, state: &mut TargetState, now_s: u32, found: Found<'_>) {
        let open = self.of_honeypot(found.open);
        self.open.set(state.address, &open);
        if state.step() == state.step().longer() {
            state.set_standing(Standing::New);
            state.set_step(Step::FIRST);
            state.due_s = now_s;
            return;
        }
        state.set_step(state.step().longer());
        state.due_s = now_s + state.step().interval_s();
    }

    /// What is kept of a honeypot's ports: few of those that later visits can see.
    fn of_honeypot(&self, open: &[u16]) -> Vec<u16> {
        open.iter().copied().filter(|port| self.sets.silent.holds(*port)).take(HONEYPOT_PORTS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme() -> Efficient {
        Efficient::new(PortSets {
            standard: (1..=400).collect(),
            answering: (1..=100).collect(),
            silent: (1..=60).collect(),
            devices: vec![[80, 554].into_iter().collect()],
        })
    }

    fn found(open: &[u16]) -> Found<'_> {
        Found { open, device: None }
    }

    #[test]
    fn a_honeypot_is_set_apart_and_comes_back_at_the_end_of_the_ladder() {
        let mut scheme = scheme();
        let mut state = TargetState::new(7, 0);
        let many: Vec<u16> = (1..=300).collect();
        scheme.learn(&mut state, 0, found(&many));
        assert_eq!(state.standing(), Standing::Honeypot);
        assert!(scheme.open_ports(7).len() <= HONEYPOT_PORTS, "not all of them are kept");
        let mut visits = 0;
        while state.standing() == Standing::Honeypot {
            // An ordinary host by now.
            let now_s = state.due_s;
            scheme.learn(&mut state, now_s, found(&[22]));
            visits += 1;
            assert!(visits < 20);
        }
        assert_eq!(state.standing(), Standing::New);
        let now_s = state.due_s;
        scheme.learn(&mut state, now_s, found(&[22, 80]));
        assert_eq!((state.standing(), scheme.open_ports(7)), (Standing::Answering, &[22, 80][..]));
    }

    #[test]
    fn a_device_with_a_service_elsewhere_is_not_taken_for_gone() {
        let mut scheme = scheme();
        let mut state = TargetState::new(7, 0);
        scheme.learn(&mut state, 0, Found { open: &[300], device: Some(0) });
        assert_eq!(state.standing(), Standing::Device(0));
        let visit = scheme.visit(&state);
        assert!(visit.holds(300) && visit.holds(554));
    }
}
