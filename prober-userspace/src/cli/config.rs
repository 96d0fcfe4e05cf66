//! `prober config`: the daemon's configuration file - an example, a check that tells everything that is wrong at once, and
//! what is in effect and where it was said.

mod contradiction;
mod document;
mod example;
mod keys;
mod lists;
mod offsets;
pub mod problem;
mod read;
mod reader;
pub mod settings;
mod signatures;
#[cfg(test)]
mod tests;
mod warning;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;

use super::figure::grouped;
use super::log_format::LogFormat;
use super::output::{put, put_json};
use super::table::Table;
use crate::device::database::Database;
use crate::network::local_time::Offsets;
pub use lists::{Lists, exclusion_sources, is_empty_list};
use problem::{Problem, Problems};
use settings::{DaemonSettings, ListSettings};

/// The file that is read if no other is named.
pub const DEFAULT_FILE: &str = "/etc/prober/daemon.toml";

/// Where the daemon listens for commands if the file does not say.
pub const DEFAULT_SOCKET: &str = "/run/prober/daemon.sock";

/// The daemon's configuration: an example, a check, and what is in effect
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Print a commented configuration file to start from
    Example,
    /// Tell everything that is wrong with a configuration, its lists of targets and exclusions and its signatures included;
    /// exit code 1 if anything is. Warns of what can be used and is hardly meant, like a plan that the limits cannot meet
    Check {
        #[command(flatten)]
        file: FileArgs,
        /// Print JSON: file, usable, problems and warnings (file, line, reason), targets, excluded, devices
        #[arg(long)]
        json: bool,
    },
    /// Print every setting in effect, and where it was said
    Show {
        #[command(flatten)]
        file: FileArgs,
        /// Print JSON: an array of setting, values, origin
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Debug, clap::Args)]
struct FileArgs {
    /// Configuration file
    #[arg(value_name = "FILE", default_value = DEFAULT_FILE)]
    file: PathBuf,
}

impl ConfigArgs {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Example => put(&example::example())?,
            Action::Check { file, json } => return check(&file.file, json),
            Action::Show { file, json } => return show(&file.file, json),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A configuration that can be used, with its lists.
#[derive(Clone, Debug)]
pub struct Config {
    /// The settings.
    pub settings: DaemonSettings,
    /// Whom to watch and whom not.
    pub lists: Lists,
    /// What devices are told by: the starter database and the signatures that are named.
    pub signatures: Arc<Database>,
    /// Local times of networks.
    pub offsets: Offsets,
    /// Every setting as text and where it was said, for the record.
    pub record: Vec<Row>,
    /// What is hardly meant.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Reads a file and its lists. An error is either that the file cannot be read, or [`Problems`] with all of them.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        let text = read_file(file)?;
        Ok(Self::parse(file, &text)?)
    }

    /// The same of a text; the lists are read from where it says.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problems> {
        let mut document = document::Document::parse(file, text);
        let settings = read::read(&mut document);
        let lists = lists::load(&settings, &mut document);
        let signatures = Arc::new(signatures::load(&settings.signatures, &mut document));
        let offsets = offsets::load(&settings.networks, &mut document);
        let record = rows(&document);
        let problems = std::mem::take(&mut document.problems);
        Problems::unless_none(problems)?;
        let warnings = warning::of(&settings, &lists, &document);
        Ok(Self { settings, lists, signatures, offsets, record, warnings })
    }
}

/// Where a daemon is found.
#[derive(Clone, Debug)]
pub struct Places {
    /// Its control socket.
    pub socket: PathBuf,
    /// Its database.
    pub database: PathBuf,
    /// Where its exclusions are listed.
    pub exclusions: ListSettings,
}

impl Config {
    /// Where a daemon with this configuration is found; `None` if there is no such file. The lists are not looked into.
    pub fn places(file: &Path) -> anyhow::Result<Option<Places>> {
        let is_there = file.try_exists();
        if !is_there.with_context(|| format!("cannot look at the configuration {}", file.display()))? {
            return Ok(None);
        }
        let mut document = document::Document::parse(file, &read_file(file)?);
        let DaemonSettings { socket, database, exclusions, .. } = read::read(&mut document);
        Problems::unless_none(document.problems)?;
        Ok(Some(Places { socket, database, exclusions }))
    }

