//! The predictive scheme: each port of each class of addresses as often as it is expected to find something new. A port
//! that finds h new open ports a day and is probed every t days lets each of them wait t/2 days on average and costs 1/t
//! probes a day; with a price of p waiting port-days for a probe the cost p/t + h t/2 is least at t = sqrt(2 p / h). One
//! price for all makes the last probe of every class equally worth while; it follows from the budget. The rates h are
//! learnt from what visits find (`learner`), so addresses among which hosts come and go faster are visited more often.
//!
//! What answers for the first time, or answers far from the last time, is probed on the standard set at once: few do. Ports
//! known to be open are always looked at again, and so are the ports of the device that an address was found to be: a
//! device that shows some of its ports is likely to open the others.

mod learner;
#[cfg(test)]
mod tests;
mod tiers;

use super::{Found, OpenPorts, Visit, likeness};
use crate::policy::derive::{Gain, HONEYPOT_PORTS};
use crate::policy::port_bits::PortBits;
use crate::policy::sample::Sample;
use crate::policy::target_state::{Standing, TargetState};
use crate::target::ports::ProbePort;
use crate::target::splitmix;
use learner::Learner;
use prober_common::event::ProbeKind;
use tiers::Tiers;

/// Answers less alike than this are another host's.
const FAR: f64 = 0.5;
/// The classes are priced anew this often.
const REPRICE_S: u32 = 12 * 3_600;
/// How long the ports of an address that went silent are remembered; also the time between two thorough visits to those of
/// the sample that get more than one.
const KEEP_S: u32 = 28 * 86_400;
const KEEP_DAYS: f64 = 28.0;
/// Shortest time between two visits, except after an answer that needs the standard set: that of the shortest tier.
const VISIT_S: u32 = 41_040;
/// Ports of a honeypot that are looked at: so many that not all answers are lost.
const HONEYPOT_LOOKS: usize = 3;
/// Of the budget, what the tiers have at least, however much answers lead to besides.
const TIERS_LEAST: f64 = 0.5;

/// Settings.
#[derive(Clone, Debug)]
pub struct PredictiveConfig {
    /// Probes a day for each address, on average.
    pub probes_per_day: f64,
    /// Part of them that goes to any port at all, so that the unexpected is found, 0 to 1.
    pub exploration: f64,
    /// What answers before anything is known, 0 to 1.
    pub answering: f64,
    /// The share of the addresses whose first visit probes the standard set, 0 to 1 (`policy::sample`).
    pub sampled: f64,
}

/// What is stored before the watch begins.
#[derive(Clone, Debug, Default)]
pub struct Experience {
    /// The standard set.
    pub standard: PortBits,
    /// The order of ports that finds addresses soonest.
    pub finding: Vec<Gain>,
    /// How open ports fall on the ports.
    pub opening: Vec<Gain>,
}

/// The scheme.
#[derive(Debug)]
pub struct Predictive {
    config: PredictiveConfig,
    standard: PortBits,
    sample: Sample,
    learner: Learner,
    /// By class.
    tiers: Vec<Tiers>,
    open: OpenPorts,
    /// The ports of each device by its number.
    devices: Vec<Box<[u16]>>,
    priced_s: u32,
    price: f64,
}

impl Predictive {
    /// With what is stored so far.
    pub fn new(config: PredictiveConfig, experience: Experience) -> Self {
        let Experience { standard, finding, opening } = experience;
        let learner = Learner::new(finding, opening, config.answering);
        let mut scheme = Self {
            sample: sample_of(&config, &standard),
            config,
            standard,
            learner,
            tiers: Vec::new(),
            open: OpenPorts::default(),
            devices: Vec::new(),
            priced_s: 0,
            price: 0.0,
        };
        scheme.reprice(0);
        scheme
    }

    /// Goes on with other ports; what was learnt of addresses, classes and devices stays.
    pub(in crate::policy) fn renew(&mut self, config: PredictiveConfig, experience: Experience, now_s: u32) {
        let Experience { standard, finding, opening } = experience;
        self.sample = sample_of(&config, &standard);
        self.config = config;
        self.standard = standard;
        self.learner.renew(finding, opening);
        self.reprice(now_s);
    }

