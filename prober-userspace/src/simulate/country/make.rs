//! Makes a country out of a seed: blocks with few or many hosts, fixed lines and pools in which hosts change their address,
//! hosts that come, go, sleep and wake, services that open and close, honeypots.
//!
//! Calibration. The published figures (METHODS section 10) settle the share of addresses that answer, what 500 ports hold,
//! the tail, how many ports find 95 % of the addresses, and the share of known devices. How restless hosts are follows
//! from the published outcome: with these constants the published scheme, written as published, finds the published
//! 97.1 % of the ports at 1/42 of the standard traffic (published: 1/38); hosts twice as restless would leave it 94 %,
//! half as restless 98 %. The split between moving, sleeping and opening is an assumption.

use super::host::{Families, Host};
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
/// Exponent of the law of ports: with it 500 ports hold 84 to 85 %.
const EXPONENT: f64 = 1.23;
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

/// The law and the families do not depend on the seed: they are the world's, not the country's.
fn nature(config: &CountryConfig) -> (PortLaw, Families) {
    let mut draws = Draws::new(0x6e61_7475_7265, 0);
    let law = PortLaw::new(config.tail, EXPONENT, &mut draws);
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
        let hosts = (self.config.addresses as f64 * self.config.answering) as usize;
        for _ in 0..hosts {
            let at = self.draws.unit();
            let block = weights.partition_point(|sum| *sum < at).min(blocks - 1);
            // Pools are whole groups of blocks.
            let is_pool = Draws::new(self.config.seed, 1_000 + (block / POOL_BLOCKS) as u64).chance(IN_POOLS);
            if self.draws.chance(HONEYPOTS) {
                self.honeypot(block);
            } else if is_pool {
                self.nomad(block / POOL_BLOCKS * POOL_BLOCKS, 0.0);
            } else {
                self.settler(block);
            }
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
    fn settler(&mut self, block: usize) {
        let mut at_s = 0.0;
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
