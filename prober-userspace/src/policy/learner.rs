//! Learns profiles from answers, one by one: floor of each address, excess over it, slot, profile of the address's
//! network. 12 bytes or so per answering address besides its networks' profiles.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::clock_guard::ClockGuard;
use super::grid::DayGrid;
use super::profile::{Cell, Profile, Refused, keep_per_day, steps_s};
use crate::model::utc::UtcMicros;
use crate::network::congestion::service::{STEPS, ServiceTime};

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

/// Answers that are looked up together, so that the look-ups' waits for memory overlap.
const BLOCK: usize = 32;

/// The profiles of all networks while they are learnt. Cells lie slot by slot, not network by network: answers come in the order
/// of time, and the cells of one slot are few pages.
#[derive(Debug)]
pub struct Learner {
    config: LearnerConfig,
    keep_per_day: f32,
    /// The least delay of each address, s.
    floors: HashMap<u32, f32>,
    cells: Vec<Cell>,
    /// Of each network.
    steps_s: Vec<[f32; STEPS]>,
    guard: ClockGuard,
    counts: LearnerCounts,
}

/// What an answer changes, once its floor is known.
#[derive(Clone, Copy, Debug, Default)]
struct Update {
    network: u32,
    cell: usize,
    day: i32,
    excess_s: f32,
}

impl Learner {
    /// For networks with these service times, numbered in this order.
    pub fn new(config: LearnerConfig, services: &[ServiceTime], guard: ClockGuard) -> Self {
        Self {
            config,
            keep_per_day: keep_per_day(config.half_life_days),
            floors: HashMap::new(),
            cells: vec![Cell::default(); config.grid.cells() * services.len()],
            steps_s: services.iter().map(steps_s).collect(),
            guard,
            counts: LearnerCounts::default(),
        }
    }

    /// Gives the floor of an address that is known from elsewhere, s.
    pub fn set_floor(&mut self, address: u32, delay_s: f32) {
        self.floors.insert(address, delay_s);
    }

    /// Whether the floor of an address is known.
    pub fn has_floor(&self, address: u32) -> bool {
        self.floors.contains_key(&address)
    }

    /// Takes in an answer. About 100 ns with many addresses (one look into a large table), less with few.
    #[inline]
    pub fn learn(&mut self, answer: &Answer) {
        if let Some(update) = self.checked(answer) {
            self.add(update);
        }
    }

    /// Takes in answers in this order: the same as one by one, but look-ups of a block wait for memory together.
    pub fn learn_all(&mut self, answers: &[Answer]) {
        self.learn_blocks(answers, Self::checked);
    }

    /// The same for answers whose time is known to be right: of the store, which has but one clock.
    pub fn learn_all_checked(&mut self, answers: &[Answer]) {
        self.learn_blocks(answers, |learner, answer| learner.update(answer, answer.at));
    }

    #[inline]
    fn learn_blocks(&mut self, answers: &[Answer], update: impl Fn(&mut Self, &Answer) -> Option<Update>) {
        let mut updates = [Update::default(); BLOCK];
        for block in answers.chunks(BLOCK) {
            let mut made = 0;
            for answer in block {
                if let Some(update) = update(self, answer) {
                    updates[made] = update;
                    made += 1;
                }
            }
            for update in &updates[..made] {
                self.add(*update);
            }
        }
    }

    #[inline]
    fn checked(&mut self, answer: &Answer) -> Option<Update> {
        let Some(at) = self.guard.check(answer.at, answer.monotonic_ns) else {
            self.counts.clock_disagreed += 1;
            return None;
        };
        self.update(answer, at)
    }

    /// Moves the floor; says what is left to be done.
    #[inline]
    fn update(&mut self, answer: &Answer, at: UtcMicros) -> Option<Update> {
        let is_sound = answer.delay_s >= 0.0 && answer.delay_s.is_finite();
        if !is_sound || answer.network as usize >= self.steps_s.len() {
            self.counts.absurd += 1;
            return None;
        }
        let floor = match self.floors.entry(answer.address) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(first) => {
                // Nothing to compare it with.
                first.insert(answer.delay_s);
                self.counts.first += 1;
                return None;
            }
        };
        *floor = if answer.delay_s < *floor { answer.delay_s } else { *floor + (answer.delay_s - *floor) * FLOOR_RISE };
        let excess_s = (answer.delay_s - *floor).max(0.0);
        let place = self.config.grid.place(at);
        let cell = self.config.grid.cell(place) * self.steps_s.len() + answer.network as usize;
        Some(Update { network: answer.network, cell, day: place.day, excess_s })
    }

    #[inline]
    fn add(&mut self, update: Update) {
        let Update { network, cell, day, excess_s } = update;
        let steps_s = &self.steps_s[network as usize];
        match self.cells[cell].add(day, excess_s, steps_s, self.keep_per_day) {
            Ok(()) => self.counts.learnt += 1,
            Err(Refused::Absurd) => self.counts.absurd += 1,
            Err(Refused::OutOfOrder) => self.counts.out_of_order += 1,
        }
    }

    /// What became of the answers so far.
    pub fn counts(&self) -> LearnerCounts {
        self.counts
    }

    /// The profiles as they are, in the order of their networks.
    pub fn profiles(&self) -> Vec<Profile> {
        let networks = self.steps_s.len();
        let cells = |network| self.cells.iter().skip(network).step_by(networks).copied().collect();
        let profile = |network| Profile::of_cells(cells(network), self.steps_s[network], self.config.half_life_days);
        (0..networks).map(profile).collect()
    }

    /// Bytes held per answering address, as the table is filled now.
    pub fn bytes_per_address(&self) -> f64 {
        let bytes = self.floors.capacity() * (size_of::<(u32, f32)>() + 1);
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
    fn many_at_once_are_the_same_as_one_by_one() {
        let config = LearnerConfig { grid: DayGrid::new(24, 0).unwrap(), half_life_days: 7.0 };
        let services = [Medium::Wired, Medium::Lora].map(|medium| ServiceTime::of(medium, 60.0));
        let new = || Learner::new(config, &services, ClockGuard::new(UtcMicros(MONDAY_NOON), 0));
        let (mut single, mut all, mut all_checked) = (new(), new(), new());
        let answers: Vec<Answer> = (0..1_000)
            .map(|index| {
                let delay_s = if index % 97 == 0 { -1.0 } else { 0.01 + 0.001 * (index * 7 % 31) as f32 };
                Answer { address: index as u32 % 13, network: index as u32 % 3, ..answer(index * 100, delay_s) }
            })
            .collect();
        for answer in &answers {
            single.learn(answer);
        }
        all.learn_all(&answers);
        assert_eq!(all.counts(), single.counts());
        assert_eq!(all.profiles(), single.profiles());
        // In parts that are no blocks, as they come from the store.
        answers.chunks(77).for_each(|part| all_checked.learn_all_checked(part));
        assert_eq!(all_checked.counts(), single.counts());
        assert_eq!(all_checked.profiles(), single.profiles());
        assert!(all.counts().learnt > 500 && all.counts().absurd > 300, "{:?}", all.counts());
    }

    #[test]
    fn a_clock_step_and_nonsense_change_no_profile() {
        let mut learner = learner();
        learner.learn(&answer(0, 0.020));
        learner.learn(&answer(1, 0.020));
        let before = learner.profiles();
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
