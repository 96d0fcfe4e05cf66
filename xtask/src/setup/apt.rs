//! Debian's packages, and whether this host lets us install them. Services of installed packages are neither started
//! nor enabled.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, bail};

use super::part::State;

const SCRIPT: &str = include_str!("apt-quietly.sh");

/// What decides whether `setup` installs or only tells.
pub struct Host {
    is_root: bool,
    is_debian_12: bool,
    name: String,
}

impl Host {
    pub fn look() -> Self {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let field = |name: &str| {
            let value = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_default().trim_matches('"')
        };
        Self {
            is_root: effective_uid() == Some(0),
            is_debian_12: field("ID") == "debian" && field("VERSION_ID") == "12",
            name: field("PRETTY_NAME").to_owned(),
        }
    }

    pub fn may_install(&self) -> bool {
        self.is_root && self.is_debian_12
    }

    /// The line above the steps to take by hand.
    pub fn why_not(&self, check: bool) -> String {
        if check {
            return "missing; `cargo xtask setup` installs it, or by hand:".to_owned();
        }
        if self.is_debian_12 {
            return "not installed, because this is not root; as root:".to_owned();
        }
        format!(
            "not installed, because this is {}, not Debian 12; install what corresponds to:",
            if self.name.is_empty() { "an unknown system" } else { &self.name }
        )
    }
}

/// One call of `dpkg-query` (about 20 ms).
pub fn state(packages: &[&str]) -> State {
    let missing = missing(packages);
    if missing.is_empty() {
        return State::There(format!("{} packages", packages.len()));
    }
    State::Missing(missing.join(" "))
}

/// The lists of packages are refreshed by the first call only.
pub fn install(packages: &[&str]) -> Result<()> {
    static REFRESHED: AtomicBool = AtomicBool::new(false);
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    let lists = if REFRESHED.swap(true, Ordering::Relaxed) { "keep-lists" } else { "refresh-lists" };
    let output = Command::new("sh").args(["-c", SCRIPT, "apt-quietly", lists]).args(&missing).output();
    let output = output.context("starting sh to run apt-get")?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let last: Vec<&str> = said.lines().rev().take(15).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        bail!("apt-get install {} failed ({}):\n{}", missing.join(" "), output.status, last.join("\n"));
    }
    Ok(())
}

pub fn by_hand(packages: &[&str]) -> String {
    format!("apt-get install --no-install-recommends {}", packages.join(" "))
}

fn missing(packages: &[&str]) -> Vec<String> {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${Package} ${db:Status-Status}\n"]).args(packages);
    // Fails when it does not know one of them, and where there is no dpkg at all: missing, in both cases.
    let known = query.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let is_there = |package: &&&str| known.lines().any(|line| line == format!("{package} installed"));
    packages.iter().filter(|package| !is_there(package)).map(ToString::to_string).collect()
}

fn effective_uid() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    ids.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a program is in the search path.
pub fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}
