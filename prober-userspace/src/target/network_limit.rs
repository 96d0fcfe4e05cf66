//! The limit per /24: a leaky bucket each (GCRA, ITU-T I.371), in a bounded table. Networks that share an entry share
//! its limit, which only makes it stricter. A probe that must wait reserves its time, so that none waits for ever and
//! none is asked twice.

use std::sync::Arc;

use prober_common::address::V4;

use super::brakes::Brakes;

/// 8 MB of times.
const MOST_BITS: u32 = 20;
const FEWEST_BITS: u32 = 8;

/// A brake holds probes back no further ahead than this, ns: once that many wait, they go at the limit again, or one
/// congested network would fill the places of all that wait and hold up the whole scan.
const BRAKED_AHEAD_NS: u64 = 300_000_000_000;

#[derive(Debug)]
pub(in crate::target) struct NetworkLimit {
    interval_ns: u64,
    /// How far ahead of its even spacing a probe may come.
    tolerance_ns: u64,
    /// When each network's probes so far would end if evenly spaced.
    busy_until_ns: Vec<u64>,
    shift: u32,
    brakes: Option<Arc<Brakes>>,
}

impl NetworkLimit {
    /// A limit of `pps` for each of about `networks` /24s; none if `pps` is not a positive number.
    pub(in crate::target) fn new(pps: f64, networks: u64) -> Option<Self> {
        if !(pps > 0.0 && pps.is_finite()) {
            return None;
        }
        let interval_ns = (1e9 / pps).max(1.0);
        let burst = (pps / 10.0).clamp(1.0, 32.0).floor();
        // Twice as many entries as networks, so that few are shared.
        let bits = (64 - (networks * 2).leading_zeros()).clamp(FEWEST_BITS, MOST_BITS);
        Some(Self {
            interval_ns: interval_ns as u64,
            tolerance_ns: (interval_ns * (burst - 1.0)) as u64,
            busy_until_ns: vec![0; 1 << bits],
            shift: 32 - bits,
            brakes: None,
        })
    }

    /// From now on slower where these say so.
    pub(in crate::target) fn obey(&mut self, brakes: Arc<Brakes>) {
        self.brakes = Some(brakes);
    }

    pub(in crate::target) fn interval_ns(&self) -> u64 {
        self.interval_ns
    }

    /// The time from which a probe to `address` may go, `at_ns` or later.
    #[inline]
    pub(in crate::target) fn earliest(&self, address: V4, at_ns: u64) -> u64 {
        let entry = address.slash24().wrapping_mul(0x9e37_79b1) >> self.shift;
        self.busy_until_ns[entry as usize].saturating_sub(self.tolerance_ns).max(at_ns)
    }

    /// Takes a place for one probe to `address`: now, or at the time in the error.
    #[inline]
    pub(in crate::target) fn reserve(&mut self, address: V4, now_ns: u64) -> Result<(), u64> {
        // Fibonacci hashing: neighbouring networks land far apart.
        let entry = address.slash24().wrapping_mul(0x9e37_79b1) >> self.shift;
        let busy_until_ns = &mut self.busy_until_ns[entry as usize];
        let start_ns = (*busy_until_ns).max(now_ns);
        let is_near = start_ns - now_ns < BRAKED_AHEAD_NS;
        let level = self.brakes.as_ref().filter(|_| is_near).map_or(0, |brakes| brakes.level(address));
        *busy_until_ns = start_ns.saturating_add(self.interval_ns.saturating_mul(1 << level));
        let allowed_ns = start_ns.saturating_sub(self.tolerance_ns);
        if allowed_ns <= now_ns { Ok(()) } else { Err(allowed_ns) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probes that get through in 100 s.
    fn passed(limit: &mut NetworkLimit, address: V4) -> u64 {
        let (mut due_ns, mut passed) = (0, 0);
        while due_ns <= 100_000_000_000 {
            due_ns = limit.reserve(address, due_ns).err().unwrap_or(due_ns);
            passed += 1;
        }
        passed
    }

    #[test]
    fn a_brake_divides_the_rate_of_its_network_alone() {
        let brakes = Arc::new(Brakes::default());
        let (braked, free) = (V4(0x0a00_0001), V4(0x0a00_0101));
        brakes.set(braked, 2);
        let mut limit = NetworkLimit::new(8.0, 4).unwrap();
        limit.obey(brakes);
        assert!((200..=202).contains(&passed(&mut limit, braked)), "{}", passed(&mut limit, braked));
        assert!((800..=802).contains(&passed(&mut limit, free)));
    }
}
