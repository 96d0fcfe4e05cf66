//! The signatures that a configuration names: each fault is a problem with its own file and line.

use std::path::Path;

use super::document::Document;
use super::problem::Problem;
use crate::cli::device::signatures::{SignatureFile, paths_of};
use crate::device::database::Database;
use crate::device::starter;

/// The starter database with the signatures of these files and folders; what is wrong is noted in the document.
pub(super) fn load(places: &[impl AsRef<Path>], document: &mut Document) -> Database {
    let mut files: Vec<SignatureFile> = Vec::new();
    for place in places {
        match read(place.as_ref()) {
            Ok(more) => files.extend(more),
            Err(reason) => {
                let line = document.line("banners", "signatures");
                document.problem(line, format!("banners.signatures: {reason}"));
            }
        }
    }
    let mut all: Vec<(&str, &str)> = starter::files().collect();
    all.extend(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let (database, faults) = Database::load(all);
    document.problems.extend(faults.into_iter().map(|fault| Problem {
        file: fault.place.file.into(),
        line: Some(fault.place.line),
        reason: fault.reason.to_string(),
    }));
    database
}

fn read(place: &Path) -> Result<Vec<SignatureFile>, String> {
    let paths = paths_of(place).map_err(|cause| format!("{cause:#}"))?;
    let text = |path: &Path| {
        std::fs::read_to_string(path).map_err(|cause| format!("{}: cannot be read: {cause}", path.display()))
    };
    paths.iter().map(|path| Ok((path.display().to_string(), text(path)?))).collect()
}
