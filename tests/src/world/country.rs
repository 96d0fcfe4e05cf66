//! A country of the simulator as the emulated world answers for it: which port of which address is open follows from the
//! country's own clock, which runs faster than ours and begins with the first probe.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prober_common::lab::mix;
use prober_userspace::simulate::country::Country;

use super::answer::{Answer, Reply, Silence};
use crate::frame::{ACK, RST, Received, SYN};

/// Round trips of a country: this, and up to as much again, in ns.
const DELAY_NS: u64 = 8_000_000;

/// A country whose time passes.
#[derive(Debug)]
pub struct LivingCountry {
    country: Country,
    first_address: u32,
    time_scale: f64,
    /// When its clock stood at 0, monotonic ns; 0 before the first probe.
    began_ns: AtomicU64,
}

impl LivingCountry {
    /// With its first address, and seconds of its clock per second.
    pub fn new(country: Country, first_address: u32, time_scale: f64) -> Arc<Self> {
        Arc::new(Self { country, first_address, time_scale, began_ns: AtomicU64::new(0) })
    }

    /// The truth.
    pub fn country(&self) -> &Country {
        &self.country
    }

    /// What it answers to a probe that arrived at `at_ns`.
    pub(super) fn plan(&self, probe: &Received, at_ns: u64) -> Result<Answer, Silence> {
        let syn = probe.tcp().filter(|tcp| tcp.flags & (SYN | ACK | RST) == SYN).ok_or(Silence::NotAProbe)?;
        let number = u32::from(probe.envelope.to).wrapping_sub(self.first_address) as usize;
        let place = self.country.places.get(number).ok_or(Silence::Filtered)?;
        let _ = self.began_ns.compare_exchange(0, at_ns, Ordering::Relaxed, Ordering::Relaxed);
        let passed_ns = at_ns.saturating_sub(self.began_ns.load(Ordering::Relaxed));
        let now_s = (passed_ns as f64 / 1e9 * self.time_scale) as u32;
        let reply = if place.spans.iter().any(|span| span.port == syn.to && span.is_open(now_s)) {
            Reply::SynAck
        } else if number.is_multiple_of(2) && place.spans.iter().any(|span| span.is_open(now_s)) {
            // Half of the hosts refuse, the others keep silent.
            Reply::Rst
        } else {
            return Err(Silence::Filtered);
        };
        let delay_ns = DELAY_NS + mix(number as u64) % DELAY_NS;
        Ok(Answer { reply, delay_ns, duplicate_ns: None, from: probe.envelope.to, ttl: 55, hops: 9 })
    }
}
