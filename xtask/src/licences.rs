//! Checks that every crate in the build may be used: its licence is on the list of `.deny.toml`, and it is not banned
//! there. Where cargo-deny is installed it has the second word; advisories are left to it.

use std::{collections::BTreeSet, fs, process::Command};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace::{self, cargo, output};

const SETTINGS: &str = ".deny.toml";

#[derive(Deserialize)]
struct Settings {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

pub fn check() -> Result<()> {
    let text = fs::read_to_string(workspace::root().join(SETTINGS)).with_context(|| format!("reading {SETTINGS}"))?;
    let settings: Settings = toml::from_str(&text).with_context(|| format!("reading {SETTINGS}"))?;
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let listed = output(cargo()?.args(["metadata", "--format-version=1", "--filter-platform", &platform]))?;
    let metadata: Metadata = serde_json::from_str(&listed).context("reading what `cargo metadata` printed")?;

    let mut faults = Vec::new();
    for package in &metadata.packages {
        let named = format!("{} {}", package.name, package.version);
        if let Some(banned) = settings.bans.deny.iter().find(|banned| banned.name == package.name) {
            faults.push(format!("{named} is banned: {}", banned.reason));
        }
        match &package.license {
            Some(licence) if is_allowed(licence, &settings.licenses.allow) => {}
            Some(licence) => faults.push(format!("{named} is under {licence}, which {SETTINGS} does not allow")),
            None => faults.push(format!("{named} names no licence")),
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n  "));
    }
    println!("{} crates, all under allowed licences", metadata.packages.len());
    let deny = Command::new("cargo-deny").arg("--version").output();
    if deny.is_ok_and(|deny| deny.status.success()) {
        workspace::run(cargo()?.args(["deny", "check", "licenses", "bans", "sources"]))?;
    }
    Ok(())
}

/// Whether an SPDX expression can be met with the allowed licences: one of each `OR`, all of each `AND`. A `/` is the
/// old way to write `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, allowed };
    let verdict = reader.alternatives();
    verdict && reader.words.is_empty()
}

struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl Reader<'_> {
    fn alternatives(&mut self) -> bool {
        let mut verdict = self.conditions();
        while self.took("OR") {
            verdict |= self.conditions();
        }
        verdict
    }

    fn conditions(&mut self) -> bool {
        let mut verdict = self.licence();
        while self.took("AND") {
            verdict &= self.licence();
        }
        verdict
    }

    fn licence(&mut self) -> bool {
        if self.took("(") {
            let verdict = self.alternatives();
            return self.took(")") && verdict;
        }
        let Some((name, rest)) = self.words.split_first() else { return false };
        self.words = rest;
        if !self.took("WITH") {
            return self.allowed.contains(*name);
        }
        let Some((exception, rest)) = self.words.split_first() else { return false };
        self.words = rest;
        self.allowed.contains(*name) || self.allowed.contains(&format!("{name} WITH {exception}"))
    }

    fn took(&mut self, word: &str) -> bool {
        let Some((first, rest)) = self.words.split_first() else { return false };
        if *first == word {
            self.words = rest;
        }
        *first == word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_by_one_of_or_and_all_of_and() {
        let allowed: BTreeSet<String> = ["MIT", "Apache-2.0", "Unicode-3.0"].map(String::from).into();
        for met in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(is_allowed(met, &allowed), "{met}");
        }
        for unmet in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT)", "", "MIT GPL-3.0", "(MIT OR ISC) AND EUPL-1.2"] {
            assert!(!is_allowed(unmet, &allowed), "{unmet}");
        }
    }
}