    /// What a probe must be expected to save, in port-days of waiting.
    pub const fn price(&self) -> f64 {
        self.price
    }

    pub(super) fn open_ports(&self, address: u32) -> &[u16] {
        self.open.of(address)
    }

    pub(super) fn teach_device(&mut self, device: u16, ports: &[u16]) {
        let index = usize::from(device);
        if index >= self.devices.len() {
            self.devices.resize_with(index + 1, Box::default);
        }
        self.devices[index] = ports.into();
    }

    /// What the device of an address is known to open, at this address or another.
    fn device_ports(&self, state: &TargetState) -> &[u16] {
        match state.standing() {
            Standing::Device(device) => self.devices.get(usize::from(device)).map_or(&[], |ports| ports),
            _ => &[],
        }
    }

    pub(super) fn reasons(&self, state: &TargetState) -> Vec<String> {
        let class = self.learner.class_of(state);
        let known = self.open.of(state.address).len();
        let mut reasons = Vec::new();
        if is_second(state) {
            let ports = self.standard.len();
            reasons.push(format!(
                "it answers for the first time, or otherwise than before: the standard set, {ports} ports"
            ));
            return reasons;
        }
        if state.visited_s == TargetState::NEVER && self.sample.holds(state.address) {
            let ports = self.standard.len();
            reasons.push(format!("never visited, and of the sample drawn by chance: the standard set, {ports} ports"));
            return reasons;
        }
        if state.standing() == Standing::Honeypot {
            reasons.push(
                "as many open ports as a honeypot has: set apart, few of them are looked at, and every 28 days all ports of \
                 the standard set"
                    .to_owned(),
            );
            return reasons;
        }
        reasons.push(self.learner.describe(class, state));
        reasons.push(format!(
            "a probe has to save {:.3} port-days of waiting, so that all probes together meet {:.1} a day for each address, {:.1} \
             of them to what answers",
            self.price,
            self.config.probes_per_day,
            self.learner.unplanned_per_day()
        ));
        reasons.push(format!("ports of its class by interval: {}", self.tiers[class].describe()));
        if known > 0 {
            reasons.push(format!("{known} ports known to be open are looked at again at each visit"));
        }
        let of_device = self.device_ports(state).len();
        if of_device > 0 {
            reasons.push(format!("so are the {of_device} ports that its device opens at this address or at others"));
        }
        if self.sample.holds_again(state.address) {
            reasons.push(
                "it is of the sample: every 28 days all ports of the standard set, whatever was found".to_owned(),
            );
        }
        let part = 100.0 * self.config.exploration;
        reasons.push(format!("{part:.0} % of the probes go to any port at all, to find the unexpected"));
        reasons
    }

    pub(super) fn restore(&mut self, state: &TargetState, open_ports: &[u16]) {
        self.open.set(state.address, open_ports);
        self.learner.note(state.address, false, answers(state), true);
    }

    pub(super) fn forget(&mut self, state: &TargetState) {
        self.open.set(state.address, &[]);
        self.learner.forget(state.address, answers(state));
    }

    pub(super) fn learnt(&self) -> String {
        self.learner.to_text()
    }

    pub(super) fn newcomers(&self) -> Vec<(u32, u16)> {
        self.learner.newcomers()
    }

    pub(super) fn recall_newcomers(&mut self, newcomers: &[(u32, u16)]) {
        self.learner.recall_newcomers(newcomers);
    }

    pub(super) fn recall(&mut self, learnt: &str, now_s: u32) {
        self.learner.recall(learnt, now_s);
        // What was stored is of now.
        self.priced_s = now_s;
        self.reprice(now_s);
    }

