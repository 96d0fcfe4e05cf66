//! The evidence that answers are late more often than usual: Page's cumulative sum (Biometrika 41, 1954) of the logarithm
//! of the likelihood ratio of "late far more often" to "late as often as ever", never below 0. False alarms are at least
//! e^[`ALARM`] answers apart on average (Lorden, Ann. Math. Stat. 42, 1971), if answers are late independently of each
//! other.

/// Evidence at which delays have risen, nats: one false alarm in a million answers.
pub const ALARM: f32 = 14.0;
/// During a rise an answer comes in time so many times less often.
const RARER_IN_TIME: f32 = 5.0;

/// The sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    nats: f32,
}

impl Evidence {
    /// An answer was late or in time, where a share `usual` of them is late (above 0, below 1); `weight` is what it counts.
    pub fn add(&mut self, is_late: bool, usual: f32, weight: f32) {
        let in_time = (1.0 - usual) / RARER_IN_TIME;
        let ratio = if is_late { ((1.0 - in_time) / usual).ln() } else { -RARER_IN_TIME.ln() };
        // No more than the alarm, so that a few answers in time end it.
        self.nats = (self.nats + weight * ratio).clamp(0.0, ALARM);
    }

    /// 0 to [`ALARM`].
    pub fn nats(self) -> f32 {
        self.nats
    }

    /// A quarter of the way to the alarm, or more.
    pub fn is_unusual(self) -> bool {
        self.nats >= ALARM / 4.0
    }

    /// Half way to the alarm, or more.
    pub fn is_suspicious(self) -> bool {
        self.nats >= ALARM / 2.0
    }
}
