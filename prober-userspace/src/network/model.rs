//! The models of estimators: versioned data files made by `train`, never by hand. A file of another version, for another
//! purpose or over other figures is refused, not guessed at.

use serde::{Deserialize, Serialize};

use super::boost::{Ensemble, softmax};
use super::bounds::Bounds;
use super::calibration::{Temperature, temperature_for};
use super::evaluation::Evaluation;
use super::feature::Features;
use super::novelty::{Novelty, widened};
use super::posterior::Posterior;

/// The version that this program reads and writes.
pub const MODEL_VERSION: u32 = 2;

/// What a model estimates, and out of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Network type of a whole trace.
    Network,
    /// Network type of the 64 bytes kept for each answering address.
    NetworkLive,
    /// Cause of failure of a whole trace.
    Cause,
}

/// A file that was learnt from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracesFile {
    /// Its name, without folders.
    pub name: String,
    /// Digest of the traces in it, whatever kind of file it is.
    pub digest: String,
}

/// How a model came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Files.
    pub traces_from: Vec<TracesFile>,
    /// Version of the program.
    pub program_version: String,
    /// Terminals.
    pub terminals: usize,
    /// Places: they were left out together.
    pub places: usize,
    /// Rows, parts of series among them.
    pub rows: usize,
    /// Folds of the evaluation.
    pub folds: usize,
    /// Types of access networks among what it learnt from.
    #[serde(default)]
    pub access: Vec<String>,
}

/// Trees for series of at least so many probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Fewest probes.
    pub probes_from: usize,
    /// Their scores are averaged.
    pub ensembles: Vec<Ensemble>,
}

impl Stage {
    /// One score for each class.
    pub fn scores(&self, values: &[f32], classes: usize) -> Vec<f64> {
        let mut scores = vec![0.0; classes];
        for ensemble in &self.ensembles {
            for (score, part) in scores.iter_mut().zip(ensemble.scores(values)) {
                *score += part / self.ensembles.len() as f64;
            }
        }
        scores
    }
}

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Of the format: [`MODEL_VERSION`].
    pub version: u32,
    /// What for.
    pub kind: ModelKind,
    /// How it came about.
    pub training: Training,
    /// How well it does on places left out of training.
    pub evaluation: Evaluation,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Names of the figures, in order.
    pub features: Vec<String>,
    /// What is typical of what it was trained on.
    pub novelty: Novelty,
    /// By number of probes.
    pub temperatures: Vec<Temperature>,
    /// By number of probes, rising.
    pub stages: Vec<Stage>,
}

/// Why a model is refused.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not JSON, or not a model.
    #[error("it is no model file: {0}")]
    Form(#[from] serde_json::Error),
    /// Of another version.
    #[error("it is of model version {found}, this program reads version {MODEL_VERSION}; train it again")]
    Version {
        /// Of the file.
        found: u32,
    },
    /// For something else.
    #[error("it is a model of kind {found:?}, wanted is {wanted:?}")]
    Kind {
        /// Of the file.
        found: ModelKind,
        /// What it is to be used for.
        wanted: ModelKind,
    },
    /// Over figures that this program does not compute.
    #[error("it was trained on other figures than this program computes ({0}); train it again")]
    Figures(String),
    /// Trees that are broken.
    #[error("its trees are broken; train it again")]
    Trees,
}

/// What can be read of a model of any version.
#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

/// What can be read of a model of this version, whatever it is for.
#[derive(Deserialize)]
struct AnyKind {
    kind: ModelKind,
}

impl Model {
    /// Reads and checks a model for `wanted`, over figures of these names.
    pub fn read(text: &str, wanted: ModelKind, names: &[&'static str]) -> Result<Self, ModelError> {
        let AnyVersion { version } = serde_json::from_str(text)?;
        if version != MODEL_VERSION {
            return Err(ModelError::Version { found: version });
        }
        let AnyKind { kind: found } = serde_json::from_str(text)?;
        if found != wanted {
            return Err(ModelError::Kind { found, wanted });
        }
        let model: Self = serde_json::from_str(text)?;
        if let Some(name) = model.features.iter().find(|name| !names.contains(&name.as_str())) {
            return Err(ModelError::Figures(format!("`{name}` is not known")));
        }
        if model.features != names {
            return Err(ModelError::Figures(format!("{} instead of {}", model.features.len(), names.len())));
        }
        let is_sound =
            |ensemble: &Ensemble| ensemble.is_sound(names.len()) && ensemble.start.len() == model.classes.len();
        let stages_are_sound =
            model.stages.iter().all(|stage| !stage.ensembles.is_empty() && stage.ensembles.iter().all(is_sound));
        let hot = |temperature: &Temperature| temperature.temperature.is_finite() && temperature.temperature > 0.0;
        if !model.novelty.is_sound(names.len(), model.classes.len()) {
            return Err(ModelError::Trees);
        }
        if model.stages.is_empty() || !stages_are_sound || !model.temperatures.iter().all(hot) {
            return Err(ModelError::Trees);
        }
        Ok(model)
    }

    /// One score for each class, before calibration.
    pub fn scores(&self, values: &[f32], probes: usize) -> Vec<f64> {
        let place = self.stages.partition_point(|stage| stage.probes_from <= probes).saturating_sub(1);
        self.stages[place].scores(values, self.classes.len())
    }

    /// Probabilities of figures of a series of so many probes. Without any reply all types are equally likely; a cause can
    /// be told from silence.
    pub fn posterior(&self, features: &Features, probes: usize, answered: usize) -> Posterior {
        if probes == 0 || (answered == 0 && self.kind != ModelKind::Cause) {
            return Posterior::new(&self.classes, &vec![1.0 / self.classes.len() as f64; self.classes.len()]);
        }
        let mut shares = self.shares(features.values(), probes, self.kind.is_bare(features));
        if self.kind == ModelKind::Cause {
            shares = Bounds::ruling_out(&self.classes, features).keep(&shares);
        }
        Posterior::new(&self.classes, &shares)
    }

    /// The probabilities of figures, as wide as they are novel.
    pub fn shares(&self, values: &[f32], probes: usize, is_bare: bool) -> Vec<f64> {
        let shares = softmax(&self.scores(values, probes), temperature_for(&self.temperatures, probes, is_bare));
        widened(&shares, self.novelty.belief(values, probes))
    }
}
