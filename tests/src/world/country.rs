//! A country of the simulator as the emulated world answers for it: which port of which address is open follows from the
//! country's own clock, which runs faster than ours and begins with the first probe. Its networks are busy in the evening,
//! and its hosts say who they are on connections, without anything being kept of these.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prober_common::lab::mix;
use prober_userspace::simulate::country::{Country, Place};

use super::answer::{Answer, Reply, Silence};
use super::phrases::Phrases;
use crate::frame::{ACK, FIN, RST, Received, SYN};

/// Round trips of a country: this, and up to as much again, in ns.
const DELAY_NS: u64 = 8_000_000;
/// What a packet of the others takes on an access network, s.
const SERVICE_S: f64 = 2e-3;
/// Load of an access network by night, and what the evening adds.
const NIGHT: f64 = 0.15;
const EVENING: f64 = 0.65;
/// Hour of the evening's peak, how long it lasts (standard deviation) and how far networks differ, h.
const PEAK_H: f64 = 20.0;
const PEAK_SD_H: f64 = 3.0;
const PEAKS_APART_H: f64 = 3.0;

/// A country whose time passes.
#[derive(Debug)]
pub struct LivingCountry {
    country: Country,
    first_address: u32,
    time_scale: f64,
    phrases: Phrases,
    /// When its clock stood at 0, monotonic ns; 0 before the first probe.
    began_ns: AtomicU64,
}

impl LivingCountry {
    /// With its first address, and seconds of its clock per second.
    pub fn new(country: Country, first_address: u32, time_scale: f64) -> Arc<Self> {
        let phrases = Phrases::of_devices();
        Arc::new(Self { country, first_address, time_scale, phrases, began_ns: AtomicU64::new(0) })
    }

    /// The truth.
    pub fn country(&self) -> &Country {
        &self.country
    }

    /// What a reply says on a connection; nothing for all others.
    pub(super) fn phrase(&self, reply: Reply) -> &[u8] {
        match reply {
            Reply::Say(number) => self.phrases.get(number),
            _ => &[],
        }
    }

    /// What it answers to a probe, or to a segment of a connection, that arrived at `at_ns`.
    pub(super) fn plan(&self, probe: &Received, at_ns: u64) -> Result<Answer, Silence> {
        let segment = probe.tcp().filter(|tcp| tcp.flags & RST == 0).ok_or(Silence::NotAProbe)?;
        let number = u32::from(probe.envelope.to).wrapping_sub(self.first_address) as usize;
        let place = self.country.places.get(number).ok_or(Silence::Filtered)?;
        let _ = self.began_ns.compare_exchange(0, at_ns, Ordering::Relaxed, Ordering::Relaxed);
        let passed_ns = at_ns.saturating_sub(self.began_ns.load(Ordering::Relaxed));
        let now_s = (passed_ns as f64 / 1e9 * self.time_scale) as u32;
        let is_open = place.spans.iter().any(|span| span.port == segment.to && span.is_open(now_s));
        let reply = if segment.flags & SYN == 0 {
            let payload = probe.tcp_payload_len().unwrap_or(0);
            self.converse(number, place, now_s, segment.flags, payload).ok_or(Silence::NotAProbe)?
        } else if segment.flags & ACK != 0 {
            return Err(Silence::NotAProbe);
        } else if is_open {
            Reply::SynAck
        } else if number.is_multiple_of(2) && place.spans.iter().any(|span| span.is_open(now_s)) {
            // Half of the hosts refuse, the others keep silent.
            Reply::Rst
        } else {
            return Err(Silence::Filtered);
        };
        let wait_s = waiting_s(number as u32 >> 8, now_s, mix(u64::from(segment.sequence) ^ (number as u64) << 32));
        let delay_ns = DELAY_NS + mix(number as u64) % DELAY_NS + (wait_s * 1e9) as u64;
        Ok(Answer { reply, delay_ns, duplicate_ns: None, from: probe.envelope.to, ttl: 55, hops: 9 })
    }

    /// What a host says to a segment of a connection: its page to any request, if it shows one, and then the end.
    fn converse(&self, number: usize, place: &Place, now_s: u32, flags: u8, payload: u32) -> Option<Reply> {
        if payload > 0 {
            return Some(match place.device(now_s) {
                Some(device) => Reply::Say(self.phrases.of_device(device)),
                None if number.is_multiple_of(4) => Reply::Say(0),
                None => Reply::HangUp,
            });
        }
        (flags & FIN != 0).then_some(Reply::Close)
    }
}

/// How long a packet waits for those of the others at a /24 at a second of the country's clock, s: an M/M/1 queue's waiting
/// time (Kleinrock, Queueing Systems I, 1975, section 5.3), drawn with 64 bits of chance.
fn waiting_s(network: u32, now_s: u32, chance: u64) -> f64 {
    let peak_h = PEAK_H + PEAKS_APART_H * ((mix(u64::from(network)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5);
    let hour = f64::from(now_s % 86_400) / 3_600.0;
    let apart_h = (hour - peak_h).abs().min(24.0 - (hour - peak_h).abs());
    let load = EVENING.mul_add((-(apart_h / PEAK_SD_H).powi(2) / 2.0).exp(), NIGHT);
    let unit = ((chance >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    // Nobody is there with the probability 1 - load; else the wait is exponential.
    if unit > load { 0.0 } else { -(unit / load).ln() * SERVICE_S / (1.0 - load) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenings_are_busy() {
        let mean_ms =
            |hour: u32| -> f64 { (0..4_000).map(|n| waiting_s(7, hour * 3_600, mix(n)) * 1e3).sum::<f64>() / 4_000.0 };
        // Load times service time through idle share.
        let expected_ms = 0.15 * 2.0 / 0.85;
        assert!((mean_ms(8) - expected_ms).abs() < 0.1, "{}", mean_ms(8));
        assert!(mean_ms(20) > 4.0 * mean_ms(8), "{}", mean_ms(20));
    }
}
