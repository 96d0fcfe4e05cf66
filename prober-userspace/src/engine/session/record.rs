//! What the store is told of how a session goes, once a second. It never waits: while the store is slow some of it is not
//! told, and the next time makes up for that - counters are told as they stand, and what was sent is told since the last
//! time that it was taken.

use crate::io::clock::utc_now;
use crate::io::store::{CounterValue, StoreCommand};
use crate::io::sys::monotonic_ns;
use crate::model::utc::ClockOffset;

/// What the store knows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recorded {
    sent: u64,
    lost: u64,
}

impl Recorded {
    /// Tells it how many probes were sent and replies lost since the beginning, and the counters; `put` says whether it took
    /// a command.
    pub(super) fn tell(
        &mut self,
        sent: u64,
        lost: u64,
        values: Vec<CounterValue>,
        mut put: impl FnMut(StoreCommand) -> bool,
    ) {
        let now_ns = monotonic_ns();
        put(StoreCommand::Clock(ClockOffset::between(utc_now(), now_ns)));
        let lost_since = u32::try_from(lost - self.lost).unwrap_or(u32::MAX);
        if put(StoreCommand::Rate { ended_ns: now_ns, sent: sent - self.sent, lost: lost_since }) {
            *self = Self { sent, lost };
        }
        put(StoreCommand::Counters(values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_taken_is_made_up_for() {
        let mut recorded = Recorded::default();
        let mut told = (0, 0);
        for (second, is_taken) in (1..).zip([true, false, false, true, false, true]) {
            recorded.tell(1_000 * second, second, Vec::new(), |command| {
                if let (StoreCommand::Rate { sent, lost, .. }, true) = (&command, is_taken) {
                    told = (told.0 + sent, told.1 + lost);
                }
                is_taken
            });
        }
        assert_eq!(told, (6_000, 6));
    }
}
