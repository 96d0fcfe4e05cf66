//! The kill switch: a file that holds all sending back by being there. Only what is surely not there lets go: a folder that
//! is gone, or that may not be looked into, holds as well.

use std::io::ErrorKind;
use std::path::Path;

/// Whether the file is there. An error says why that cannot be told.
pub fn is_there(file: &Path) -> Result<bool, String> {
    let cannot = |path: &Path, cause: &std::io::Error| format!("{} cannot be looked at: {cause}", path.display());
    match file.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            match file.parent().map(|folder| (folder, folder.metadata())) {
                // The file alone is missing.
                Some((_, Ok(_))) | None => Ok(false),
                Some((folder, Err(cause))) => Err(cannot(folder, &cause)),
            }
        }
        Err(cause) => Err(cannot(file, &cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_that_is_surely_missing_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("STOP");
        assert_eq!(is_there(&file), Ok(false));
        std::fs::write(&file, "").unwrap();
        assert_eq!(is_there(&file), Ok(true));
        // Neither a folder that is gone nor a path through a file.
        assert!(is_there(&folder.path().join("gone/STOP")).unwrap_err().contains("gone cannot be looked at"));
        assert!(is_there(&file.join("STOP")).unwrap_err().contains("cannot be looked at"));
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/nowhere", &file).unwrap();
        assert_eq!(is_there(&file), Ok(true), "a link is a file");
    }
}
