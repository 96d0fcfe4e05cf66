//! Makes a model out of labelled rows: first on parts of the places, to see how well it does on the others and to calibrate
//! it there, then on all.

use std::collections::BTreeMap;

use super::boost::{Example, TrainSettings, softmax, train};
use super::calibration::{self, Scored, Temperature, temperature_for};
use super::evaluation::Judged;
use super::model::Stage;
use crate::target::splitmix::nth;

/// One labelled row.
#[derive(Clone, Debug)]
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
    /// Whether it is only learnt from, never judged.
    pub is_given: bool,
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
}

/// What is known of the rows of places left out.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Fitted on them.
    pub temperatures: Vec<Temperature>,
    /// Posterior of each row, in order, with these temperatures; empty for rows that are only learnt from.
    pub posteriors: Vec<Vec<f64>>,
}

impl Recipe {
    /// Trees of all rows.
    pub fn train(&self, rows: &[LabelledRow]) -> Vec<Stage> {
        self.stages.iter().map(|stage| stage.train(rows.iter(), self.classes)).collect()
    }

    /// Estimates each row by trees that never saw its place.
    pub fn leave_out(&self, rows: &[LabelledRow]) -> LeftOut {
        let fold_of = folds(rows, self.folds);
        let fold = |row: &LabelledRow| (!row.is_given).then(|| fold_of[row.place.as_str()]);
        let judge = |number: usize| -> Vec<(usize, Vec<f64>)> {
            let learnt_from = || rows.iter().filter(|row| fold(row) != Some(number));
            let stages: Vec<Stage> = self.stages.iter().map(|stage| stage.train(learnt_from(), self.classes)).collect();
            let scores = |row: &LabelledRow| {
                let place = stages.partition_point(|stage| stage.probes_from <= row.probes).saturating_sub(1);
                stages[place].scores(&row.values, self.classes)
            };
            let left_out = rows.iter().enumerate().filter(|(_, row)| fold(row) == Some(number));
            left_out.map(|(index, row)| (index, scores(row))).collect()
        };
        let mut scores = vec![Vec::new(); rows.len()];
        let folds = fold_of.values().max().map_or(0, |last| last + 1);
        std::thread::scope(|scope| {
            let judge = &judge;
            let threads = self.threads.clamp(1, folds.max(1));
            let every = |first| move || (first..folds).step_by(threads).flat_map(judge).collect::<Vec<_>>();
            let running: Vec<_> = (0..threads).map(|first| scope.spawn(every(first))).collect();
            for thread in running {
                for (index, row_scores) in thread.join().expect("training does not panic") {
                    scores[index] = row_scores;
                }
            }
        });
        self.calibrate(rows, scores)
    }

    fn calibrate(&self, rows: &[LabelledRow], scores: Vec<Vec<f64>>) -> LeftOut {
        let judged = rows.iter().zip(&scores).filter(|(_, scores)| !scores.is_empty());
        let scored: Vec<Scored> = judged
            .map(|(row, scores)| Scored { scores: scores.clone(), class: row.class, probes: row.probes })
            .collect();
        let temperatures = calibration::fit(&scored, &self.lengths);
        let posterior = |(row, scores): (&LabelledRow, Vec<f64>)| match scores.as_slice() {
            [] => Vec::new(),
            scores => softmax(scores, temperature_for(&temperatures, row.probes)),
        };
        LeftOut { posteriors: rows.iter().zip(scores).map(posterior).collect(), temperatures }
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

/// Deals the places into `folds` parts of like mixture; with no more places than that, each is a part of its own.
fn folds(rows: &[LabelledRow], folds: usize) -> BTreeMap<&str, usize> {
    let mut kinds: BTreeMap<&str, (usize, Option<bool>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.is_given) {
        kinds.entry(&row.place).or_insert((row.class, row.background));
    }
    let hash = |place: &str| place.bytes().fold(0, |hash, byte| nth(hash ^ u64::from(byte), 0));
    let mut places: Vec<_> = kinds.into_iter().map(|(place, kind)| (kind, hash(place), place)).collect();
    places.sort_unstable();
    let folds = folds.clamp(1, places.len().max(1));
    places.into_iter().enumerate().map(|(index, (.., place))| (place, index % folds)).collect()
}

/// The verdict on a posterior.
pub fn judge(posterior: &[f64], row: &LabelledRow, confidence_min: f64) -> Judged {
    let best = (0..posterior.len()).max_by(|a, b| posterior[*a].total_cmp(&posterior[*b])).unwrap_or(0);
    let confidence = posterior.get(best).copied().unwrap_or(0.0);
    Judged {
        truth: row.class,
        label: (confidence >= confidence_min).then_some(best),
        confidence,
        best_is_right: best == row.class,
        background: row.background,
        place: row.place.clone(),
    }
}
