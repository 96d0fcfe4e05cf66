//! Makes a country out of a seed: blocks with few or many hosts, fixed lines and pools in which hosts change their address,
//! hosts that are connected, move, sleep and wake, services that open and close, honeypots.
//!
//! Calibration. The published figures (METHODS section 10) settle the ports: of 280,000 hosts that answer, 11,700 ports are
//! open on more than two, 500 ports hold 84 to 85 % of what is open, 500 find 95 % of the hosts, and 5 to 6 % of the open
//! ports lie anywhere. The exponent of the law, the ports of a host and the tail meet these four together. They also settle
//! the share of addresses that answer, and of known devices. How restless hosts are follows from the published outcome:
//! with these constants the published scheme, written as published, finds 97.0 and 96.6 % of the ports at 1/41 of the
//! standard traffic in two countries (published: 97.1 % at 1/38); twice as restless it is 94.8 %, half as restless 97.9 %.
//! How that falls on moving, sleeping, opening and newly connected hosts is an assumption; `--churn` scales all of it.

use super::host::{DRAWN, Families, Host};
use super::law::PortLaw;
use super::{Country, Place, Span, Stay};
use crate::simulate::draws::Draws;

/// Settings. Rates are times `churn`.
#[derive(Clone, Debug)]
pub struct CountryConfig {
    /// How many.
    pub addresses: usize,
    /// How long.
    pub days: u32,
    /// Seed.
    pub seed: u64,
    /// Of addresses, those that answer (METHODS section 10: 2.3 to 2.8 %), 0 to 1.
    pub answering: f64,
    /// How restless hosts are; 1 as calibrated.
    pub churn: f64,
    /// Of open ports, those anywhere, 0 to 1.
    pub tail: f64,
    /// Of answering hosts, those whose banners show a device that is known, 0 to 1.
    pub showing: f64,
}

impl Default for CountryConfig {
    fn default() -> Self {
        Self { addresses: 100_000, days: 28, seed: 1, answering: 0.028, churn: 1.0, tail: 0.055, showing: SHOWING }
    }
}

const DAY_S: f64 = 86_400.0;
/// Of hosts that answer, those with a banner, and of these, those whose device is known (METHODS section 10).
const SHOWING: f64 = 0.095 * 0.051;
/// Exponent of the law of ports.
const EXPONENT: f64 = 1.3;
const FAMILIES: usize = 400;
/// Addresses of a block, and blocks of a pool.
const BLOCK: usize = 256;
const POOL_BLOCKS: usize = 4;
/// Of hosts, those in pools.
const IN_POOLS: f64 = 0.3;
/// Days that a host keeps an address of a pool (medians of providers lie between a day and months).
const POOL_STAY_DAYS: f64 = 170.0;
/// Days that a host keeps a fixed line.
const FIXED_STAY_DAYS: f64 = 1_700.0;
/// Of hosts, those that are switched off at times; days that they are on and off.
const SLEEPERS: f64 = 0.05;
const AWAKE_DAYS: f64 = 11.0;
const ASLEEP_DAYS: f64 = 0.86;
/// Of hosts, those that are on for a part of each day, and the shortest and longest part, days.
const BY_DAY: f64 = 0.02;
const ON_DAYS: (f64, f64) = (0.33, 0.67);
/// Hosts that are newly connected, for each that is there and a day; of these, those at any address at all, where no
/// neighbour answers as well.
const CONNECTED_PER_DAY: f64 = 0.0007;
const STRANGERS: f64 = 0.3;
/// Services that open at a host, a day, and the days that they stay open.
const OPENINGS_PER_DAY: f64 = 0.0014;
const OPENED_DAYS: f64 = 57.0;
/// Days until a port of a host closes for good.
const CLOSING_DAYS: f64 = 860.0;
/// Of answering addresses, honeypots.
const HONEYPOTS: f64 = 0.001;
/// Spread of the blocks' shares of answering addresses (standard deviation of the logarithm).
const DENSITY_SD: f64 = 1.6;

/// Open ports of as many hosts of the same kind at one moment: what the store of a whole country knows before the watch
/// begins. Independent of the hosts of the country.
pub fn sample(config: &CountryConfig, hosts: usize) -> Vec<Vec<u16>> {
    let (law, families) = nature(config);
    let mut draws = Draws::new(config.seed, 7);
    (0..hosts).map(|_| families.host(&law, &mut draws).ports).collect()
}

/// The country of a seed.
pub fn make(config: &CountryConfig) -> Country {
    let (law, families) = nature(config);
    let mut maker = Maker {
        config,
        law,
        families,
        draws: Draws::new(config.seed, 1),
        places: vec![Place::default(); config.addresses],
        length_s: config.days * DAY_S as u32,
    };
    maker.fill();
    Country { devices: maker.families.ports().to_vec(), places: maker.places, length_s: maker.length_s }
}

/// The law and the families of the seed: every country has others.
fn nature(config: &CountryConfig) -> (PortLaw, Families) {
    let mut draws = Draws::new(config.seed, 3);
    let law = PortLaw::new((config.tail / DRAWN).min(1.0), EXPONENT, &mut draws);
    let families = Families::new(FAMILIES, config.showing, &law, &mut draws);
    (law, families)
}

struct Maker<'a> {
    config: &'a CountryConfig,
    law: PortLaw,
    families: Families,
    draws: Draws,
    places: Vec<Place>,
    length_s: u32,
}

