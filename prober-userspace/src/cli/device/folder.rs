//! A folder of signature files that a command writes. Each begins with a line that names the command and a digest of what
//! follows, so that a file which somebody else wrote, or edited since, is told from one that may be replaced.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::device::sift::text_hash;

/// How the first line begins; the command and the digest follow.
const MARK: &str = "# Written by prober device ";
/// How it ends.
const ADVICE: &str = "; a file that was edited is not replaced";

/// The files of one command in a folder.
#[derive(Debug)]
pub(super) struct SignatureFolder {
    path: PathBuf,
    command: &'static str,
}

/// Whose a file is.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// As this command left it.
    Own,
    /// By this command, but edited since.
    Edited,
    /// By hand, or by another command.
    Other,
}

impl SignatureFolder {
    /// `command` is what the files are of, like `build`.
    pub(super) fn new(path: &Path, command: &'static str) -> Self {
        Self { path: path.to_owned(), command }
    }

    /// Writes these files and removes those of the command that are no longer among them; each at once or not at all.
    ///
    /// # Errors
    /// Before anything is written, if a file in the way is not as the command left it, unless `force`.
    pub(super) fn write(&self, files: &BTreeMap<String, String>, force: bool) -> anyhow::Result<()> {
        fs::create_dir_all(&self.path).with_context(|| format!("making {}", self.path.display()))?;
        if !force {
            self.check_in_the_way(files.keys())?;
        }
        for (name, text) in files {
            self.put(name, &self.marked(text))?;
        }
        for (name, owner) in self.owners()? {
            if owner == Owner::Own && !files.contains_key(&name) {
                let path = self.path.join(name);
                fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// The first file of the command that was edited since it was written.
    pub(super) fn edited(&self) -> anyhow::Result<Option<PathBuf>> {
        let edited = self.owners()?.into_iter().find(|(_, owner)| *owner == Owner::Edited);
        Ok(edited.map(|(name, _)| self.path.join(name)))
    }

    /// Writes a file beside its place and moves it there, so that a crash leaves the old or the new one.
    pub(super) fn put(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let (path, beside) = (self.path.join(name), self.path.join(format!(".{name}.new")));
        fs::write(&beside, text)
            .and_then(|()| fs::rename(&beside, &path))
            .with_context(|| format!("writing {}", path.display()))
    }

    fn check_in_the_way<'a>(&self, names: impl Iterator<Item = &'a String>) -> anyhow::Result<()> {
        for name in names {
            let path = self.path.join(name);
            let why = match fs::read_to_string(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => bail!("signature file {}: {error}; --force replaces it", path.display()),
                Ok(text) => match self.owner_of(&text) {
                    Owner::Own => continue,
                    Owner::Edited => "was edited since it was written",
                    Owner::Other => "is not of this command",
                },
            };
            bail!("signature file {} {why}: name another folder, or --force replaces it", path.display());
        }
        Ok(())
    }

    /// The signature files that are in the folder.
    fn owners(&self) -> anyhow::Result<Vec<(String, Owner)>> {
        let failed = || format!("reading {}", self.path.display());
        let mut owners = Vec::new();
        for entry in fs::read_dir(&self.path).with_context(failed)? {
            let name = entry.with_context(failed)?.file_name();
            if Path::new(&name).extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let name = name.to_string_lossy().into_owned();
            // What cannot be read is nothing of ours.
            let owner = fs::read_to_string(self.path.join(&name)).map_or(Owner::Other, |text| self.owner_of(&text));
            owners.push((name, owner));
        }
        owners.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(owners)
    }

    fn owner_of(&self, text: &str) -> Owner {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let Some(tail) = first.strip_prefix(MARK).and_then(|tail| tail.strip_prefix(self.command)) else {
            return Owner::Other;
        };
        // Of `build` and `build more` only one is meant.
        let Some(tail) = tail.strip_prefix(", digest ") else { return Owner::Other };
        if tail.strip_suffix(ADVICE) == Some(&digest(rest)) { Owner::Own } else { Owner::Edited }
    }

    fn marked(&self, text: &str) -> String {
        format!("{MARK}{}, digest {}{ADVICE}\n{text}", self.command, digest(text))
    }
}

fn digest(text: &str) -> String {
    format!("{:016x}", text_hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), format!("maker = \"{name}\"\n"))).collect()
    }

    fn in_folder(path: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn its_own_files_are_replaced_and_go_when_they_are_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let build = SignatureFolder::new(folder.path(), "build");
        build.write(&files(&["a.toml", "b.toml"]), false).unwrap();
        SignatureFolder::new(folder.path(), "import recog").write(&files(&["recog-a.toml"]), false).unwrap();
        build.write(&files(&["b.toml", "c.toml"]), false).unwrap();
        assert_eq!(in_folder(folder.path()), ["b.toml", "c.toml", "recog-a.toml"]);
        assert!(
            crate::device::signature::parse("b", &fs::read_to_string(folder.path().join("b.toml")).unwrap())
                .1
                .is_empty()
        );
    }

    #[test]
    fn what_somebody_wrote_or_edited_stays() {
        let folder = tempfile::tempdir().unwrap();
        let build = SignatureFolder::new(folder.path(), "build");
        build.write(&files(&["a.toml", "b.toml"]), false).unwrap();
        let edited = folder.path().join("b.toml");
        let text = fs::read_to_string(&edited).unwrap() + "# mine\n";
        fs::write(&edited, &text).unwrap();
        fs::write(folder.path().join("c.toml"), "maker = \"C\"\n").unwrap();
        let refused = |names: &[&str]| build.write(&files(names), false).unwrap_err().to_string();
        assert!(refused(&["a.toml", "b.toml"]).contains("b.toml was edited"));
        assert!(refused(&["c.toml"]).contains("c.toml is not of this command"));
        build.write(&files(&["a.toml"]), false).unwrap();
        assert_eq!(fs::read_to_string(&edited).unwrap(), text);
        assert_eq!(build.edited().unwrap(), Some(edited.clone()));
        build.write(&files(&["b.toml"]), true).unwrap();
        assert_eq!(build.edited().unwrap(), None);
        assert_eq!(in_folder(folder.path()), ["b.toml", "c.toml"]);
    }
}
