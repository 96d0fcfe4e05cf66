//! The interval that the kernel keeps between probes at high rates, corrected so that what a stall cost is made up for,
//! slowly. Pure: the caller brings the time.

/// What is made up for per second at most: 8 probes in any 10 ms, which with the kernel's own burst of 52 stays below
/// 64 above the rate's share.
const SURPLUS_PPS: f64 = 800.0;
/// A longer stall than this is forgotten, in ns.
const DEBT_MAX_NS: f64 = 1e9;

/// Long-term accounting of a rate.
#[derive(Clone, Copy, Debug)]
pub struct Spacing {
    rate_pps: f64,
    surplus_pps: f64,
    owed: f64,
    last_ns: u64,
}

impl Spacing {
    /// One of `senders` that together send `rate_pps * senders`, starting now.
    pub fn new(rate_pps: f64, senders: u32, now_ns: u64) -> Self {
        Self { rate_pps, surplus_pps: SURPLUS_PPS / f64::from(senders), owed: 0.0, last_ns: now_ns }
    }

    /// The interval for the next probes, ns, while `unsent` of those counted by [`sent`](Self::sent) still wait.
    pub fn interval_ns(&mut self, now_ns: u64, unsent: usize) -> f64 {
        let elapsed_ns = now_ns.saturating_sub(self.last_ns) as f64;
        self.last_ns = now_ns;
        let most = self.rate_pps * DEBT_MAX_NS / 1e9;
        self.owed = (self.owed + elapsed_ns * self.rate_pps / 1e9).min(most);
        // A debt of a hundredth of a second is repaid at full surplus, a smaller one more gently; credit likewise.
        let owed = self.owed + unsent as f64;
        let correction = (owed / (self.rate_pps / 100.0)).clamp(-1.0, 1.0);
        1e9 / (self.rate_pps + correction * self.surplus_pps.min(self.rate_pps / 10.0))
    }

    /// Probes were sent.
    pub fn sent(&mut self, probes: usize) {
        self.owed -= probes as f64;
    }

    /// There was nothing to send until `now_ns`.
    pub fn forgive(&mut self, now_ns: u64) {
        self.last_ns = now_ns;
        self.owed = self.owed.min(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sender that takes 20 us more per call than the interval, and now and then stalls, still keeps the rate.
    #[test]
    fn stalls_are_made_up_for() {
        let rate_pps = 1_000_000.0;
        let mut spacing = Spacing::new(rate_pps, 1, 0);
        let (mut now_ns, mut sent) = (0_u64, 0_u64);
        while now_ns < 20_000_000_000 {
            let interval_ns = spacing.interval_ns(now_ns, 0);
            assert!(interval_ns >= 1e9 / (rate_pps + SURPLUS_PPS) - 1e-6);
            spacing.sent(512);
            sent += 512;
            now_ns += (512.0 * interval_ns) as u64;
            if sent % 512_000 == 0 {
                now_ns += 500_000;
            }
        }
        let error = sent as f64 / (now_ns as f64 / 1e9) / rate_pps - 1.0;
        assert!(error.abs() < 0.005, "{error}");
    }
}
