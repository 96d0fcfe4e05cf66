//! How busy a network or cluster is over the day, as far as answers have told: a cell per slot, working days and weekends
//! apart, older answers counting less. 32 bytes per cell: 3 KB for 48 slots.

use super::grid::{DayGrid, Place};
use crate::network::congestion::load::SlotDelays;
use crate::network::congestion::service::{STEPS, ServiceTime};

/// Longest delay that is believed, s: beyond it an answer is to something else.
const LONGEST_S: f32 = 120.0;

/// One cell: delays with their age. West's weighted update (CACM 22, 1979) of mean and squares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(32))]
pub(super) struct Cell {
    answers: f32,
    mean_s: f32,
    squares: f32,
    below: [f32; STEPS],
    /// Day up to which the weights are discounted.
    day: i32,
}

const _: () = assert!(size_of::<Cell>() == 32);

/// A profile of congestion.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    cells: Box<[Cell]>,
    steps_s: [f32; STEPS],
    /// What is left of a weight after a day.
    keep_per_day: f32,
}

/// An answer that tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Negative, not a number, or longer than two minutes.
    Absurd,
    /// Its day is long before what the cell has seen: a clock was wrong.
    OutOfOrder,
}

impl Profile {
    /// Empty. Weights halve in `half_life_days`; `service` sets the steps at which excesses are told apart.
    pub fn new(grid: DayGrid, service: &ServiceTime, half_life_days: f32) -> Self {
        Self {
            cells: vec![Cell::default(); grid.cells()].into_boxed_slice(),
            steps_s: steps_s(service),
            keep_per_day: keep_per_day(half_life_days),
        }
    }

    /// Of cells that were filled by themselves.
    pub(super) fn of_cells(cells: Box<[Cell]>, steps_s: [f32; STEPS], half_life_days: f32) -> Self {
        Self { cells, steps_s, keep_per_day: keep_per_day(half_life_days) }
    }

    /// One cell as it was stored.
    pub fn set(&mut self, cell: usize, delays: &SlotDelays, day: i32) {
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell = Cell {
                answers: delays.answers as f32,
                mean_s: delays.mean_s as f32,
                squares: (delays.sd_s * delays.sd_s * delays.answers) as f32,
                below: delays.below.map(|below| below as f32),
                day,
            };
        }
    }

    /// Takes in the excess of one answer over its floor, s. About 10 ns.
    #[inline]
    pub fn add(&mut self, grid: DayGrid, place: Place, excess_s: f32) -> Result<(), Refused> {
        self.cells[grid.cell(place)].add(place.day, excess_s, &self.steps_s, self.keep_per_day)
    }

    /// Adds another's answers: of the same grid and steps. Returns how many cells held any.
    pub fn merge(&mut self, other: &Self) -> u64 {
        let mut merged = 0;
        for (cell, other) in self.cells.iter_mut().zip(&other.cells).filter(|(_, other)| other.answers > 0.0) {
            cell.merge(other, self.keep_per_day);
            merged += 1;
        }
        merged
    }

    /// What a cell holds, for the estimate of its load.
    pub fn delays(&self, cell: usize) -> SlotDelays {
        let cell = &self.cells[cell];
        let answers = f64::from(cell.answers);
        let variance = if cell.answers > 0.0 { f64::from((cell.squares / cell.answers).max(0.0)) } else { 0.0 };
        SlotDelays {
            answers,
            below: cell.below.map(|below| f64::from(below).min(answers)),
            mean_s: f64::from(cell.mean_s.max(0.0)),
            sd_s: variance.sqrt(),
        }
    }

    /// All cells' delays.
    pub fn all_delays(&self) -> Vec<SlotDelays> {
        (0..self.cells.len()).map(|cell| self.delays(cell)).collect()
    }

    /// The last day that a cell has heard of; `None` if it never did.
    pub fn last_day(&self, cell: usize) -> Option<i32> {
        let cell = self.cells.get(cell)?;
        (cell.answers > 0.0).then_some(cell.day)
    }

    /// Share of a cell's answers that had to wait; `None` without answers. Cheap, for comparing networks.
    pub fn busy_share(&self, cell: usize) -> Option<f32> {
        let cell = self.cells.get(cell)?;
        (cell.answers > 0.0).then(|| 1.0 - cell.below[0] / cell.answers)
    }

    /// Bytes of one profile.
    pub fn bytes(grid: DayGrid) -> usize {
        size_of::<Self>() + grid.cells() * size_of::<Cell>()
    }
}

/// What is left of a weight after a day.
pub(super) fn keep_per_day(half_life_days: f32) -> f32 {
    (-1.0 / half_life_days.max(0.1)).exp2()
}

