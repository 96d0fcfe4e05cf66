//! When to say that the plan cannot be met, and that it can again: once each, and not while it hovers.

use std::time::Duration;

/// For so long it must be the other way.
const SETTLED: Duration = Duration::from_mins(1);

/// What was said last.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdviceLog {
    has_advice: bool,
    differs_since: Option<Duration>,
}

impl AdviceLog {
    /// Whether there is advice at `now`, any time that goes forward. Gives that back when it is to be said.
    pub fn look(&mut self, has_advice: bool, now: Duration) -> Option<bool> {
        if has_advice == self.has_advice {
            self.differs_since = None;
            return None;
        }
        if now < *self.differs_since.get_or_insert(now) + SETTLED {
            return None;
        }
        *self = Self { has_advice, differs_since: None };
        Some(has_advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_said_once_when_it_lasts() {
        let mut log = AdviceLog::default();
        let mut said = Vec::new();
        for second in 0..1_000_u64 {
            // Hovers, stays, goes.
            let has_advice = if second < 300 { second % 20 < 10 } else { second < 600 };
            said.extend(log.look(has_advice, Duration::from_secs(second)).map(|has_advice| (second, has_advice)));
        }
        assert_eq!(said, [(360, true), (660, false)]);
    }
}
