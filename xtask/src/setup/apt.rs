//! Debian's packages, and whether this host lets us install them. Services of installed packages are neither started
//! nor enabled.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, bail};

use super::{packages::Package, part::State};

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
pub fn state(packages: &[Package]) -> State {
    let missing = missing(packages);
    if missing.is_empty() {
        let all = names(packages);
        return State::There(if let [one] = all[..] { one.to_owned() } else { format!("{} packages", all.len()) });
    }
    State::Missing(missing.join(" "))
}

/// The lists of packages are refreshed by the first call only.
pub fn install(packages: &[Package]) -> Result<()> {
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

/// Installs a package whose program may also have come by another way.
pub fn install_program(package: Package) -> Result<()> {
    if package.brings.is_some_and(is_somewhere) { Ok(()) } else { install(&[package]) }
}

pub fn by_hand(packages: &[Package]) -> String {
    format!("apt-get install --no-install-recommends {}", names(packages).join(" "))
}

fn missing(packages: &[Package]) -> Vec<&'static str> {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${Package} ${db:Status-Status}\n"]).args(names(packages));
    // It fails when it does not know one of them, and prints the others all the same.
    let is_missing: Box<dyn Fn(&Package) -> bool> = match query.output() {
        Ok(output) => {
            let known = String::from_utf8_lossy(&output.stdout).into_owned();
            Box::new(move |package| !known.lines().any(|line| line == format!("{} installed", package.name)))
        }
        Err(_) => Box::new(|package| package.brings.is_some_and(|brings| !is_somewhere(brings))),
    };
    packages.iter().filter(|package| is_missing(package)).map(|package| package.name).collect()
}

pub fn names(packages: &[Package]) -> Vec<&'static str> {
    packages.iter().map(|package| package.name).collect()
}

fn is_somewhere(program_or_file: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    // An absolute name replaces the folder it is joined to.
    std::env::split_paths(&path).chain(system).any(|folder| folder.join(program_or_file).exists())
}

fn effective_uid() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    ids.split_whitespace().nth(1)?.parse().ok()
}
