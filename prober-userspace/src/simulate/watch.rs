//! A scheme watches a country: every visit that the planner makes due is answered out of the country's truth, and what the
//! scheme found is compared with what the standard scheme would have found. The schemes and the queue are the daemon's own.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::country::{Country, Place, Span};
use crate::model::watch::SchemeConfig;
use crate::policy::due::DueQueue;
use crate::policy::interval::LADDER_S;
use crate::policy::port_bits::PortBits;
use crate::policy::scheme::{Found, Scheme};
use crate::policy::starter::Known;
use crate::policy::target_state::{Standing, TargetState};
use crate::target::splitmix;

/// First address of the country: one of the blocks for documentation and tests, so that a slip probes nobody.
pub const FIRST_ADDRESS: u32 = 0xc612_0000;
const DAY_S: u32 = 86_400;
/// Time between two looks at the queue, in seconds.
const TICK_S: u32 = 600;

/// What the standard scheme finds, exactly.
#[derive(Debug)]
pub struct Standard {
    /// Each address and port with the second at which it was first seen.
    pub pairs: HashMap<(u32, u16), u32>,
    /// Openings after the beginning that it saw.
    pub openings: Vec<Opening>,
    /// Its probes.
    pub probes: u64,
}

/// A port that begins to be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Of which address, by number.
    pub address: u32,
    /// Which.
    pub port: u16,
    /// From this second on.
    pub from_s: u32,
    /// Until this second, not included.
    pub to_s: u32,
    /// How it came about.
    pub kind: OpeningKind,
}

/// How a port came to be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningKind {
    /// Its host is new at the address.
    Host,
    /// Its host was there before, without it.
    Service,
    /// Its host was off, and is on again.
    Return,
}

/// How a scheme did. Stable field names.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Probes sent.
    pub probes: u64,
    /// Of the standard scheme's probes, 0 to 1.
    pub traffic_ratio: f64,
    /// How many times fewer probes.
    pub traffic_reduction: f64,
    /// Of the (address, port) pairs that the standard scheme detects, 0 to 1.
    pub ports_detected: f64,
    /// Of the addresses that the standard scheme detects, 0 to 1.
    pub addresses_detected: f64,
    /// Of addresses that show their device, those estimated in the end, 0 to 1.
    pub devices_estimated: f64,
    /// Hours until a newly opened port is noticed, median over all that the standard scheme notices; `None` if most are
    /// never noticed, or there are none. Ports that come back with their host are no newly opened ones.
    pub opened_port_delay_hours: Option<f64>,
    /// Of these, those of services at a host that was there before.
    pub new_service_delay_hours: Option<f64>,
    /// Until the first port of a new host is noticed.
    pub new_address_delay_hours: Option<f64>,
    /// Until a port that comes back with its host is noticed.
    pub returned_port_delay_hours: Option<f64>,
    /// Day by day.
    pub days: Vec<WatchDay>,
}

/// A day of a watch. Stable field names.
#[derive(Clone, Debug, Serialize)]
pub struct WatchDay {
    /// Probes sent on it, of a day's of the standard scheme, 0 to 1.
    pub traffic_ratio: f64,
    /// Of the pairs that the standard scheme has detected by its end, those that this one has, 0 to 1.
    pub ports_detected: f64,
}

/// Visit times of the standard scheme: every 12 hours, each address at its own time.
fn phase_s(address: u32) -> u32 {
    (splitmix::mix(u64::from(address)) % u64::from(LADDER_S[0])) as u32
}

/// What the standard scheme would find.
pub fn standard(country: &Country, set: &PortBits) -> Standard {
    let mut found = Standard { pairs: HashMap::new(), openings: Vec::new(), probes: 0 };
    let visits = u64::from(country.length_s / LADDER_S[0]);
    found.probes = visits * u64::from(set.len()) * country.places.len() as u64;
    for (number, place) in (0..).zip(&country.places).filter(|(_, place)| !place.is_honeypot) {
        let phase = phase_s(number);
        for span in place.spans.iter().filter(|span| set.holds(span.port)) {
            let first = phase + span.from_s.saturating_sub(phase).div_ceil(LADDER_S[0]) * LADDER_S[0];
            if first < span.to_s {
                let seen = found.pairs.entry((number, span.port)).or_insert(first);
                *seen = first.min(*seen);
                let was_open = place.spans.iter().any(|other| {
                    other.port == span.port && other.from_s < span.from_s && other.to_s + LADDER_S[0] > span.from_s
                });
                if span.from_s > 0 && !was_open {
                    found.openings.push(Opening {
                        address: number,
                        port: span.port,
                        from_s: span.from_s,
                        to_s: span.to_s,
                        kind: kind(place, *span),
                    });
                }
            }
        }
    }
    found
}