    pub(super) fn visit(&self, state: &TargetState, now_s: u32) -> Visit<'_> {
        if is_second(state) {
            return Visit::of_standard(&self.standard);
        }
        if self.is_sampled_turn(state, now_s) {
            let mut visit = Visit::of_standard(&self.standard);
            visit.add(self.open.of(state.address).iter().copied());
            return visit;
        }
        if state.standing() == Standing::Honeypot {
            let mut visit = Visit::default();
            visit.add(self.open.of(state.address).iter().copied());
            return visit;
        }
        let mut visit = Visit { sets: self.tiers_due(state, now_s), ..Visit::default() };
        visit.add(self.open.of(state.address).iter().copied());
        visit.add(self.device_ports(state).iter().copied());
        visit.add(self.explored(state, now_s));
        visit
    }

    pub(super) fn learn(&mut self, state: &mut TargetState, now_s: u32, found: Found<'_>) {
        let is_first = state.visited_s == TargetState::NEVER;
        let before = state.standing();
        let is_standard = is_second(state) || self.is_sampled_turn(state, now_s);
        self.learner.spend(self.unplanned(state, now_s), is_first);
        let known = self.open.of(state.address).to_vec();
        // A host that is open everywhere says nothing of its class.
        let is_pot = before == Standing::Honeypot || found.open.len() >= HONEYPOT_PORTS;
        if !is_standard && !is_pot {
            let new_ports = found.open.iter().filter(|port| known.binary_search(port).is_err()).count();
            // No more than the longest interval, also after a clock that was wrong.
            let waited_s = if is_first { VISIT_S } else { (now_s - state.visited_s).min(KEEP_S) };
            self.learner.count(self.learner.class_of(state), waited_s, new_ports);
        }
        let is_new = known.is_empty() || likeness(&known, found.open) < FAR;
        let answered = answers(state);
        let is_other = !is_standard && !found.open.is_empty() && likeness(&known, found.open) < FAR;
        state.set_standing(match (found.open.len(), found.device) {
            (HONEYPOT_PORTS.., _) => Standing::Honeypot,
            // Few of its ports were probed: only the standard set, now and then, tells that it is one no longer.
            (1.., _) if before == Standing::Honeypot && !is_turn(state, now_s) => Standing::Honeypot,
            (1.., _) if is_other || before == Standing::Honeypot => Standing::New,
            (1.., Some(device)) => Standing::Device(device),
            (1.., None) => Standing::Answering,
            (0, _) if known.is_empty() || before == Standing::Gone && is_turn(state, now_s) => Standing::Silent,
            (0, _) => Standing::Gone,
        });
        match state.standing() {
            // Nor is it a neighbour: who is open everywhere says nothing of others.
            Standing::Honeypot => self.learner.forget(state.address, answered),
            _ => self.learner.note(state.address, answered, !found.open.is_empty(), is_new),
        }
        match state.standing() {
            Standing::Silent => self.open.set(state.address, &[]),
            Standing::Honeypot if before != Standing::Honeypot => {
                self.open.set(state.address, &found.open[..found.open.len().min(HONEYPOT_LOOKS)]);
            }
            Standing::Gone | Standing::Honeypot => {}
            Standing::New => self.open.set(state.address, found.open),
            Standing::Answering | Standing::Device(_) => {
                // A port that closed may open again: it stays on the list while the host does.
                let mut open = [found.open, &known].concat();
                open.sort_unstable();
                open.dedup();
                self.open.set(state.address, &open);
            }
        }
        let wait_s = self.tiers[self.learner.class_of(state)].interval_s().clamp(VISIT_S, KEEP_S / 2);
        state.due_s = if state.standing() == Standing::New { now_s } else { now_s + wait_s };
        if now_s >= self.priced_s + REPRICE_S {
            self.reprice(now_s);
        }
    }

    /// Whether an address is visited thoroughly because it is in the sample.
    fn is_sampled_turn(&self, state: &TargetState, now_s: u32) -> bool {
        match state.standing() {
            Standing::Honeypot => false,
            _ if state.visited_s == TargetState::NEVER => self.sample.holds(state.address),
            _ => is_turn(state, now_s) && self.sample.holds_again(state.address),
        }
    }

    /// Of a visit now, the probes that neither the tiers nor the sample nor exploration have planned.
    fn unplanned(&self, state: &TargetState, now_s: u32) -> u64 {
        if is_second(state) {
            return u64::from(self.standard.len());
        }
        let (open, of_device) = (self.open.of(state.address), self.device_ports(state));
        if open.is_empty() && of_device.is_empty() || self.is_sampled_turn(state, now_s) {
            return 0;
        }
        let mut visit = Visit { sets: self.tiers_due(state, now_s), ..Visit::default() };
        visit.add(open.iter().chain(of_device).copied());
        visit.more.len() as u64
    }

    fn tiers_due(&self, state: &TargetState, now_s: u32) -> Vec<&PortBits> {
        let since_s = (state.visited_s != TargetState::NEVER).then_some(state.visited_s);
        self.tiers[self.learner.class_of(state)].due(state.address, since_s, now_s)
    }

    /// Probes of a first visit, on average over all addresses.
    pub(super) fn first_probes(&self, state: &TargetState, now_s: u32) -> f64 {
        let class = self.learner.class_of(state);
        let lean: u32 = self.tiers[class].due(state.address, None, now_s).iter().map(|set| set.len()).sum();
        let sampled = self.sample.size();
        sampled * f64::from(self.standard.len()) + (1.0 - sampled) * f64::from(lean)
    }

    /// Ports out of turn, whatever the classes say: anywhere, but never a printer's.
    fn explored(&self, state: &TargetState, now_s: u32) -> impl Iterator<Item = u16> + use<> {
        let since_s =
            if state.visited_s == TargetState::NEVER { now_s.saturating_sub(VISIT_S) } else { state.visited_s };
        // After a clock that was wrong, or a long standstill, no more than the longest interval asks for.
        let days = f64::from(now_s.saturating_sub(since_s).min(KEEP_S)) / 86_400.0;
        let seed = splitmix::mix(u64::from(state.address) << 32 | u64::from(now_s));
        let wanted = self.config.exploration * self.config.probes_per_day * days;
        // The fraction of a probe is one of that chance.
        let chance = splitmix::unit(splitmix::nth(seed, 0));
        let ports = (1..=(wanted + chance) as u64).map(move |index| splitmix::nth(seed, index) as u16);
        ports.filter(|port| *port > 0 && !ProbePort { kind: ProbeKind::TcpSyn, port: *port }.is_printer())
    }

    /// The price at which the expected probes meet the budget, and with it the intervals of all classes.
    fn reprice(&mut self, now_s: u32) {
        self.learner.age(self.priced_s, now_s);
        let hazards = self.learner.hazards();
        let again = self.sample.size_again() * f64::from(self.standard.len()) / KEEP_DAYS;
        let whole = (1.0 - self.config.exploration) * self.config.probes_per_day - again;
        let budget = (whole - self.learner.unplanned_per_day()).max(whole * TIERS_LEAST);
        let (mut low, mut high) = (1e-9_f64, 1e3_f64);
        // 12 decades to one part in a thousand.
        for _ in 0..16 {
            let price = (low * high).sqrt();
            let probes: f64 = hazards.iter().map(|class| class.part * class.probes_per_day(price)).sum();
            if probes > budget { low = price } else { high = price }
        }
        self.price = high;
        self.tiers = hazards.iter().map(|class| Tiers::new(class, high)).collect();
        self.priced_s = now_s;
    }
}

fn sample_of(config: &PredictiveConfig, standard: &PortBits) -> Sample {
    Sample::new(config.sampled, config.probes_per_day, f64::from(standard.len()), KEEP_DAYS)
}

/// Whether an address answered at its last visit, as hosts do.
fn answers(state: &TargetState) -> bool {
    is_second(state) || matches!(state.standing(), Standing::Answering | Standing::Device(_))
}

/// Whether an address answered for the first time, or as another host would, and the standard set is to follow.
fn is_second(state: &TargetState) -> bool {
    state.standing() == Standing::New && state.visited_s != TargetState::NEVER
}

/// Whether an address's turn has come since its last visit: once in `KEEP_S`, each at its own time.
fn is_turn(state: &TargetState, now_s: u32) -> bool {
    let phase = (splitmix::mix(u64::from(state.address)) % u64::from(KEEP_S)) as u32;
    let turn = |at_s: u32| (u64::from(at_s) + u64::from(phase)) / u64::from(KEEP_S);
    turn(state.visited_s) != turn(now_s)
}
