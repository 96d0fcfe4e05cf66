//! The quiet hours of clusters: into which slot of the day a visit is moved, so that others notice least, and how fast a
//! cluster may be probed in each. Out of what was learnt of the slots' loads; a cluster of which nothing is known has no
//! quiet hours and no limit.

use super::grid::DayGrid;
use crate::model::utc::UtcMicros;

/// A visit is moved forward by at most this part of its interval, ...
const EARLIER_PART: f64 = 0.25;
/// ... and by at most this, s.
const EARLIER_S: f64 = 86_400.0;

/// A cluster's day.
#[derive(Clone, Debug)]
pub struct QuietHours {
    grid: DayGrid,
    /// Load and highest rate (packets/s) by cell; `None` where nothing is known.
    cells: Vec<Option<(f32, f32)>>,
    usual_load: f32,
}

impl QuietHours {
    /// From known cells: number, load, highest rate in packets/s.
    pub fn new(grid: DayGrid, known: impl IntoIterator<Item = (usize, f64, f64)>) -> Self {
        let mut cells = vec![None; grid.cells()];
        for (cell, load, limit_pps) in known {
            if let Some(cell) = cells.get_mut(cell) {
                *cell = Some((load as f32, limit_pps as f32));
            }
        }
        let loads: Vec<f32> = cells.iter().flatten().map(|(load, _)| *load).collect();
        let usual_load = loads.iter().sum::<f32>() / (loads.len().max(1)) as f32;
        Self { grid, cells, usual_load }
    }

    /// The highest rate at a moment, packets/s; where a slot is not known, the least of those that are. 0: no limit.
    pub fn rate_pps(&self, at: UtcMicros) -> f64 {
        let own = self.cells[self.grid.cell(self.grid.place(at))];
        let least = || self.cells.iter().flatten().map(|(_, pps)| *pps).fold(f32::INFINITY, f32::min);
        let pps = own.map_or_else(least, |(_, pps)| pps);
        if pps.is_finite() { f64::from(pps) } else { 0.0 }
    }

    /// By how much a visit due at `due` is better made earlier, s: into the quietest slot of the end of its interval, at a
    /// time within it that belongs to the address (`hash`). 0 if it is there already.
    pub fn earlier_s(&self, due: UtcMicros, interval_s: u32, hash: u64) -> u32 {
        let window_s = (f64::from(interval_s) * EARLIER_PART).min(EARLIER_S);
        let slot_s = self.grid.slot_s();
        let slots = (window_s / slot_s) as u32;
        let load = |back: u32| {
            let at = UtcMicros(due.0 - (f64::from(back) * slot_s * 1e6) as i64);
            self.cells[self.grid.cell(self.grid.place(at))].map_or(self.usual_load, |(load, _)| load)
        };
        let best = (0..=slots).min_by(|a, b| load(*a).total_cmp(&load(*b))).unwrap_or(0);
        if best == 0 {
            return 0;
        }
        let begins = self.grid.begins(self.grid.place(UtcMicros(due.0 - (f64::from(best) * slot_s * 1e6) as i64)));
        let within_s = (hash >> 40) as f64 / (1_u64 << 24) as f64 * slot_s;
        let earlier_s = (due.0 - begins.0) as f64 / 1e6 - within_s;
        // Rounded up: rounded down, the last second of a slot would be the next one.
        earlier_s.ceil().clamp(0.0, window_s) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: i64 = 1_794_787_200_000_000;
    const HOUR_US: i64 = 3_600_000_000;

    /// Loaded but between 2 and 4 o'clock.
    fn hours() -> QuietHours {
        let grid = DayGrid::new(24, 0).expect("24 slots fill a day");
        let load = |cell: usize| if (2..4).contains(&(cell % 24)) { 0.1 } else { 0.7 };
        QuietHours::new(grid, (0..48).map(|cell| (cell, load(cell), 10.0 * (1.0 - load(cell)))))
    }

    #[test]
    fn visits_move_into_the_quiet_hours_if_their_interval_allows() {
        let hours = hours();
        let noon = UtcMicros(MONDAY + 12 * HOUR_US);
        for (hash, interval_h) in [(0, 48), (u64::MAX, 48), (7 << 50, 336)] {
            let earlier_s = hours.earlier_s(noon, interval_h * 3_600, hash);
            let at_h = 12.0 - f64::from(earlier_s) / 3_600.0;
            assert!((2.0..4.0).contains(&at_h), "{at_h}");
        }
        assert_eq!(hours.earlier_s(noon, 12 * 3_600, 1), 0, "three hours earlier is as busy");
        assert_eq!(hours.earlier_s(UtcMicros(MONDAY + 3 * HOUR_US), 48 * 3_600, 1), 0, "it is quiet already");
    }

    #[test]
    fn the_rate_follows_the_slot_and_the_unknown_gets_the_least() {
        let hours = hours();
        assert!((hours.rate_pps(UtcMicros(MONDAY + 3 * HOUR_US)) - 9.0).abs() < 1e-5);
        assert!((hours.rate_pps(UtcMicros(MONDAY + 12 * HOUR_US)) - 3.0).abs() < 1e-5);
        let grid = DayGrid::new(24, 0).expect("24 slots fill a day");
        let few = QuietHours::new(grid, [(5, 0.2, 8.0), (6, 0.2, 2.0)]);
        assert!((few.rate_pps(UtcMicros(MONDAY)) - 2.0).abs() < 1e-6);
        assert!(QuietHours::new(grid, []).rate_pps(UtcMicros(MONDAY)).abs() < 1e-9);
    }
}
