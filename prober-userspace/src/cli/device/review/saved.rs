//! The decisions on disk, and the signature files that follow from them. Each file is written beside itself and put in its
//! place, so that a crash leaves the old or the new one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::device::export::to_files;
use crate::device::review::{Decision, Review};

/// Version of the format.
const VERSION: u32 = 1;

/// The file of decisions.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    decisions: Vec<Decision>,
}

/// A folder with decisions and signature files.
pub(super) struct Saved {
    folder: PathBuf,
    decisions: Vec<Decision>,
    /// The signature files that are ours.
    files: BTreeSet<String>,
}

impl Saved {
    /// Makes the folder if it is missing; reads what was decided before.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join("decisions.json");
        let mut saved = Self { folder: folder.to_owned(), decisions: Vec::new(), files: BTreeSet::new() };
        if path.exists() {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let stored: Stored = serde_json::from_str(&text)
                .with_context(|| format!("{}: not the decisions of a review; name another folder", path.display()))?;
            if stored.version != VERSION {
                anyhow::bail!("{}: version {} is not known here", path.display(), stored.version);
            }
            saved.decisions = stored.decisions;
        }
        Ok(saved)
    }

    pub(super) fn decisions(&self) -> Vec<Decision> {
        self.decisions.clone()
    }

    /// Writes decisions and signatures.
    pub(super) fn save(&mut self, review: &Review) -> anyhow::Result<()> {
        let stored = Stored { version: VERSION, decisions: review.decisions().to_vec() };
        let text = serde_json::to_string_pretty(&stored).context("decisions are JSON")?;
        self.write("decisions.json", &(text + "\n"))?;
        let files = to_files(&review.accepted(), "");
        for (name, text) in &files {
            self.write(name, text)?;
        }
        let names: BTreeSet<String> = files.into_keys().collect();
        for gone in self.files.difference(&names) {
            let path = self.folder.join(gone);
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
        self.files = names;
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let (path, beside) = (self.folder.join(name), self.folder.join(format!(".{name}.new")));
        fs::write(&beside, text)
            .and_then(|()| fs::rename(&beside, &path))
            .with_context(|| format!("writing {}", path.display()))
    }
}
