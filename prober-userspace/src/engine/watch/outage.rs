//! Tells an outage on the way from hosts that went: when address after address that is known to answer is silent, it is not
//! they who are gone. Until one answers, nothing is learnt from silence and only a trickle is sent.

use std::time::{Duration, Instant};

/// Addresses known to answer that are silent one after the other. In ordinary times far less than half of them are.
const SILENT_MOST: u32 = 64;
/// When nothing has answered for so long, that is how it is: seconds of the watch's clock.
const BELIEVED_S: f64 = 12.0 * 3_600.0;
/// While it lasts, so many visits a second of the wall clock look whether it is over.
pub(super) const TRICKLE: usize = 16;
const EVERY: Duration = Duration::from_secs(1);
/// When an interrupted visit is due again, s of the watch's clock.
pub(super) const AGAIN_S: u32 = 600;

/// What is thought of the way.
#[derive(Debug, Default)]
pub(super) struct Outage {
    silent: u32,
    /// Since which second of the watch's clock it lasts.
    since_s: Option<f64>,
    /// It lasted so long that it is believed.
    is_believed: bool,
    tried: Option<Instant>,
}

impl Outage {
    /// A visit to an address that is known to answer is over.
    pub(super) fn note(&mut self, answers: bool, now_s: f64) {
        if answers {
            *self = Self::default();
            return;
        }
        self.silent = self.silent.saturating_add(1);
        if self.silent >= SILENT_MOST && self.since_s.is_none() && !self.is_believed {
            self.since_s = Some(now_s);
        }
    }

    /// Whether it lasts.
    pub(super) fn lasts(&mut self, now_s: f64) -> bool {
        if self.since_s.is_some_and(|since_s| now_s >= since_s + BELIEVED_S) {
            self.since_s = None;
            self.is_believed = true;
        }
        self.since_s.is_some()
    }

    /// Whether the next of the trickle may go.
    pub(super) fn may_try(&mut self, now: Instant) -> bool {
        let may = self.tried.is_none_or(|tried| now >= tried + EVERY);
        if may {
            self.tried = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_row_of_silence_is_an_outage_and_one_answer_ends_it() {
        let mut outage = Outage::default();
        for visit in 0..10_000 {
            // Nine in ten hosts went, which is more than ever happens.
            outage.note(visit % 10 == 0, 0.0);
            assert!(!outage.lasts(0.0));
        }
        for _ in 0..SILENT_MOST {
            outage.note(false, 100.0);
        }
        assert!(outage.lasts(100.0));
        outage.note(true, 200.0);
        assert!(!outage.lasts(200.0));
    }

    #[test]
    fn what_lasts_for_half_a_day_is_believed_until_something_answers() {
        let mut outage = Outage::default();
        for _ in 0..SILENT_MOST {
            outage.note(false, 0.0);
        }
        assert!(outage.lasts(BELIEVED_S - 1.0) && !outage.lasts(BELIEVED_S));
        for _ in 0..SILENT_MOST {
            outage.note(false, BELIEVED_S);
        }
        assert!(!outage.lasts(BELIEVED_S));
        outage.note(true, BELIEVED_S);
        for _ in 0..SILENT_MOST {
            outage.note(false, BELIEVED_S);
        }
        assert!(outage.lasts(BELIEVED_S));
    }

    #[test]
    fn a_trickle_goes_on() {
        let (mut outage, now) = (Outage::default(), Instant::now());
        assert!(outage.may_try(now) && !outage.may_try(now) && outage.may_try(now + EVERY));
    }
}