impl Maker<'_> {
    fn fill(&mut self) {
        let blocks = self.config.addresses.div_ceil(BLOCK);
        let mut weights: Vec<f64> = (0..blocks).map(|_| self.draws.lognormal(1.0, DENSITY_SD)).collect();
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        for weight in &mut weights {
            sum += *weight / total;
            *weight = sum;
        }
        let block_at = |at: f64| weights.partition_point(|sum| *sum < at).min(blocks - 1);
        let hosts = (self.config.addresses as f64 * self.config.answering) as usize;
        for _ in 0..hosts {
            let block = block_at(self.draws.unit());
            if self.draws.chance(HONEYPOTS) {
                self.honeypot(block);
            } else {
                self.line(block, 0.0);
            }
        }
        let days = f64::from(self.config.days) * self.config.churn;
        for _ in 0..(hosts as f64 * CONNECTED_PER_DAY * days).round() as usize {
            let begin_s = self.draws.unit() * f64::from(self.length_s);
            let at = self.draws.unit();
            let is_stranger = self.draws.chance(STRANGERS);
            self.line(
                if is_stranger { ((at * blocks as f64) as usize).min(blocks - 1) } else { block_at(at) },
                begin_s,
            );
        }
    }

    /// A host in a block from then on.
    fn line(&mut self, block: usize, begin_s: f64) {
        // Pools are whole groups of blocks.
        let is_pool = Draws::new(self.config.seed, 1_000 + (block / POOL_BLOCKS) as u64).chance(IN_POOLS);
        if is_pool {
            self.nomad(block / POOL_BLOCKS * POOL_BLOCKS, begin_s);
        } else {
            self.settler(block, begin_s);
        }
    }

    fn address_in(&mut self, first_block: usize, blocks: usize) -> usize {
        let first = first_block * BLOCK;
        let last = (first + blocks * BLOCK).min(self.config.addresses);
        first + self.draws.below(last - first)
    }

    fn honeypot(&mut self, block: usize) {
        let address = self.address_in(block, 1);
        let count = 150 + self.draws.below(1_500);
        let length_s = self.length_s;
        let place = &mut self.places[address];
        place.is_honeypot = true;
        for _ in 0..count {
            let port = 1 + self.draws.below(usize::from(u16::MAX)) as u16;
            place.spans.push(Span { port, from_s: 0, to_s: length_s });
        }
    }

    /// A host in a pool: one address after the other.
    fn nomad(&mut self, first_block: usize, begin_s: f64) {
        let host = self.families.host(&self.law, &mut self.draws);
        let mut at_s = begin_s;
        while at_s < f64::from(self.length_s) {
            let stay_s = self.draws.exponential(POOL_STAY_DAYS / self.config.churn * DAY_S);
            let address = self.address_in(first_block, POOL_BLOCKS);
            self.stay(address, &host, at_s, at_s + stay_s);
            at_s += stay_s;
        }
    }

    /// A host on a fixed line; when it goes, another comes somewhere in the block.
    fn settler(&mut self, block: usize, begin_s: f64) {
        let mut at_s = begin_s;
        while at_s < f64::from(self.length_s) {
            let host = self.families.host(&self.law, &mut self.draws);
            let stay_s = self.draws.exponential(FIXED_STAY_DAYS / self.config.churn * DAY_S);
            let address = self.address_in(block, 1);
            self.stay(address, &host, at_s, at_s + stay_s);
            at_s += stay_s;
        }
    }

    /// A host at an address for a while.
    fn stay(&mut self, address: usize, host: &Host, from_s: f64, to_s: f64) {
        let to_s = to_s.min(f64::from(self.length_s));
        let mut services: Vec<(u16, f64, f64)> = Vec::new();
        for port in &host.ports {
            let closes_s = from_s + self.draws.exponential(CLOSING_DAYS / self.config.churn * DAY_S);
            services.push((*port, from_s, closes_s.min(to_s)));
        }
        let mut opens_s = from_s;
        loop {
            opens_s += self.draws.exponential(DAY_S / (OPENINGS_PER_DAY * self.config.churn));
            if opens_s >= to_s {
                break;
            }
            let open_s = self.draws.exponential(OPENED_DAYS / self.config.churn * DAY_S);
            let port = self.law.draw(&mut self.draws);
            services.push((port, opens_s, (opens_s + open_s).min(to_s)));
        }
        let awake = self.awake(from_s, to_s);
        let spans = services.iter().flat_map(|(port, opens_s, closes_s)| {
            awake.iter().filter_map(move |(wakes_s, sleeps_s)| {
                let (from, to) = (opens_s.max(*wakes_s) as u32, closes_s.min(*sleeps_s) as u32);
                (from < to).then_some(Span { port: *port, from_s: from, to_s: to })
            })
        });
        let place = &mut self.places[address];
        place.spans.extend(spans);
        place.stays.push(Stay { from_s: from_s as u32, to_s: to_s as u32, device: host.device });
    }

    /// When it is switched on.
    fn awake(&mut self, from_s: f64, to_s: f64) -> Vec<(f64, f64)> {
        if self.draws.chance(BY_DAY) {
            let on_s = self.draws.between(ON_DAYS.0, ON_DAYS.1) * DAY_S;
            let first_s = from_s - self.draws.unit() * DAY_S;
            let days = (0..).map(|day| first_s + f64::from(day) * DAY_S).take_while(|on_s| *on_s < to_s);
            return days.map(|at_s| (at_s.max(from_s), (at_s + on_s).min(to_s))).collect();
        }
        if !self.draws.chance(SLEEPERS) {
            return vec![(from_s, to_s)];
        }
        let mut times = Vec::new();
        let mut at_s = from_s;
        while at_s < to_s {
            let awake_s = self.draws.exponential(AWAKE_DAYS / self.config.churn * DAY_S);
            times.push((at_s, (at_s + awake_s).min(to_s)));
            at_s += awake_s + self.draws.exponential(ASLEEP_DAYS / self.config.churn * DAY_S);
        }
        times
    }
}
