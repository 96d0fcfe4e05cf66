//! The lists that a configuration names: whom to watch, whom never to probe. Each bad line is a problem with its own file
//! and line; a missing file is one too.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Document;
use super::problem::Problem;
use super::settings::{DaemonSettings, ListSettings};
use crate::target::address_set::AddressSet;
use crate::target::exclusions::Exclusions;
use crate::target::list::{bad_lines, parse_address_list};
use crate::target::range::AddressRange;

/// More than a /8 without an exclusion list is refused.
const WIDEST: u64 = 1 << 24;
/// Bad lines of one list that are told.
const MOST_BAD_LINES: usize = 50;
/// How an exclusion of the configuration file itself is called.
const OWN: &str = "[exclusions] ranges";

/// Whom to watch and whom not.
#[derive(Clone, Debug)]
pub struct Lists {
    /// Every target, the excluded ones included: an exclusion may be taken back.
    pub targets: Arc<AddressSet>,
    /// Everything excluded by files and by the configuration; not what the database holds.
    pub exclusions: Exclusions,
}

impl Lists {
    /// Addresses to watch.
    pub fn watched(&self) -> u64 {
        self.targets.subtract(self.exclusions.addresses()).len()
    }
}

/// Reads the lists; what is wrong is noted in the document.
pub(super) fn load(settings: &DaemonSettings, document: &mut Document) -> Lists {
    let targets = gather(&settings.targets.list, document, ("targets", "files"));
    let targets: AddressSet = targets.into_iter().collect();
    let mut sources = Vec::new();
    if !settings.exclusions.ranges.is_empty() {
        sources.push((OWN.to_owned(), settings.exclusions.ranges.clone()));
    }
    for file in &settings.exclusions.files {
        match read_list(file) {
            Ok(ranges) => sources.push((file.display().to_string(), ranges)),
            Err(problems) => note(document, problems, ("exclusions", "files")),
        }
    }
    let named = !settings.exclusions.files.is_empty();
    let lists =
        Lists { targets: Arc::new(targets), exclusions: Exclusions::new(sources, settings.targets.allow_special) };
    if !document.problems.is_empty() {
        return lists;
    }
    if lists.targets.len() > WIDEST && !named {
        let reason = format!(
            "{} targets without an exclusion list; name one in [exclusions] files (it may be empty)",
            lists.targets.len()
        );
        let line = document.line("targets", "files").or_else(|| document.line("targets", "ranges"));
        document.problem(line, reason);
    } else if lists.watched() == 0 {
        let line = document.line("targets", "ranges").or_else(|| document.line("targets", "files"));
        let reason = "nothing to watch: every target is excluded (special ranges count unless targets.allow-special)";
        document.problem(line, reason.to_owned());
    }
    lists
}

/// What the exclusion files hold now, for a reload while everything else stays; the first that cannot be understood is
/// the error.
pub fn exclusion_sources(settings: &ListSettings) -> Result<Vec<(String, Vec<AddressRange>)>, Problem> {
    let mut sources = Vec::new();
    if !settings.ranges.is_empty() {
        sources.push((OWN.to_owned(), settings.ranges.clone()));
    }
    for file in &settings.files {
        let ranges = read_list(file).map_err(|mut problems| problems.swap_remove(0))?;
        sources.push((file.display().to_string(), ranges));
    }
    Ok(sources)
}

/// Whether the file says nothing in these lists.
pub fn is_empty_list(file: &Path, sources: &[(String, Vec<AddressRange>)]) -> bool {
    let name = file.display().to_string();
    !sources.iter().any(|(origin, ranges)| *origin == name && !ranges.is_empty())
}

fn gather(list: &ListSettings, document: &mut Document, key: (&'static str, &'static str)) -> Vec<AddressRange> {
    let mut ranges = list.ranges.clone();
    for file in &list.files {
        match read_list(file) {
            Ok(more) => ranges.extend(more),
            Err(problems) => note(document, problems, key),
        }
    }
    ranges
}

/// A file that is not there is a fault of the configuration; a bad line is one of the list.
fn note(document: &mut Document, problems: Vec<Problem>, (section, name): (&'static str, &'static str)) {
    for problem in problems {
        if problem.line.is_some() {
            document.problems.push(problem);
        } else {
            let line = document.line(section, name);
            document.problem(line, format!("{section}.{name}: {problem}"));
        }
    }
}

/// The ranges of a file, or every line of it that is wrong.
fn read_list(file: &Path) -> Result<Vec<AddressRange>, Vec<Problem>> {
    let problem = |line, reason| Problem { file: PathBuf::from(file), line, reason };
    let text = fs::read(file).map_err(|cause| vec![problem(None, format!("cannot be read: {cause}"))])?;
    let name = file.display().to_string();
    parse_address_list(&text, &name).map_err(|_| {
        let bad = bad_lines(&text, &name, MOST_BAD_LINES);
        bad.into_iter().map(|error| problem(Some(error.line), error.reason.to_string())).collect()
    })
}
