//! What delay is usual and how often more than that comes, followed from answer to answer.

/// An answer that takes so much longer than usual is late, s: less is no queue of ours.
const LATE_S: f32 = 0.1;
/// Part of the way that the level goes to a longer and to a shorter delay. It settles at the 75 % expectile (Newey and
/// Powell 1987): above most answers, below the rare ones.
const UP: f32 = 0.15;
const DOWN: f32 = 0.05;
/// Answers after which older ones count less.
const MEMORY: f32 = 1_000.0;
/// Before anything is seen: as if of so many answers this share had been late.
const PRIOR_ANSWERS: f32 = 10.0;
const PRIOR_SHARE: f32 = 0.2;
/// Nothing is rarer than this.
const LEAST_SHARE: f32 = 0.03;
/// Nothing is more frequent.
const MOST_SHARE: f32 = 0.9;

/// How far a level may follow a delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapt {
    /// Both ways.
    Follow,
    /// Only down: a rise is suspected.
    Hold,
    /// Up at once: the rise has become usual.
    Accept,
}

/// The delay up to which answers are in time. 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsualDelay {
    level_s: f32,
}

impl Default for UsualDelay {
    /// Not known.
    fn default() -> Self {
        Self { level_s: -1.0 }
    }
}

impl UsualDelay {
    /// After one answer.
    pub fn beginning(delay_s: f32) -> Self {
        Self { level_s: delay_s }
    }

    /// Whether there was an answer.
    pub fn is_known(self) -> bool {
        self.level_s >= 0.0
    }

    /// s.
    pub fn level_s(self) -> f32 {
        self.level_s
    }

    /// Whether that is more than usual.
    pub fn is_late(self, delay_s: f32) -> bool {
        delay_s > self.level_s + LATE_S
    }

    /// Takes an answer in.
    pub fn learn(&mut self, delay_s: f32, adapt: Adapt) {
        let part = match (delay_s > self.level_s, adapt) {
            (false, _) => DOWN,
            (true, Adapt::Follow) => UP,
            (true, Adapt::Hold) => 0.0,
            (true, Adapt::Accept) => 1.0,
        };
        self.level_s += part * (delay_s - self.level_s);
    }
}

/// How often answers are late without any reason. 8 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct LateShare {
    late: f32,
    answers: f32,
}

impl LateShare {
    /// Takes an answer in.
    pub fn learn(&mut self, is_late: bool) {
        if self.answers >= MEMORY {
            self.late /= 2.0;
            self.answers /= 2.0;
        }
        self.answers += 1.0;
        self.late += f32::from(u8::from(is_late));
    }

    /// The share.
    pub fn share(self) -> f32 {
        Self::bounded((self.late + PRIOR_ANSWERS * PRIOR_SHARE) / (self.answers + PRIOR_ANSWERS))
    }

    /// A share that evidence can be weighed by.
    pub fn bounded(share: f32) -> f32 {
        share.clamp(LEAST_SHARE, MOST_SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_lies_above_most_answers_and_below_the_rare_ones() {
        let mut usual = UsualDelay::beginning(0.1);
        for index in 0..2_000 {
            usual.learn(if index % 10 == 0 { 2.0 } else { 0.1 }, Adapt::Follow);
        }
        assert!((0.2..1.0).contains(&usual.level_s()) && usual.is_late(2.0) && !usual.is_late(0.1), "{usual:?}");
    }

    #[test]
    fn a_level_on_hold_goes_down_only_and_an_accepted_one_up_at_once() {
        let mut usual = UsualDelay::beginning(0.5);
        usual.learn(3.0, Adapt::Hold);
        assert!((usual.level_s() - 0.5).abs() < 1e-6);
        usual.learn(0.4, Adapt::Hold);
        assert!((usual.level_s() - 0.495).abs() < 1e-6);
        usual.learn(3.0, Adapt::Accept);
        assert!((usual.level_s() - 3.0).abs() < 1e-6);
    }

    #[test]
    fn the_share_is_careful_first_and_learnt_then() {
        let mut share = LateShare::default();
        assert!((share.share() - PRIOR_SHARE).abs() < 1e-6);
        for index in 0..5_000 {
            share.learn(index % 4 == 0);
        }
        assert!((share.share() - 0.25).abs() < 0.02, "{share:?}");
        for _ in 0..5_000 {
            share.learn(false);
        }
        assert!((share.share() - LEAST_SHARE).abs() < 1e-6, "{share:?}");
    }
}
