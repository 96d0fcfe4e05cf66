//! Which signatures: the starter database, folders beside it or instead of it, and what a fault among them does.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::device::database::Database;
use crate::device::signature::SignatureFault;
use crate::device::starter;

/// A signature file: the name that messages use, and its text.
pub(in crate::cli) type SignatureFile = (String, String);

/// Signatures for a command.
#[derive(Clone, Debug, clap::Args)]
pub struct SignatureArgs {
    /// Signature files (*.toml) of this folder as well; may be given several times
    #[arg(long, value_name = "DIR")]
    signatures: Vec<PathBuf>,
    /// Leave the starter database out
    #[arg(long)]
    no_starter: bool,
    /// Go on without the signatures that have faults
    #[arg(long)]
    keep_going: bool,
}

impl SignatureArgs {
    /// The starter database and these folders.
    pub fn beside_starter(signatures: Vec<PathBuf>) -> Self {
        Self { signatures, no_starter: false, keep_going: false }
    }

    /// The database; a fault is an error that names it, unless the others are to be used.
    pub fn load(&self) -> anyhow::Result<Database> {
        let mut files: Vec<SignatureFile> = Vec::new();
        if !self.no_starter {
            files.extend(starter::files().map(|(name, text)| (name.to_owned(), text.to_owned())));
        }
        for folder in &self.signatures {
            files.extend(read_all(folder, self.keep_going)?);
        }
        let (database, faults) = load(&files);
        if let Some(first) = faults.first() {
            if !self.keep_going {
                bail!("{first}{}; --keep-going leaves it out", and_more(&faults));
            }
            for fault in &faults {
                log::warn!("{fault}; left out");
            }
        }
        if database.devices().is_empty() {
            bail!("no signatures: name a folder that holds some with --signatures");
        }
        Ok(database)
    }
}

/// The database of these files, and their faults.
pub(super) fn load(files: &[SignatureFile]) -> (Database, Vec<SignatureFault>) {
    Database::load(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

fn and_more(faults: &[SignatureFault]) -> String {
    match faults.len() {
        0 | 1 => String::new(),
        faults => format!(" (and {} more faults)", faults - 1),
    }
}

/// The signature files of a folder, by name; or one file. What cannot be read is an error, or a warning if the others are
/// to be used.
pub(super) fn read_all(path: &Path, keep_going: bool) -> anyhow::Result<Vec<SignatureFile>> {
    let paths = paths_of(path)?;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push((path.display().to_string(), text)),
            Err(error) if keep_going => log::warn!("signature file {}: {error}; left out", path.display()),
            Err(error) => bail!("signature file {}: {error}; --keep-going leaves it out", path.display()),
        }
    }
    Ok(files)
}

/// The signature files of a folder, by name, of which there has to be one; or the file itself.
pub(in crate::cli) fn paths_of(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("signatures {}", path.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    if paths.is_empty() {
        bail!("signatures {}: no *.toml file in this folder", path.display());
    }
    Ok(paths)
}
