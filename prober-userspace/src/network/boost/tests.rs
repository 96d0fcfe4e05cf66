//! The learner on made-up examples.

use super::*;
use crate::target::splitmix::nth;

fn settings() -> TrainSettings {
    TrainSettings {
        rounds: 40,
        leaves: 6,
        step: 0.2,
        penalty: 1.0,
        curvature_min: 0.5,
        row_share: 0.8,
        feature_share: 1.0,
        seed: 7,
    }
}

/// Class 1 if the first figure is above 0.5 and the second is not missing, class 2 if it is missing, else class 0.
fn rows() -> Vec<(Vec<f32>, usize)> {
    let share = |index| (nth(3, index) >> 40) as f32 / (1_u64 << 24) as f32;
    (0..400)
        .map(|index| {
            let first = share(3 * index);
            let second = if share(3 * index + 1) < 0.3 { f32::NAN } else { share(3 * index + 2) };
            let class = if second.is_nan() { 2 } else { usize::from(first > 0.5) };
            (vec![first, second, share(9000 + index)], class)
        })
        .collect()
}

fn examples(rows: &[(Vec<f32>, usize)]) -> Vec<Example<'_>> {
    rows.iter().map(|(values, class)| Example { values, class: *class, weight: 1.0 }).collect()
}

#[test]
fn a_rule_with_missing_figures_is_learnt() {
    let rows = rows();
    let ensemble = train(&examples(&rows[..300]), 3, &settings());
    assert!(ensemble.is_sound(3));
    let right = rows[300..].iter().filter(|(values, class)| {
        let shares = softmax(&ensemble.scores(values), 1.0);
        (0..3).max_by(|a, b| shares[*a].total_cmp(&shares[*b])) == Some(*class)
    });
    assert!(right.count() >= 97);
}

#[test]
fn the_same_seed_gives_the_same_trees() {
    let rows = rows();
    let first = train(&examples(&rows), 3, &settings());
    assert_eq!(first, train(&examples(&rows), 3, &settings()));
    assert_ne!(first, train(&examples(&rows), 3, &TrainSettings { seed: 8, ..settings() }));
}

#[test]
fn nothing_to_learn_from_gives_even_scores() {
    let ensemble = train(&[], 3, &settings());
    assert!(ensemble.is_sound(0));
    assert_eq!(softmax(&ensemble.scores(&[]), 1.0), vec![1.0 / 3.0; 3]);
}

#[test]
fn a_tree_that_runs_in_circles_is_refused() {
    let tree = Tree {
        features: vec![0, 0],
        thresholds: vec![0.5, 0.5],
        left: vec![1, 0],
        right: vec![2, 3],
        leaves: vec![0.0; 3],
    };
    assert!(!tree.is_sound(1));
}
