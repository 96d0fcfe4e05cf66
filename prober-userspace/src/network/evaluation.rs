//! How good estimates are: shares that are right, by class and background, the confusion table, and the calibration error.

use serde::{Deserialize, Serialize};

use super::calibration::expected_error;
use super::field::FieldFigures;

/// One estimate and the truth.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Number of the true class.
    pub truth: usize,
    /// Number of the class that was named; `None`: unknown.
    pub label: Option<usize>,
    /// Probability of the most probable class.
    pub confidence: f64,
    /// Whether the most probable class is the true one.
    pub best_is_right: bool,
    /// Whether there was other traffic, where that is known.
    pub background: Option<bool>,
    /// Where the terminal is.
    pub place: String,
}

/// Figures of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// Its name.
    pub class: String,
    /// How many are of it.
    pub terminals: usize,
    /// Share of these that was named right.
    pub recall: f64,
    /// Share of those named so that are it; nothing if none was.
    pub precision: Option<f64>,
    /// Recall without other traffic.
    pub recall_idle: Option<f64>,
    /// Recall under other traffic.
    pub recall_loaded: Option<f64>,
}

/// Figures of one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceFigures {
    /// Its name.
    pub place: String,
    /// Terminals.
    pub terminals: usize,
    /// Share named right.
    pub accuracy: f64,
    /// Share called unknown.
    pub unknown: f64,
    /// Expected calibration error.
    pub calibration_error: f64,
}

/// All figures. `unknown` counts as not right.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Terminals judged.
    pub terminals: usize,
    /// Share named right.
    pub accuracy: f64,
    /// Share called unknown.
    pub unknown: f64,
    /// Expected calibration error over ten bins.
    pub calibration_error: f64,
    /// Class by class; classes that do not occur are left out.
    pub classes: Vec<ClassFigures>,
    /// Names of the columns of `confusion`, `unknown` last.
    pub confusion_columns: Vec<String>,
    /// One row for each of `classes`: how many were named what.
    pub confusion: Vec<Vec<usize>>,
    /// Place by place, where there are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceFigures>,
    /// Collections of measurements in real networks, by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field: Vec<FieldFigures>,
}

/// Most places that are listed.
const PLACES_MAX: usize = 20;

impl Evaluation {
    /// Of estimates over `classes`.
    pub fn of(judged: &[Judged], classes: &[String]) -> Self {
        let present: Vec<usize> =
            (0..classes.len()).filter(|class| judged.iter().any(|estimate| estimate.truth == *class)).collect();
        let row = |class: &usize| {
            let named = |label: Option<usize>| {
                judged.iter().filter(|estimate| estimate.truth == *class && estimate.label == label).count()
            };
            (0..classes.len()).map(Some).chain([None]).map(named).collect::<Vec<usize>>()
        };
        let unknown = judged.iter().filter(|estimate| estimate.label.is_none()).count();
        Self {
            terminals: judged.len(),
            accuracy: share_right(judged.iter()).unwrap_or(0.0),
            unknown: rounded(unknown as f64 / judged.len().max(1) as f64),
            calibration_error: if judged.is_empty() { 0.0 } else { rounded(error(&mut judged.iter())) },
            classes: present.iter().map(|class| class_figures(judged, *class, &classes[*class])).collect(),
            confusion_columns: classes.iter().cloned().chain(["unknown".to_owned()]).collect(),
            confusion: present.iter().map(row).collect(),
            places: place_figures(judged),
            field: Vec::new(),
        }
    }
}

fn class_figures(judged: &[Judged], class: usize, name: &str) -> ClassFigures {
    let of = || judged.iter().filter(move |estimate| estimate.truth == class);
    let named = judged.iter().filter(|estimate| estimate.label == Some(class));
    let recall_at = |background| share_right(of().filter(|estimate| estimate.background == Some(background)));
    ClassFigures {
        class: name.to_owned(),
        terminals: of().count(),
        recall: share_right(of()).unwrap_or(0.0),
        precision: share_right(named),
        recall_idle: recall_at(false),
        recall_loaded: recall_at(true),
    }
}

fn place_figures(judged: &[Judged]) -> Vec<PlaceFigures> {
    let mut places: Vec<&str> = judged.iter().map(|estimate| estimate.place.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    if places.len() > PLACES_MAX {
        return Vec::new();
    }
    let figures = |place: &str| {
        let of = || judged.iter().filter(|estimate| estimate.place == place);
        let unknown = of().filter(|estimate| estimate.label.is_none()).count();
        PlaceFigures {
            place: place.to_owned(),
            terminals: of().count(),
            accuracy: share_right(of()).unwrap_or(0.0),
            unknown: rounded(unknown as f64 / of().count() as f64),
            calibration_error: rounded(error(&mut of())),
        }
    };
    places.into_iter().map(figures).collect()
}

fn error(judged: &mut dyn Iterator<Item = &Judged>) -> f64 {
    expected_error(judged.map(|estimate| (estimate.confidence, estimate.best_is_right)))
}

fn share_right<'a>(judged: impl Iterator<Item = &'a Judged>) -> Option<f64> {
    let (mut count, mut right) = (0, 0);
    for estimate in judged {
        count += 1;
        right += usize::from(estimate.label == Some(estimate.truth));
    }
    (count > 0).then(|| rounded(right as f64 / count as f64))
}

/// To four digits: more would not say more.
fn rounded(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}
