//! Makes a model out of labelled rows: first on parts of the places, to see how well it does on the others and to calibrate
//! it there, then on all.

use std::collections::BTreeMap;

use super::boost::{Example, TrainSettings, softmax, train};
use super::bounds::Bounds;
use super::calibration::{self, Scored, Temperature, temperature_for};
use super::evaluation::Judged;
use super::model::Stage;
use super::novelty::{Novelty, widened};
use crate::target::splitmix::nth;

/// What a row is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Left out with its place in turn and judged.
    #[default]
    Judged,
    /// Of a collection of measurements: left out with the whole collection in turn and judged, beside the others.
    Field,
    /// Only learnt from.
    Given,
}

/// One labelled row.
#[derive(Clone, Debug, Default)]
pub struct LabelledRow {
    /// Figures.
    pub values: Vec<f32>,
    /// Number of its class.
    pub class: usize,
    /// Rows of one place are left out together.
    pub place: String,
    /// Probes it is of.
    pub probes: usize,
    /// How much it counts in training.
    pub weight: f64,
    /// Whether an evaluation counts it.
    pub is_whole: bool,
    /// Whether there was other traffic.
    pub background: Option<bool>,
    /// Whether hops are not known: estimates are then less sure.
    pub is_bare: bool,
    /// What may be said of it.
    pub bounds: Bounds,
    /// What it is there for.
    pub origin: Origin,
}

/// Trees for series of at least so many probes.
#[derive(Clone, Debug)]
pub struct StageRecipe {
    /// Fewest probes that they are used for.
    pub probes_from: usize,
    /// Whether they are trained on whole series only.
    pub whole_only: bool,
    /// How each ensemble is trained.
    pub settings: TrainSettings,
    /// Ensembles, each with another seed.
    pub ensembles: u64,
}

/// How to make a model.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// By number of probes, rising.
    pub stages: Vec<StageRecipe>,
    /// Where a new temperature begins, in probes.
    pub lengths: Vec<usize>,
    /// How many classes.
    pub classes: usize,
    /// Parts that the places are dealt into.
    pub folds: usize,
    /// Threads to use.
    pub threads: usize,
    /// Figures by which it is told whether an observation is like any learnt from.
    pub novelty_figures: Vec<u16>,
}

/// What was learnt of rows.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// Trees.
    pub stages: Vec<Stage>,
    /// What is typical; not calibrated.
    pub novelty: Novelty,
}

/// What is known of the rows of places left out.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Fitted on them.
    pub temperatures: Vec<Temperature>,
    /// Log-densities with their numbers of probes, of judged rows.
    pub densities: Vec<(usize, f64)>,
    /// Posterior of each row, in order, with these temperatures; empty for rows that are only learnt from.
    pub posteriors: Vec<Vec<f64>>,
}

/// One row of a place left out.
#[derive(Clone, Debug, Default)]
struct Held {
    scores: Vec<f64>,
    density: Option<f64>,
}

impl Recipe {
    /// Trees of all rows, and what is typical of them.
    pub fn train(&self, rows: &[LabelledRow]) -> Learnt {
        self.learn(&rows.iter().collect::<Vec<_>>())
    }

    fn learn(&self, rows: &[&LabelledRow]) -> Learnt {
        let stages = self.stages.iter().map(|stage| stage.train(rows.iter().copied(), self.classes)).collect();
        let novelty = Novelty::learn(rows, self.classes, &self.novelty_figures, &self.lengths);
        Learnt { stages, novelty }
    }

    /// Estimates each row by trees that never saw its place.
    pub fn leave_out(&self, rows: &[LabelledRow]) -> LeftOut {
        let fold_of = folds(rows, self.folds);
        let fold = |row: &LabelledRow| fold_of.get(row.place.as_str()).filter(|_| row.origin != Origin::Given).copied();
        let judge = |number: usize| -> Vec<(usize, Held)> {
            let learnt_from: Vec<&LabelledRow> = rows.iter().filter(|row| fold(row) != Some(number)).collect();
            let Learnt { stages, novelty } = self.learn(&learnt_from);
            let held = |row: &LabelledRow| {
                let place = stages.partition_point(|stage| stage.probes_from <= row.probes).saturating_sub(1);
                let scores = stages[place].scores(&row.values, self.classes);
                Held { scores, density: novelty.density(&row.values, row.probes) }
            };
            let left_out = rows.iter().enumerate().filter(|(_, row)| fold(row) == Some(number));
            left_out.map(|(index, row)| (index, held(row))).collect()
        };
        let mut all = vec![Held::default(); rows.len()];
        let folds = fold_of.values().max().map_or(0, |last| last + 1);
        std::thread::scope(|scope| {
            let judge = &judge;
            let threads = self.threads.clamp(1, folds.max(1));
            let every = |first| move || (first..folds).step_by(threads).flat_map(judge).collect::<Vec<_>>();
            let running: Vec<_> = (0..threads).map(|first| scope.spawn(every(first))).collect();
            for thread in running {
                for (index, held) in thread.join().expect("training does not panic") {
                    all[index] = held;
                }
            }
        });
        self.calibrate(rows, &all)
    }

