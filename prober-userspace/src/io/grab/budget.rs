//! What one host may cost in all its ports: a time, and a number of ports in a row that let no connection come about. Of one
//! with a thousand tarpits the rest is given up, instead of being asked for hours. Time spent waiting for a turn or for a
//! socket is ours and costs it nothing. Pure: times come in as arguments.

use std::collections::HashMap;
use std::time::Duration;

use prober_common::address::V4;

/// Ports in a row without a connection, after which nobody is taken to be there any more.
const UNREACHED_PORTS: u32 = 8;
/// A host that took up its time is asked again after so long: a scan is over then, and a watch never is.
const FORGIVEN: Duration = Duration::from_hours(1);
/// Hosts that are remembered from one visit to the next: those that have cost most come first.
const REMEMBERED: usize = 1 << 16;

/// What a host has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    spent: Duration,
    unreached: u32,
    /// When the account was opened, since the run began.
    opened: Duration,
}

impl Budget {
    /// A connection took so long.
    pub fn spend(&mut self, took: Duration) {
        self.spent += took;
    }

    /// A port is done with; `reached` if anything at all came back.
    pub fn note_port(&mut self, reached: bool) {
        self.unreached = if reached { 0 } else { self.unreached + 1 };
    }

    /// Whether a port may be tried in more than one way: for the first half of the time.
    pub fn allows_more_attempts(&self, limit: Duration) -> bool {
        self.spent < limit / 2
    }

    /// Whether the host's other ports are to be left alone.
    pub fn is_used_up(&self, limit: Duration) -> bool {
        self.spent >= limit || self.unreached >= UNREACHED_PORTS
    }
}

/// Budgets of hosts that come back, as they do while a scan goes on finding ports.
#[derive(Debug, Default)]
pub struct Budgets(HashMap<V4, Budget>);

impl Budgets {
    /// What is left from earlier visits at `now`, a time since the run began.
    pub fn take(&mut self, address: V4, now: Duration) -> Budget {
        let known = self.0.remove(&address).filter(|budget| now.saturating_sub(budget.opened) < FORGIVEN);
        known.unwrap_or(Budget { opened: now, ..Budget::default() })
    }

    /// Remembers a host, if it has cost anything worth it. When there is no room, those that are forgiven or have cost less
    /// than half of their limit are forgotten.
    pub fn keep(&mut self, address: V4, budget: Budget, limit: Duration, now: Duration) {
        if budget.spent < limit / 16 && budget.unreached == 0 {
            return;
        }
        if self.0.len() >= REMEMBERED {
            let counts = |other: &Budget| now.saturating_sub(other.opened) < FORGIVEN;
            self.0.retain(|_, other| counts(other) && !other.allows_more_attempts(limit));
        }
        if self.0.len() < REMEMBERED {
            self.0.insert(address, budget);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(80);
    const NOW: Duration = Duration::from_secs(7);

    #[test]
    fn time_and_dead_ports_use_it_up() {
        let mut budget = Budget::default();
        budget.spend(LIMIT / 2);
        assert!(!budget.allows_more_attempts(LIMIT) && !budget.is_used_up(LIMIT));
        budget.spend(LIMIT / 2);
        assert!(budget.is_used_up(LIMIT));
        let mut budget = Budget::default();
        (0..UNREACHED_PORTS - 1).for_each(|_| budget.note_port(false));
        budget.note_port(true);
        (0..UNREACHED_PORTS - 1).for_each(|_| budget.note_port(false));
        assert!(!budget.is_used_up(LIMIT));
        budget.note_port(false);
        assert!(budget.is_used_up(LIMIT));
    }

    #[test]
    fn hosts_that_come_back_do_not_begin_anew_and_memory_is_bounded() {
        let mut budgets = Budgets::default();
        let mut dear = budgets.take(V4(1), NOW);
        dear.spend(LIMIT);
        budgets.keep(V4(1), dear, LIMIT, NOW);
        budgets.keep(V4(2), Budget::default(), LIMIT, NOW);
        assert_eq!(budgets.0.len(), 1, "a cheap host is not worth remembering");
        let mut cheap = Budget::default();
        cheap.spend(LIMIT / 8);
        for address in 10..10 + 2 * REMEMBERED as u32 {
            budgets.keep(V4(address), cheap, LIMIT, NOW);
        }
        assert!(budgets.0.len() <= REMEMBERED);
        let dear = budgets.take(V4(1), NOW);
        assert!(dear.is_used_up(LIMIT));
        assert_eq!(budgets.take(V4(1), NOW), Budget { opened: NOW, ..Budget::default() });
        budgets.keep(V4(1), dear, LIMIT, NOW);
        assert!(!budgets.take(V4(1), NOW + FORGIVEN).is_used_up(LIMIT), "a watch that runs for years asks again");
    }
}
