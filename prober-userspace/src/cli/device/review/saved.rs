//! The decisions and drafts on disk, and the signature files that follow from them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::super::folder::SignatureFolder;
use crate::device::export::to_files;
use crate::device::review::{Decision, Review};
use crate::device::suggest::Draft;

/// Version of the format.
const VERSION: u32 = 1;

/// The file of decisions.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Stored {
    version: u32,
    pub(super) decisions: Vec<Decision>,
    /// Edited, not decided on yet; by group.
    #[serde(default)]
    pub(super) drafts: BTreeMap<u64, Draft>,
}

/// A folder with decisions and signature files.
pub(super) struct Saved {
    folder: SignatureFolder,
}

impl Saved {
    /// Makes the folder if it is missing; reads what was decided before.
    pub(super) fn open(path: &Path) -> anyhow::Result<(Self, Stored)> {
        fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
        let folder = SignatureFolder::new(path, "review");
        if let Some(edited) = folder.edited()? {
            bail!(
                "signature file {}: was edited since the review wrote it; move it to a folder of its own, or the review would undo that",
                edited.display()
            );
        }
        let file = path.join("decisions.json");
        let mut stored = Stored { version: VERSION, ..Stored::default() };
        if file.exists() {
            let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            stored = serde_json::from_str(&text)
                .with_context(|| format!("{}: not the decisions of a review; name another folder", file.display()))?;
            if stored.version != VERSION {
                bail!("{}: version {} is not known here", file.display(), stored.version);
            }
        }
        Ok((Self { folder }, stored))
    }

    /// Writes decisions and signatures.
    pub(super) fn save(&self, review: &Review) -> anyhow::Result<()> {
        let stored = Stored { version: VERSION, decisions: review.decisions().to_vec(), drafts: review.drafts() };
        let text = serde_json::to_string_pretty(&stored).context("decisions are JSON")?;
        self.folder.put("decisions.json", &(text + "\n"))?;
        self.folder.write(&to_files(&review.accepted(), ""), false)
    }
}
