//! The models that come with the program.

use super::model::{Model, ModelError, ModelKind};

/// What stands for them beside estimates, where else is the name of a file.
pub const BUILT_IN: &str = "built-in";

impl Model {
    /// The one for this purpose. Reading it takes some ms.
    pub fn built_in(kind: ModelKind) -> Result<Self, ModelError> {
        let text = match kind {
            ModelKind::Network => include_str!("../../models/network.json"),
            ModelKind::NetworkLive => include_str!("../../models/network_live.json"),
            ModelKind::Cause => include_str!("../../models/cause.json"),
        };
        Self::read(text, kind, &kind.feature_names())
    }
}
