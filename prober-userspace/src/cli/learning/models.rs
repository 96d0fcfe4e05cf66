//! The models that come with the program, or others instead of them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, anyhow};

use crate::network::built_in::BUILT_IN;
use crate::network::model::{Model, ModelKind};

/// Which model.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct ModelOption {
    /// Model made by `train` [default: the one that comes with the program]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) model: Option<PathBuf>,
}

impl ModelOption {
    /// Reads and checks it.
    pub(in crate::cli) fn load(&self, kind: ModelKind) -> anyhow::Result<Model> {
        let Some(path) = &self.model else {
            return Model::built_in(kind).map_err(|error| anyhow!("the model that comes with the program: {error}"));
        };
        let text = fs::read_to_string(path).with_context(|| format!("reading the model {}", path.display()))?;
        Model::read(&text, kind, &kind.feature_names()).map_err(|error| anyhow!("model {}: {error}", path.display()))
    }

    /// The one that estimates were stored with.
    pub(in crate::cli) fn named(name: &str) -> Self {
        Self { model: (name != BUILT_IN).then(|| name.into()) }
    }

    /// What is stored beside estimates.
    pub(in crate::cli) fn name(&self) -> String {
        self.model.as_ref().map_or_else(|| BUILT_IN.to_owned(), |path| path.display().to_string())
    }
}
