//! A country's access networks with load profiles of their own, and what probing them for some days shows.
//!
//! Answers are drawn from the loads directly (idle or exponential waits), not packet by packet: here it is about plans
//! over many networks, not about the estimate of one.

use super::draws::Draws;
use crate::network::cluster::{BINS, Likeness, Member};
use crate::network::congestion::medium::Medium;
use crate::network::congestion::service::ServiceTime;
use crate::policy::grid::{DayGrid, Place};
use crate::policy::profile::Profile;

/// One network.
#[derive(Clone, Debug)]
pub struct AccessNetwork {
    /// Kind.
    pub medium: Medium,
    /// First address of its prefix.
    pub address: u32,
    /// Hops to it.
    pub hops: u8,
    /// Latitude and longitude.
    pub place: (f32, f32),
    /// True load in each slot of a working day, 0 to 1.
    pub load: Box<[f32]>,
    /// What answers showed.
    pub profile: Profile,
}

/// Size and kind of a population.
#[derive(Clone, Copy, Debug)]
pub struct PopulationConfig {
    /// Networks.
    pub networks: u32,
    /// Answers per network and slot.
    pub answers: u32,
    /// The day.
    pub grid: DayGrid,
    /// Seed.
    pub seed: u64,
}

/// Hours of the peaks of a way of life, with their widths in hours and heights.
type Shape = &'static [(f32, f32, f32)];
const SHAPES: [Shape; 7] = [
    // Homes, evening and a little in the morning.
    &[(21.0, 2.5, 0.6), (7.5, 1.0, 0.2)],
    // Homes with people in them all day.
    &[(21.5, 2.0, 0.5), (13.0, 4.0, 0.3)],
    // Offices.
    &[(10.5, 2.0, 0.5), (15.0, 2.5, 0.55)],
    // Commuters' cells.
    &[(8.0, 1.2, 0.6), (18.5, 1.5, 0.6)],
    // Nightly back-ups and updates.
    &[(2.5, 1.8, 0.65), (12.0, 5.0, 0.15)],
    // Meters and sensors: a level load.
    &[(12.0, 9.0, 0.15)],
    // Shops.
    &[(12.0, 1.5, 0.45), (18.0, 2.0, 0.6)],
];

/// All of them. About 2 us per network and slot.
pub fn population(config: PopulationConfig) -> Vec<AccessNetwork> {
    let mut draws = Draws::new(config.seed, 0x706f_7075);
    // Regions have their own mix of ways of life and their own prefixes.
    let regions = (config.networks / 200).clamp(4, 400) as usize;
    let weights: Vec<[f64; SHAPES.len()]> =
        (0..regions).map(|_| std::array::from_fn(|_| draws.exponential(1.0).powi(2))).collect();
    let places: Vec<(f32, f32)> =
        (0..regions).map(|_| (draws.between(31.0, 45.0) as f32, draws.between(130.0, 145.0) as f32)).collect();
    (0..config.networks)
        .map(|index| {
            let region = index as usize * regions / config.networks as usize;
            let shape = weighted(&weights[region], &mut draws);
            network(&config, index, places[region], shape, &mut draws)
        })
        .collect()
}

impl AccessNetwork {
    /// As clusters see it: from its answers, not from the truth.
    pub fn member(&self, grid: DayGrid) -> Member {
        let slots = usize::from(grid.slots());
        let mut busy = [(0.0_f32, 0.0_f32); BINS];
        for slot in 0..slots {
            let answers = self.profile.delays(slot).answers as f32;
            let hour = &mut busy[slot * BINS / slots];
            hour.0 += self.profile.busy_share(slot).unwrap_or(0.0) * answers;
            hour.1 += answers;
        }
        for hour in &mut busy {
            hour.0 /= hour.1.max(1.0);
        }
        Member {
            medium: self.medium,
            utc_offset_s: grid.utc_offset_s(),
            likeness: Likeness::new(self.address, Some(self.hops), Some(self.place), &busy),
        }
    }
}

fn weighted(weights: &[f64], draws: &mut Draws) -> usize {
    let mut left = draws.unit() * weights.iter().sum::<f64>();
    weights
        .iter()
        .position(|weight| {
            left -= weight;
            left < 0.0
        })
        .unwrap_or(0)
}

fn network(config: &PopulationConfig, index: u32, place: (f32, f32), shape: usize, draws: &mut Draws) -> AccessNetwork {
    let medium = [Medium::Wired, Medium::Wlan, Medium::Lte, Medium::Wisun, Medium::Lora]
        [weighted(&[0.3, 0.35, 0.2, 0.1, 0.05], draws)];
    let load = true_load(config.grid, shape, draws);
    AccessNetwork {
        medium,
        address: 0x0100_0000 + (index << 8),
        hops: (8.0 + draws.between(0.0, 8.0)) as u8,
        place: (place.0 + 0.2 * draws.normal() as f32, place.1 + 0.2 * draws.normal() as f32),
        profile: observed(config, medium, &load, draws),
        load,
    }
}

/// A way of life, each network's with its own hours, height and quirks.
fn true_load(grid: DayGrid, shape: usize, draws: &mut Draws) -> Box<[f32]> {
    let slots = usize::from(grid.slots());
    let shift_h = 0.5 * draws.normal();
    let height = draws.lognormal(1.0, 0.25);
    let base = draws.between(0.03, 0.15);
    (0..slots)
        .map(|slot| {
            let hour = slot as f64 * 24.0 / slots as f64 - shift_h;
            let peaks: f64 = SHAPES[shape]
                .iter()
                .map(|(peak, width, part)| {
                    let apart = (hour - f64::from(*peak)).rem_euclid(24.0);
                    let near = apart.min(24.0 - apart) / f64::from(*width);
                    f64::from(*part) * (-0.5 * near * near).exp()
                })
                .sum();
            (base + height * peaks + 0.02 * draws.normal()).clamp(0.01, 0.98) as f32
        })
        .collect()
}

fn observed(config: &PopulationConfig, medium: Medium, load: &[f32], draws: &mut Draws) -> Profile {
    let service = ServiceTime::of(medium, super::access_point::PROBE_BYTES);
    let mut profile = Profile::new(config.grid, &service, 7.0);
    let burst = draws.lognormal(1.5, 0.4);
    for (slot, load) in load.iter().enumerate() {
        let load = f64::from(*load);
        let busy_s = burst * service.residual_s / (1.0 - load);
        let place = Place { day: 20_000, slot: slot as u16, weekend: false };
        for _ in 0..config.answers {
            let mut excess_s = draws.exponential(service.idle_jitter_s);
            for _ in 0..service.visits {
                if draws.chance(load) {
                    excess_s += draws.exponential(busy_s);
                }
            }
            // Within its bounds by construction.
            let _ = profile.add(config.grid, place, excess_s as f32);
        }
    }
    profile
}
