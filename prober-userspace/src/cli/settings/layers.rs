//! The layers of settings as text, each value with its origin. What the texts mean is `parse`'s work.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::de::{DeTable, DeValue};

use super::options::{OPTIONS, SettingFlags, SettingOption, Value};
use super::parse;
use crate::cli::UsageError;
use crate::target::shard::Shard;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In a settings file.
    File {
        /// Which.
        path: PathBuf,
        /// On which line, from 1.
        line: usize,
    },
    /// In this environment variable.
    Environment(String),
    /// On the command line, as this flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

impl Origin {
    const fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Environment(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

/// A setting cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file is not TOML, or says something that is no setting.
    #[error("{}:{line}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// One clause.
        reason: String,
    },
    /// A value means nothing.
    #[error("{origin}: {reason}")]
    Value {
        /// Where it was written.
        origin: String,
        /// One clause.
        reason: String,
    },
}

/// The texts of a setting and where they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// One for most settings.
    pub texts: Vec<String>,
    /// The highest layer that gave some.
    pub origin: Origin,
}

/// All layers, merged; the settings that no layer gives are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers(BTreeMap<&'static str, Entry>);

impl Layers {
    /// The defaults.
    pub fn defaults() -> Self {
        let mut layers = Self::default();
        for option in &OPTIONS {
            if let Some(text) = option.default {
                layers.put(option, vec![text.to_owned()], Origin::Default);
            }
        }
        layers
    }

    /// Lays a settings file's text on top.
    pub fn add_file(&mut self, path: &Path, text: &str) -> Result<(), SettingsError> {
        let line_of = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let bad = |at: usize, reason: String| SettingsError::File { path: path.into(), line: line_of(at), reason };
        let table = DeTable::parse(text).map_err(|cause| {
            let reason = cause.message().lines().collect::<Vec<_>>().join(", ");
            bad(cause.span().map_or(0, |span| span.start), reason)
        })?;
        for (key, value) in table.get_ref() {
            let at = key.span().start;
            let option = OPTIONS.iter().find(|option| option.key == key.get_ref().as_ref()).ok_or_else(|| {
                let reason = format!("unknown setting \"{}\"; `prober scan --help` lists them", key.get_ref());
                bad(at, reason)
            })?;
            let texts = texts_of(value.get_ref())
                .filter(|texts| texts.len() == 1 || !matches!(option.value, Value::One(_) | Value::Switch));
            let texts = texts.ok_or_else(|| bad(at, format!("\"{}\" has a value of the wrong form", option.key)))?;
            self.put(option, texts, Origin::File { path: path.into(), line: line_of(at) });
        }
        Ok(())
    }

