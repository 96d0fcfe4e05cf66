//! Learns profiles from answers, one by one: floor of each address, excess over it, slot, profile of the address's
//! network. 16 bytes per answering address besides its networks' profiles.

use hashbrown::HashMap;

use super::clock_guard::ClockGuard;
use super::grid::DayGrid;
use super::profile::{Profile, Refused};
use crate::model::utc::UtcMicros;
use crate::network::congestion::service::ServiceTime;

/// How much of a floor is given up per answer that lies above it, so that a new route becomes the floor in time.
const FLOOR_RISE: f32 = 1e-4;

/// How profiles are learnt.
#[derive(Clone, Copy, Debug)]
pub struct LearnerConfig {
    /// The day.
    pub grid: DayGrid,
    /// Days in which a weight halves.
    pub half_life_days: f32,
}

/// One answer to one of our probes.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Who answered.
    pub address: u32,
    /// Its access network; numbers are the caller's, from 0 without gaps.
    pub network: u32,
    /// When, by the wall clock.
    pub at: UtcMicros,
    /// When, by the monotonic clock.
    pub monotonic_ns: u64,
    /// Delay, s, with or without the wide-area part.
    pub delay_s: f32,
}

/// What became of the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LearnerCounts {
    /// Taken in.
    pub learnt: u64,
    /// First of their address: they gave its floor.
    pub first: u64,
    /// Negative, not a number or absurdly long.
    pub absurd: u64,
    /// Long before what the profile has seen.
    pub out_of_order: u64,
    /// While wall clock and monotonic clock disagreed.
    pub clock_disagreed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Floor {
    delay_s: f32,
    network: u32,
}

/// The profiles of all networks.
#[derive(Debug)]
pub struct Learner {
    config: LearnerConfig,
    floors: HashMap<u32, Floor>,
    profiles: Vec<Profile>,
    guard: ClockGuard,
    counts: LearnerCounts,
}

impl Learner {
    /// For networks with these service times, numbered in this order.
    pub fn new(config: LearnerConfig, services: &[ServiceTime], guard: ClockGuard) -> Self {
        let profiles =
            services.iter().map(|service| Profile::new(config.grid, service, config.half_life_days)).collect();
        Self { config, floors: HashMap::new(), profiles, guard, counts: LearnerCounts::default() }
    }

    /// Gives the floor of an address that is known from elsewhere, s.
    pub fn set_floor(&mut self, address: u32, network: u32, delay_s: f32) {
        self.floors.insert(address, Floor { delay_s, network });
    }

    /// Takes in an answer. About 100 ns with many addresses (one look into a large table), less with few.
    #[inline]
    pub fn learn(&mut self, answer: &Answer) {
        let Some(at) = self.guard.check(answer.at, answer.monotonic_ns) else {
            self.counts.clock_disagreed += 1;
            return;
        };
        self.learn_checked(&Answer { at, ..*answer });
    }

    /// The same for an answer whose time is known to be right: of the store, which has but one clock.
    #[inline]
    pub fn learn_checked(&mut self, answer: &Answer) {
        if !(answer.delay_s >= 0.0 && answer.delay_s.is_finite()) {
            self.counts.absurd += 1;
            return;
        }
        let Some(profile) = self.profiles.get_mut(answer.network as usize) else {
            self.counts.absurd += 1;
            return;
        };
        let mut first = false;
        let floor = self.floors.entry(answer.address).or_insert_with(|| {
            first = true;
            Floor { delay_s: answer.delay_s, network: answer.network }
        });
        floor.network = answer.network;
        floor.delay_s = if answer.delay_s < floor.delay_s {
            answer.delay_s
        } else {
            floor.delay_s + (answer.delay_s - floor.delay_s) * FLOOR_RISE
        };
        if first {
            // Nothing to compare it with.
            self.counts.first += 1;
            return;
        }
        let place = self.config.grid.place(answer.at);
        match profile.add(self.config.grid, place, (answer.delay_s - floor.delay_s).max(0.0)) {
            Ok(()) => self.counts.learnt += 1,
            Err(Refused::Absurd) => self.counts.absurd += 1,
            Err(Refused::OutOfOrder) => self.counts.out_of_order += 1,
        }
    }

    /// What became of the answers so far.
    pub fn counts(&self) -> LearnerCounts {
        self.counts
    }

    /// The profiles, in their order.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// Bytes held per answering address, as the table is filled now.
    pub fn bytes_per_address(&self) -> f64 {
        let bytes = self.floors.capacity() * (size_of::<(u32, Floor)>() + 1);
        bytes as f64 / self.floors.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::congestion::medium::Medium;

    const MONDAY_NOON: i64 = 1_794_830_400_000_000;

    fn learner() -> Learner {
        let config = LearnerConfig { grid: DayGrid::new(24, 0).unwrap(), half_life_days: 7.0 };
        let guard = ClockGuard::new(UtcMicros(MONDAY_NOON), 0);
        Learner::new(config, &[ServiceTime::of(Medium::Wired, 60.0)], guard)
    }

    fn answer(second: i64, delay_s: f32) -> Answer {
        let monotonic_ns = second as u64 * 1_000_000_000;
        Answer { address: 7, network: 0, at: UtcMicros(MONDAY_NOON + second * 1_000_000), monotonic_ns, delay_s }
    }

    #[test]
    fn delays_over_the_floor_reach_the_slot() {
        let mut learner = learner();
        for (second, delay_s) in [(0, 0.020), (1, 0.025), (2, 0.020)] {
            learner.learn(&answer(second, delay_s));
        }
        let delays = learner.profiles()[0].delays(12);
        assert!((delays.answers - 2.0).abs() < 1e-6 && (delays.mean_s - 0.0025).abs() < 1e-5, "{delays:?}");
        assert_eq!(learner.counts(), LearnerCounts { learnt: 2, first: 1, ..LearnerCounts::default() });
    }

    #[test]
    fn a_clock_step_and_nonsense_change_no_profile() {
        let mut learner = learner();
        learner.learn(&answer(0, 0.020));
        learner.learn(&answer(1, 0.020));
        let before = learner.profiles().to_vec();
        let stepped = |hours: i64| Answer { at: UtcMicros(MONDAY_NOON + hours * 3_600_000_000), ..answer(2, 0.9) };
        for hours in [-20_000, -3, 3, 20_000] {
            learner.learn(&stepped(hours));
        }
        for delay_s in [-1.0, f32::NAN, f32::INFINITY, 1e6] {
            learner.learn(&answer(3, delay_s));
        }
        learner.learn(&Answer { network: 9, ..answer(3, 0.020) });
        assert_eq!(learner.profiles(), before);
        let counts = learner.counts();
        assert_eq!((counts.clock_disagreed, counts.absurd), (4, 5));
    }
}
