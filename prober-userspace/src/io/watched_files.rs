//! Noticing that files were changed, replaced, made or removed: their state is looked at now and then and compared. Cheap
//! enough for several looks a second; whoever watches decides what to do.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What is compared. Editors replace files, so the inode counts; a file written twice within a tick of the clock differs
/// in its change time or length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    device: u64,
    inode: u64,
    length: u64,
    modified_ns: i128,
    changed_ns: i128,
}

/// Files and how they were at the last look.
#[derive(Clone, Debug, Default)]
pub struct WatchedFiles {
    files: Vec<(PathBuf, Option<Look>)>,
}

impl WatchedFiles {
    /// Watches these from now on.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let files = paths.into_iter().map(|path| {
            let seen = look(&path);
            (path, seen)
        });
        Self { files: files.collect() }
    }

    /// Those that differ from the last look; one system call for each file.
    pub fn changed(&mut self) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for (path, seen) in &mut self.files {
            let now = look(path);
            if now != *seen {
                *seen = now;
                changed.push(path.clone());
            }
        }
        changed
    }
}

/// A file that cannot be looked at is one that is not there.
fn look(path: &Path) -> Option<Look> {
    let found = fs::metadata(path).ok()?;
    let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
    Some(Look {
        device: found.dev(),
        inode: found.ino(),
        length: found.len(),
        modified_ns: ns(found.mtime(), found.mtime_nsec()),
        changed_ns: ns(found.ctime(), found.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_changing_a_file_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("optout.txt");
        let other = folder.path().join("other");
        let mut watched = WatchedFiles::new([path.clone(), folder.path().join("never")]);
        let mut noticed = |what: &str| {
            assert_eq!(watched.changed(), std::slice::from_ref(&path), "{what}");
            assert!(watched.changed().is_empty(), "{what}: once");
        };
        fs::write(&path, "192.0.2.1\n").unwrap();
        noticed("made");
        fs::write(&path, "192.0.2.1\n192.0.2.2\n").unwrap();
        noticed("longer");
        fs::write(&other, "192.0.2.3\n192.0.2.4\n").unwrap();
        fs::rename(&other, &path).unwrap();
        noticed("replaced by one of the same length");
        fs::remove_file(&path).unwrap();
        noticed("removed");
    }
}