    /// How the log lines of a daemon with this file look, whatever else is wrong with it; `None` if it cannot be read.
    pub fn log_format(file: &Path) -> Option<LogFormat> {
        let mut document = document::Document::parse(file, &read_file(file).ok()?);
        Some(read::read(&mut document).log_format)
    }

    /// The settings whose values differ from those of an earlier one, by name.
    pub fn changed_since(&self, before: &Self) -> Vec<String> {
        let values = |rows: &[Row]| -> BTreeMap<String, Vec<String>> {
            rows.iter().map(|row| (row.setting.clone(), row.values.clone())).collect()
        };
        let (old, new) = (values(&before.record), values(&self.record));
        let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        names.into_iter().filter(|name| old.get(*name) != new.get(*name)).cloned().collect()
    }
}

fn read_file(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| {
        format!("cannot read the configuration {}; `prober config example` prints one", file.display())
    })?;
    String::from_utf8(bytes).map_err(|cause| {
        let line = cause.as_bytes()[..cause.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
        anyhow::anyhow!("{}:{line}: not UTF-8", file.display())
    })
}

fn check(file: &Path, json: bool) -> anyhow::Result<ExitCode> {
    #[derive(Serialize)]
    struct Report<'c> {
        file: &'c Path,
        usable: bool,
        problems: &'c [Problem],
        warnings: &'c [Problem],
        targets: Option<u64>,
        excluded: Option<u64>,
        devices: Option<usize>,
    }
    let outcome = Config::parse(file, &read_file(file)?);
    let problems = outcome.as_ref().err().map_or(&[][..], |problems| problems.0.as_slice());
    let lists = outcome.as_ref().ok().map(|config| &config.lists);
    let warnings = outcome.as_ref().map_or(&[][..], |config| config.warnings.as_slice());
    if json {
        put_json(&Report {
            file,
            usable: problems.is_empty(),
            problems,
            warnings,
            targets: lists.map(Lists::watched),
            excluded: lists.map(|lists| lists.exclusions.addresses().len()),
            devices: outcome.as_ref().ok().map(|config| config.signatures.devices().len()),
        })?;
    } else if let Ok(Config { lists, signatures, .. }) = &outcome {
        let (watched, excluded) = (grouped(lists.watched()), grouped(lists.exclusions.addresses().len()));
        for warning in warnings {
            put(&format!("warning: {warning}\n"))?;
        }
        let devices = grouped(signatures.devices().len() as u64);
        put(&format!(
            "{}: no problem; {watched} addresses to watch, {excluded} excluded, {devices} devices known\n",
            file.display()
        ))?;
    } else {
        for problem in problems {
            put(&format!("{problem}\n"))?;
        }
        let count = problems.len();
        eprintln!("prober: {}: {count} {}", file.display(), if count == 1 { "problem" } else { "problems" });
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A setting as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `section.name`.
    pub setting: String,
    /// As written.
    pub values: Vec<String>,
    /// Where.
    pub origin: String,
}

fn rows(document: &document::Document) -> Vec<Row> {
    let row = |(key, entry): (&keys::Key, &document::Entry)| Row {
        setting: key.path(),
        values: entry.texts.clone(),
        origin: entry.origin.to_string(),
    };
    document.entries().map(row).collect()
}

fn show(file: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let mut document = document::Document::parse(file, &read_file(file)?);
    read::read(&mut document);
    let rows = rows(&document);
    if json {
        put_json(&rows)?;
    } else {
        let mut table = Table::of(&["setting", "value", "from"]);
        for row in &rows {
            table.row([row.setting.clone(), row.values.join(" "), row.origin.clone()]);
        }
        put(&table.render())?;
    }
    for problem in &document.problems {
        eprintln!("prober: {problem}");
    }
    Ok(if document.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