fn kind(place: &Place, span: Span) -> OpeningKind {
    let Some(stay) = place.stays.iter().rfind(|stay| stay.from_s <= span.from_s && span.from_s < stay.to_s) else {
        return OpeningKind::Host;
    };
    let is_earlier = |other: &Span| other.port == span.port && (stay.from_s..span.from_s).contains(&other.from_s);
    match () {
        () if place.spans.iter().any(is_earlier) => OpeningKind::Return,
        () if stay.from_s == span.from_s => OpeningKind::Host,
        () => OpeningKind::Service,
    }
}

/// Lets a scheme watch; of the answers this share is lost on the way (0 to 1).
pub fn watch(country: &Country, scheme: &mut Scheme, standard: &Standard, loss: f64) -> Outcome {
    watch_and_renew(country, scheme, standard, loss, None)
}

/// The same; each night the scheme's ports are derived anew from all that was found so far, as the daemon does.
pub fn watch_and_renew(
    country: &Country,
    scheme: &mut Scheme,
    standard: &Standard,
    loss: f64,
    renewal: Option<&SchemeConfig>,
) -> Outcome {
    let states = states(country);
    let mut queue = DueQueue::new(states, TICK_S, LADDER_S[6]);
    let mut probes = vec![0; country.length_s.div_ceil(DAY_S) as usize];
    let mut first_seen: HashMap<(u32, u16), Vec<u32>> = HashMap::new();
    let mut taken = Vec::new();
    for now_s in (0..country.length_s).step_by(TICK_S as usize) {
        if let Some(config) = renewal.filter(|_| now_s > 0 && now_s % DAY_S == 0) {
            let found = first_seen.keys().map(|(number, port)| (FIRST_ADDRESS + number, *port));
            Known::of(config, &open_ports(found)).renew(config, scheme, now_s);
        }
        loop {
            taken.clear();
            queue.take_due(now_s, 65_536, &mut taken);
            if taken.is_empty() {
                break;
            }
            for number in taken.drain(..) {
                let place = &country.places[number as usize];
                let mut state = *queue.state(number);
                let visit = scheme.visit(&state, now_s);
                probes[(now_s / DAY_S) as usize] += visit.probes();
                let comes = |port: u16| visit.holds(port) && !is_lost(number, port, now_s, loss);
                let open = if place.spans.is_empty() { Vec::new() } else { place.open(now_s, comes) };
                for port in &open {
                    first_seen.entry((number, *port)).or_default().push(now_s);
                }
                let device = if open.is_empty() { None } else { place.device(now_s) };
                scheme.learn(&mut state, now_s, Found { open: &open, device });
                *queue.state_mut(number) = state;
                queue.put_back(number);
            }
        }
    }
    outcome(country, &queue, &probes, &first_seen, standard)
}

/// Ports by address, both in order.
fn open_ports(pairs: impl Iterator<Item = (u32, u16)>) -> Vec<(u32, Vec<u16>)> {
    let mut pairs: Vec<(u32, u16)> = pairs.collect();
    pairs.sort_unstable();
    let of_one = pairs.chunk_by(|one, other| one.0 == other.0);
    of_one.map(|pairs| (pairs[0].0, pairs.iter().map(|(_, port)| *port).collect())).collect()
}

fn is_lost(address: u32, port: u16, now_s: u32, loss: f64) -> bool {
    let bits = splitmix::nth(splitmix::mix(u64::from(address) << 16 | u64::from(port)), u64::from(now_s));
    splitmix::unit(bits) <= loss && loss > 0.0
}

fn states(country: &Country) -> Vec<TargetState> {
    let state = |number: u32| TargetState::new(FIRST_ADDRESS + number, phase_s(number));
    (0..country.places.len() as u32).map(state).collect()
}

