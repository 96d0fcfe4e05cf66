//! What a person decided, as it is saved.

use serde::{Deserialize, Serialize};

use crate::device::suggest::Draft;

/// About a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is this device.
    Accepted {
        /// The signature.
        draft: Draft,
        /// Banners that it matches.
        examples: Vec<String>,
    },
    /// It is no device worth knowing.
    Rejected,
    /// Not now.
    Skipped,
}

/// One decision. Stable field names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// [`ReviewGroup::id`](super::ReviewGroup::id).
    pub group: u64,
    /// The group in few words.
    pub title: String,
    /// The decision.
    pub verdict: Verdict,
}