    /// Lays a settings file on top if there is one.
    pub fn add_file_if_there(&mut self, path: &Path) -> anyhow::Result<()> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(self.add_file(path, &text).map_err(|cause| UsageError(cause.to_string()))?),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(cause).with_context(|| format!("cannot read the settings file {}", path.display())),
        }
    }

    /// The first of these variables that looks like a setting and is none, so that a misspelt one is not overlooked.
    pub fn unknown_variable(names: impl IntoIterator<Item = String>) -> Option<String> {
        const OTHERS: [&str; 1] = ["PROBER_LOG"];
        let known = |name: &str| OTHERS.contains(&name) || OPTIONS.iter().any(|option| option.variable() == name);
        names.into_iter().find(|name| name.starts_with("PROBER_") && !known(name))
    }

    /// Lays `PROBER_*` variables on top; `variable` gives the value of one. Several values are separated by commas.
    pub fn add_environment(&mut self, variable: impl Fn(&str) -> Option<String>) {
        for option in &OPTIONS {
            let name = option.variable();
            let Some(text) = variable(&name).filter(|text| !text.is_empty()) else { continue };
            let texts = match option.value {
                Value::One(_) | Value::Switch => vec![text],
                Value::Many(_) | Value::Sum(_) | Value::Positional(_) => text.split(',').map(str::to_owned).collect(),
            };
            self.put(option, texts, Origin::Environment(name));
        }
    }

    /// Lays the command line on top.
    pub fn add_flags(&mut self, flags: SettingFlags) {
        for (key, texts) in flags.0 {
            if let Some(option) = OPTIONS.iter().find(|option| option.key == key) {
                let name = if let Value::Positional(name) = option.value { name.into() } else { format!("--{key}") };
                self.put(option, texts, Origin::Flag(name));
            }
        }
    }

    fn put(&mut self, option: &SettingOption, texts: Vec<String>, origin: Origin) {
        match self.0.get_mut(option.key) {
            Some(entry) if matches!(option.value, Value::Sum(_)) => {
                entry.texts.extend(texts);
                entry.origin = origin;
            }
            _ => {
                self.0.insert(option.key, Entry { texts, origin });
            }
        }
    }

    /// Every setting that some layer gives, in the order of the help.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, &Entry)> {
        OPTIONS.iter().filter_map(|option| Some((option.key, self.0.get(option.key)?)))
    }

    pub(super) fn texts(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], |entry| entry.texts.as_slice())
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.texts(key).last().cloned()
    }

    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    pub(super) fn paths(&self, key: &str) -> Vec<PathBuf> {
        self.texts(key).iter().map(PathBuf::from).collect()
    }

    pub(super) fn one<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        let Some(entry) = self.0.get(key) else { return Ok(None) };
        let text = entry.texts.last().map_or("", String::as_str);
        parse(text).map(Some).map_err(|reason| self.bad(key, reason))
    }

    pub(super) fn must<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, SettingsError> {
        self.one(key, parse)?.ok_or_else(|| self.bad(key, "no value".to_owned()))
    }

    pub(super) fn switch(&self, key: &str) -> Result<bool, SettingsError> {
        Ok(self.one(key, parse::switch)?.unwrap_or(false))
    }

    /// Whether the bandwidth counts and not the rate: the one from the higher layer does.
    pub(super) fn bandwidth_rules(&self) -> Result<bool, SettingsError> {
        let rank = |key| self.0.get(key).map(|entry: &Entry| entry.origin.rank());
        match (rank("bandwidth"), rank("rate")) {
            (Some(bits), Some(packets)) if bits == packets => {
                Err(self.bad("bandwidth", "given together with a rate; choose one".to_owned()))
            }
            (bits, packets) => Ok(bits > packets),
        }
    }

    /// `--shard i/n`, or ZMap's `--shards n --shard i`.
    pub(super) fn shard(&self) -> Result<Shard, SettingsError> {
        let number = |text: &str| text.trim().parse().map_err(|_| format!("\"{text}\" is not a number of shards"));
        let from_text = |text: &str| parse::from_str::<Shard>(text);
        let Some(count) = self.one("shards", number)? else { return self.must("shard", from_text) };
        let index = self.text("shard").unwrap_or_default();
        let given = self.0.get("shard").is_some_and(|entry| entry.origin != Origin::Default);
        if index.contains('/') && given {
            return Err(self.bad("shards", format!("given together with --shard {index}; write one of them")));
        }
        let index = if given { self.must("shard", number)? } else { 0 };
        Shard::new(index, count).map_err(|cause| self.bad("shards", cause.to_string()))
    }

    fn bad(&self, key: &str, reason: String) -> SettingsError {
        let origin = match self.0.get(key).map(|entry| &entry.origin) {
            Some(origin @ Origin::File { .. }) => format!("{origin}: {key}"),
            Some(Origin::Default) | None => key.to_owned(),
            Some(origin) => origin.to_string(),
        };
        SettingsError::Value { origin, reason }
    }
}

/// A scalar or an array of scalars, as texts.
pub(in crate::cli) fn texts_of(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(items) => items.iter().map(|item| scalar(item.get_ref())).collect(),
        other => Some(vec![scalar(other)?]),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().replace('_', "")),
        DeValue::Float(number) => Some(number.as_str().replace('_', "")),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}