fn outcome(
    country: &Country,
    queue: &DueQueue,
    probes_by_day: &[u64],
    seen: &HashMap<(u32, u16), Vec<u32>>,
    standard: &Standard,
) -> Outcome {
    let probes: u64 = probes_by_day.iter().sum();
    let found = standard.pairs.keys().filter(|pair| seen.contains_key(pair)).count();
    let addresses: HashSet<u32> = standard.pairs.keys().map(|(address, _)| *address).collect();
    let answered: HashSet<u32> = seen.keys().map(|(address, _)| *address).collect();
    let delay = |opening: &Opening| {
        let times = seen.get(&(opening.address, opening.port)).map_or(&[][..], |times| times);
        let noticed = times.iter().find(|at| (opening.from_s..opening.to_s).contains(at));
        noticed.map(|at| f64::from(at - opening.from_s) / 3_600.0)
    };
    let delays = |kinds: &[OpeningKind]| {
        median(standard.openings.iter().filter(|opening| kinds.contains(&opening.kind)).map(delay))
    };
    let end_s = u64::from(country.length_s);
    let known: Vec<(usize, u16)> = (0..country.places.len())
        .filter_map(|number| Some((number, country.places[number].device((end_s - 1) as u32)?)))
        .collect();
    let estimated =
        known.iter().filter(|(number, device)| queue.state(*number as u32).standing() == Standing::Device(*device));
    Outcome {
        probes,
        traffic_ratio: probes as f64 / standard.probes as f64,
        traffic_reduction: standard.probes as f64 / probes as f64,
        ports_detected: found as f64 / standard.pairs.len().max(1) as f64,
        addresses_detected: addresses.intersection(&answered).count() as f64 / addresses.len().max(1) as f64,
        devices_estimated: estimated.count() as f64 / known.len().max(1) as f64,
        opened_port_delay_hours: delays(&[OpeningKind::Host, OpeningKind::Service]),
        new_service_delay_hours: delays(&[OpeningKind::Service]),
        new_address_delay_hours: median(first_delays(&standard.openings, delay).into_values()),
        returned_port_delay_hours: delays(&[OpeningKind::Return]),
        days: days(probes_by_day, seen, standard),
    }
}

/// Of each new host, by address and time, the delay of its port that is noticed first.
fn first_delays(openings: &[Opening], delay: impl Fn(&Opening) -> Option<f64>) -> BTreeMap<(u32, u32), Option<f64>> {
    let mut first: BTreeMap<(u32, u32), Option<f64>> = BTreeMap::new();
    for opening in openings.iter().filter(|opening| opening.kind == OpeningKind::Host) {
        let of_host = first.entry((opening.address, opening.from_s)).or_default();
        *of_host = [*of_host, delay(opening)].into_iter().flatten().min_by(f64::total_cmp);
    }
    first
}

fn days(probes: &[u64], seen: &HashMap<(u32, u16), Vec<u32>>, standard: &Standard) -> Vec<WatchDay> {
    let (mut there, mut found) = (vec![0_u64; probes.len()], vec![0_u64; probes.len()]);
    for (pair, first_s) in &standard.pairs {
        there[(first_s / DAY_S) as usize] += 1;
        if let Some(own_s) = seen.get(pair).and_then(|times| times.first()) {
            // What is found before the standard scheme does counts from then on.
            found[(own_s.max(first_s) / DAY_S) as usize] += 1;
        }
    }
    let standard_probes = standard.probes as f64 / probes.len() as f64;
    let (mut all, mut own) = (0, 0);
    probes
        .iter()
        .zip(there.iter().zip(&found))
        .map(|(probes, (there, found))| {
            all += there;
            own += found;
            let ports_detected = own as f64 / (all as f64).max(1.0);
            WatchDay { traffic_ratio: *probes as f64 / standard_probes, ports_detected }
        })
        .collect()
}

/// The median; what never came counts as later than all others.
fn median(delays: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut delays: Vec<f64> = delays.map(|delay| delay.unwrap_or(f64::INFINITY)).collect();
    delays.sort_by(f64::total_cmp);
    delays.get(delays.len() / 2).copied().filter(|delay| delay.is_finite())
}
