//! What is saved with each commit, so that a scan can go on after a kill: where it stands, and the secret that its
//! probes in flight carry, so that their replies still verify. The database is for its owner only.

use prober_common::cookie::Key;
use serde::{Deserialize, Serialize};

use crate::target::schedule::Checkpoint;

/// Version of this format.
const VERSION: u32 = 1;

/// State of a scan between two commits.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The scan's secret.
    pub key: Key,
    /// Where it stands; `None` at the beginning.
    pub checkpoint: Option<Checkpoint>,
    /// Probes sent in all sessions so far.
    pub sent: u64,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    key: [u64; 2],
    sent: u64,
    checkpoint: Checkpoint,
}

/// The text is not a checkpoint of this version.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// Not JSON of this shape.
    #[error("not a checkpoint: {0}; start the scan anew without --resume")]
    Malformed(#[from] serde_json::Error),
    /// Of another program version.
    #[error("version {0}, but this program knows version {VERSION}; resume with the version that began the scan")]
    Version(u32),
}

impl Saved {
    /// At the beginning.
    pub fn fresh(key: Key) -> Self {
        Self { key, checkpoint: None, sent: 0 }
    }

    /// From the store.
    pub fn from_json(text: &str) -> Result<Self, SavedError> {
        let stored: Stored = serde_json::from_str(text)?;
        if stored.version != VERSION {
            return Err(SavedError::Version(stored.version));
        }
        Ok(Self { key: Key(stored.key), checkpoint: Some(stored.checkpoint), sent: stored.sent })
    }

    /// For the store.
    pub fn to_json(key: Key, sent: u64, checkpoint: Checkpoint) -> String {
        let stored = Stored { version: VERSION, key: key.0, sent, checkpoint };
        serde_json::to_string(&stored).expect("numbers and lists of them are JSON")
    }
}