/// Steps at which excesses are told apart.
pub(super) fn steps_s(service: &ServiceTime) -> [f32; STEPS] {
    service.steps_s().map(|step| step as f32)
}

impl Cell {
    /// Takes in the excess of one answer of a day over its floor, s.
    #[inline]
    pub(super) fn add(
        &mut self,
        day: i32,
        excess_s: f32,
        steps_s: &[f32; STEPS],
        keep_per_day: f32,
    ) -> Result<(), Refused> {
        if !(0.0..=LONGEST_S).contains(&excess_s) {
            return Err(Refused::Absurd);
        }
        if self.answers > 0.0 && day != self.day {
            // A day late is the edge of a scan; more is a clock.
            if day < self.day - 1 {
                return Err(Refused::OutOfOrder);
            }
            if day > self.day {
                self.discount(keep_per_day.powi(day - self.day));
                self.day = day;
            }
        } else {
            self.day = day;
        }
        self.answers += 1.0;
        let difference = excess_s - self.mean_s;
        self.mean_s += difference / self.answers;
        self.squares += difference * (excess_s - self.mean_s);
        for (below, step_s) in self.below.iter_mut().zip(steps_s) {
            *below += f32::from(u8::from(excess_s < *step_s));
        }
        Ok(())
    }

    fn discount(&mut self, keep: f32) {
        self.answers *= keep;
        self.squares *= keep;
        self.below = self.below.map(|below| below * keep);
    }

    fn merge(&mut self, other: &Self, keep_per_day: f32) {
        if self.answers <= 0.0 {
            *self = *other;
            return;
        }
        let mut other = *other;
        match other.day - self.day {
            days @ 1.. => {
                self.discount(keep_per_day.powi(days));
                self.day = other.day;
            }
            days => other.discount(keep_per_day.powi(-days)),
        }
        // Chan, Golub, LeVeque (1979): joining two means and sums of squares.
        let answers = self.answers + other.answers;
        let difference = other.mean_s - self.mean_s;
        self.squares += other.squares + difference * difference * self.answers * other.answers / answers;
        self.mean_s += difference * other.answers / answers;
        self.answers = answers;
        for (below, other) in self.below.iter_mut().zip(other.below) {
            *below += other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::congestion::medium::Medium;

    fn profile() -> (DayGrid, Profile) {
        let grid = DayGrid::new(24, 0).unwrap();
        (grid, Profile::new(grid, &ServiceTime::of(Medium::Wired, 60.0), 7.0))
    }

    fn at(day: i32) -> Place {
        Place { day, slot: 5, weekend: false }
    }

    #[test]
    fn newer_answers_count_more() {
        let (grid, mut profile) = profile();
        for _ in 0..100 {
            profile.add(grid, at(100), 0.010).unwrap();
        }
        for _ in 0..100 {
            profile.add(grid, at(107), 0.040).unwrap();
        }
        let delays = profile.delays(5);
        // 50 old ones are left beside 100 new ones.
        assert!((delays.answers - 150.0).abs() < 0.1 && (delays.mean_s - 0.030).abs() < 1e-4, "{delays:?}");
        assert!((delays.sd_s - 0.010 * 2_f64.sqrt()).abs() < 1e-4, "{delays:?}");
        assert_eq!(profile.last_day(5), Some(107));
    }

    #[test]
    fn nonsense_is_refused_and_leaves_no_trace() {
        let (grid, mut profile) = profile();
        profile.add(grid, at(100), 0.010).unwrap();
        let before = profile.clone();
        for excess_s in [-0.001, f32::NAN, f32::INFINITY, 1e9] {
            assert_eq!(profile.add(grid, at(100), excess_s), Err(Refused::Absurd));
        }
        assert_eq!(profile.add(grid, at(50), 0.010), Err(Refused::OutOfOrder));
        assert_eq!(profile, before);
    }

    #[test]
    fn merging_equals_adding() {
        let (grid, mut both) = profile();
        let (mut one, mut other) = (both.clone(), both.clone());
        for index in 0..200 {
            let (excess_s, day) = (0.0001 * index as f32, 100 + index / 100);
            both.add(grid, at(day), excess_s).unwrap();
            if index % 3 == 0 { &mut one } else { &mut other }.add(grid, at(day), excess_s).unwrap();
        }
        one.merge(&other);
        let (joined, added) = (one.delays(5), both.delays(5));
        assert!((joined.answers - added.answers).abs() < 1e-2 && (joined.mean_s - added.mean_s).abs() < 1e-6);
        assert!((joined.sd_s - added.sd_s).abs() < 1e-5, "{joined:?} {added:?}");
    }
}
