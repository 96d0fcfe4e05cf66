//! Watches the delays of each /24 while a scan runs, and says by how much to slow down there: a [`NetworkPacer`] each.
//!
//! A queue that fills delays every host behind it, however much hosts differ. So an answer is judged against its own
//! address's earlier ones: late or not. Hosts of seconds beside hosts of milliseconds, and a scan that goes on from quick
//! to slow ones, are no rise; only an address's first answer is held against other first answers of its network, and
//! counts half. How often answers are late without any reason is learnt, of the network and of the address; that
//! they are late too often is found by Page's cumulative sum.

mod evidence;
mod hosts;
#[cfg(test)]
mod tests;
mod usual;

use hashbrown::HashMap;

use self::evidence::{ALARM, Evidence};
use self::hosts::Hosts;
use self::usual::{Adapt, LateShare, UsualDelay};
use super::pacer::{NetworkPacer, PaceChange, PaceConfig, Sign};

/// Slowest, as part of the limit.
const SLOWEST: f64 = 1.0 / 8.0;
/// A rise that lasts so long although the rate was cut is not ours: what is usual follows it, ns.
const ACCEPTED_NS: u64 = 1_800_000_000_000;
/// What the first answer of an address counts: it is compared with other hosts.
const FIRST_WEIGHT: f32 = 0.5;
/// A share of hosts that are slow is never taken to be less than this: more of them may be to come.
const FIRST_LEAST_SHARE: f32 = 0.1;
/// Weight of the newest late answer in the rise that is told.
const RECENT: f32 = 0.3;
/// An answer that took longer counts as this, s.
const MOST_S: f64 = 10.0;
/// Networks watched at a time: 40 MB. Others are scanned at their limit, as ever, and counted.
const MOST_NETWORKS: usize = 1 << 18;
/// One bit for each /24 there is.
const WORDS: usize = 1 << 18;

/// One network.
#[derive(Clone, Copy, Debug)]
struct Watched {
    pacer: NetworkPacer,
    evidence: Evidence,
    /// Since when delays have been suspicious without a break; 0 while they are not.
    suspicious_since_ns: u64,
    /// Recent rise of late answers, s.
    rise_s: f32,
    /// First answers of addresses.
    first: UsualDelay,
    first_late: LateShare,
    /// Later ones.
    late: LateShare,
}

/// All networks of a scan.
#[derive(Debug)]
pub struct DelayWatch {
    limit_pps: f64,
    networks: HashMap<u32, Watched>,
    most_networks: usize,
    hosts: Hosts,
    /// Networks that answered and are not watched, a bit each; empty while there are none.
    unwatched: Vec<u64>,
    unwatched_count: u64,
}

impl DelayWatch {
    /// For a scan with this limit per network, pps.
    pub fn new(limit_pps: f64) -> Self {
        Self {
            limit_pps,
            networks: HashMap::new(),
            most_networks: MOST_NETWORKS,
            hosts: Hosts::default(),
            unwatched: Vec::new(),
            unwatched_count: 0,
        }
    }

    /// An answer of `address` took `delay_s`. A change, and the power of 2 by which the rate of its /24 is to be divided from
    /// now on. Tens of ns.
    pub fn answered(&mut self, address: u32, now_ns: u64, delay_s: f64) -> Option<(PaceChange, u8)> {
        if !(delay_s >= 0.0 && delay_s.is_finite()) {
            return None;
        }
        let (network, delay_s) = (address >> 8, delay_s.min(MOST_S) as f32);
        if self.networks.len() >= self.most_networks && !self.networks.contains_key(&network) {
            self.leave_out(network);
            return None;
        }
        let limit_pps = self.limit_pps;
        let watched = self.networks.entry(network).or_insert_with(|| Watched::new(limit_pps, now_ns));
        watched.judge(&mut self.hosts, address, now_ns, delay_s);
        let change = watched.pacer.heard(now_ns, watched.sign())?;
        let level = (limit_pps / change.to_pps).log2().round().clamp(0.0, 255.0) as u8;
        Some((change, level))
    }

    /// Networks that answered and are not watched, because too many are.
    pub fn unwatched(&self) -> u64 {
        self.unwatched_count
    }

    fn leave_out(&mut self, network: u32) {
        self.unwatched.resize(WORDS, 0);
        let Some(word) = self.unwatched.get_mut(network as usize / 64) else { return };
        let bit = 1 << (network % 64);
        self.unwatched_count += u64::from(*word & bit == 0);
        *word |= bit;
    }
}

impl Watched {
    fn new(limit_pps: f64, now_ns: u64) -> Self {
        let config = PaceConfig { limit_pps, least_pps: limit_pps * SLOWEST };
        Self {
            pacer: NetworkPacer::new(config, now_ns),
            evidence: Evidence::default(),
            suspicious_since_ns: 0,
            rise_s: 0.0,
            first: UsualDelay::default(),
            first_late: LateShare::default(),
            late: LateShare::default(),
        }
    }

    fn judge(&mut self, hosts: &mut Hosts, address: u32, now_ns: u64, delay_s: f32) {
        let (adapt, counts) = (self.adapt(now_ns), !self.evidence.is_suspicious());
        let (rise_s, is_late);
        if let Some(host) = hosts.get(address) {
            rise_s = delay_s - host.delay.level_s();
            is_late = host.delay.is_late(delay_s);
            self.evidence.add(is_late, host.late_share(self.late), 1.0);
            host.delay.learn(delay_s, adapt);
            if counts {
                host.count(is_late);
                self.late.learn(is_late);
            }
        } else {
            hosts.enter(address, delay_s);
            if !self.first.is_known() {
                self.first = UsualDelay::beginning(delay_s);
                return;
            }
            rise_s = delay_s - self.first.level_s();
            is_late = self.first.is_late(delay_s);
            self.evidence.add(is_late, self.first_late.share().max(FIRST_LEAST_SHARE), FIRST_WEIGHT);
            self.first.learn(delay_s, adapt);
            if counts {
                self.first_late.learn(is_late);
            }
        }
        if is_late {
            self.rise_s += RECENT * (rise_s - self.rise_s);
        }
        if !self.evidence.is_suspicious() {
            self.suspicious_since_ns = 0;
        } else if self.suspicious_since_ns == 0 {
            self.suspicious_since_ns = now_ns.max(1);
        }
    }

    /// A rise must not become what is usual while it is judged, but it must in the end.
    fn adapt(&self, now_ns: u64) -> Adapt {
        match self.suspicious_since_ns {
            0 if !self.evidence.is_unusual() => Adapt::Follow,
            since_ns if since_ns > 0 && now_ns.saturating_sub(since_ns) >= ACCEPTED_NS => Adapt::Accept,
            _ => Adapt::Hold,
        }
    }

    fn sign(&self) -> Sign {
        match () {
            () if self.evidence.nats() >= ALARM => Sign::Rose(f64::from(self.rise_s)),
            () if self.evidence.is_suspicious() => Sign::Unsure,
            () => Sign::Calm,
        }
    }
}