    fn calibrate(&self, rows: &[LabelledRow], all: &[Held]) -> LeftOut {
        let densities: Vec<(usize, f64)> = rows
            .iter()
            .zip(all)
            .filter(|(row, _)| row.origin == Origin::Judged)
            .filter_map(|(row, held)| Some((row.probes, held.density?)))
            .collect();
        let mut novelty = Novelty::learn(&[], self.classes, &self.novelty_figures, &self.lengths);
        novelty.calibrate(&densities);
        let belief = |row: &LabelledRow, held: &Held| novelty.belief_at(held.density, row.probes);
        let scored: Vec<Scored> = rows
            .iter()
            .zip(all)
            .filter(|(_, held)| !held.scores.is_empty())
            .map(|(row, held)| Scored {
                scores: held.scores.clone(),
                class: row.class,
                probes: row.probes,
                is_bare: row.is_bare,
                belief: belief(row, held),
                weight: row.weight,
            })
            .collect();
        let temperatures = calibration::fit(&scored, &self.lengths);
        let posterior = |(row, held): (&LabelledRow, &Held)| match held.scores.as_slice() {
            [] => Vec::new(),
            scores => {
                let shares = softmax(scores, temperature_for(&temperatures, row.probes, row.is_bare));
                widened(&shares, belief(row, held))
            }
        };
        LeftOut { posteriors: rows.iter().zip(all).map(posterior).collect(), temperatures, densities }
    }
}

impl StageRecipe {
    fn train<'a>(&self, rows: impl Iterator<Item = &'a LabelledRow>, classes: usize) -> Stage {
        let rows: Vec<&LabelledRow> = rows.filter(|row| row.is_whole || !self.whole_only).collect();
        let examples: Vec<Example<'_>> =
            rows.iter().map(|row| Example { values: &row.values, class: row.class, weight: row.weight }).collect();
        let ensemble = |number| {
            let settings = TrainSettings { seed: nth(self.settings.seed, number), ..self.settings.clone() };
            train(&examples, classes, &settings)
        };
        Stage { probes_from: self.probes_from, ensembles: (0..self.ensembles).map(ensemble).collect() }
    }
}

/// Deals the places into `folds` parts of like mixture; with no more places than that, each is a part of its own. Each
/// collection of measurements is one as well.
fn folds(rows: &[LabelledRow], folds: usize) -> BTreeMap<&str, usize> {
    let mut kinds: BTreeMap<&str, (usize, Option<bool>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.origin == Origin::Judged) {
        kinds.entry(&row.place).or_insert((row.class, row.background));
    }
    let hash = |place: &str| place.bytes().fold(0, |hash, byte| nth(hash ^ u64::from(byte), 0));
    let mut places: Vec<_> = kinds.into_iter().map(|(place, kind)| (kind, hash(place), place)).collect();
    places.sort_unstable();
    let folds = folds.clamp(1, places.len().max(1));
    let judged = places.len();
    let mut fold_of: BTreeMap<&str, usize> =
        places.into_iter().enumerate().map(|(index, (.., place))| (place, index % folds)).collect();
    let first = if judged == 0 { 0 } else { folds };
    let mut collections: Vec<&str> =
        rows.iter().filter(|row| row.origin == Origin::Field).map(|row| row.place.as_str()).collect();
    collections.sort_unstable();
    collections.dedup();
    fold_of.extend(collections.into_iter().enumerate().map(|(index, place)| (place, first + index)));
    fold_of
}

/// The verdict on a posterior, within what may be said of the row.
pub fn judge(posterior: &[f64], row: &LabelledRow, confidence_min: f64) -> Judged {
    let posterior = row.bounds.keep(posterior);
    let best = (0..posterior.len()).max_by(|a, b| posterior[*a].total_cmp(&posterior[*b])).unwrap_or(0);
    let confidence = posterior.get(best).copied().unwrap_or(0.0);
    Judged {
        truth: row.class,
        label: (confidence >= confidence_min && row.bounds.allow(best)).then_some(best),
        confidence,
        best_is_right: best == row.class,
        background: row.background,
        place: row.place.clone(),
    }
}
