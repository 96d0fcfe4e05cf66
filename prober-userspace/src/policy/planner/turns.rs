//! Turns within a rate: who may go now, and how long the others wait, each for a turn of its own.

/// Probes that were handed out, and those that wait, within a rate. In probes, so that a rate that rises later pays them
/// sooner.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    /// Probes a second; 0: no limit.
    pub(super) rate_pps: f64,
    /// Handed out, but not sent yet at this rate.
    debt: f64,
    /// Of visits that were put off.
    put_off: f64,
    at_s: f64,
}

impl Turns {
    /// How long a visit has to wait, in s; `None`: it may go. So many seconds may be handed out ahead of the rate.
    pub(super) fn wait_s(&mut self, now_s: f64, ahead_s: f64) -> Option<f64> {
        if self.rate_pps <= 0.0 {
            return None;
        }
        self.settle(now_s);
        let is_free = self.debt <= self.rate_pps * ahead_s;
        (!is_free).then(|| (self.debt + self.put_off) / self.rate_pps)
    }

    /// A visit of about so many probes waits for its turn.
    pub(super) fn put_off(&mut self, probes: f64) {
        self.put_off += probes;
    }

    /// A visit goes.
    pub(super) fn charge(&mut self, now_s: f64, probes: usize) {
        if self.rate_pps > 0.0 {
            self.settle(now_s);
            self.debt += probes as f64;
        }
    }

    /// Brings the counts to this second.
    fn settle(&mut self, now_s: f64) {
        let paid = (now_s - self.at_s).max(0.0) * self.rate_pps;
        self.debt = (self.debt - paid).max(0.0);
        self.put_off = (self.put_off - paid).max(0.0);
        self.at_s = self.at_s.max(now_s);
    }
}
