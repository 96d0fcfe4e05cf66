//! Network namespaces that end with the value that made them. Their names carry the pid of their maker, so that
//! whoever comes after a crash knows which ones are left over.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail, ensure};

use crate::sys;

const DIRECTORY: &str = "/run/netns";
/// The parts of a lab, as the first part of the namespaces' names.
const PARTS: [&str; 3] = ["prober", "world", "site"];

/// A network namespace; deleted when dropped by the process that made it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    is_ours: bool,
}

impl Namespace {
    /// Makes `<part>-<pid>-<suffix>` with its loopback up. `part` is `prober`, `world` or `site`.
    pub fn create(part: &str, suffix: &str) -> Result<Self> {
        ensure!(PARTS.contains(&part), "`{part}` is not a part of a lab");
        ensure!(sys::is_root(), "the lab makes network namespaces and loads XDP programs: run it as root");
        let namespace = Self { name: format!("{part}-{}-{suffix}", std::process::id()), is_ours: true };
        ip(&["netns", "add", &namespace.name])?;
        namespace.ip(&["link", "set", "lo", "up"])?;
        namespace.sysctl("net/ipv6/conf/all/disable_ipv6", "1").or_else(ignore_missing)?;
        namespace.sysctl("net/ipv6/conf/default/disable_ipv6", "1").or_else(ignore_missing)?;
        Ok(namespace)
    }

    /// One that another process made.
    pub fn existing(name: &str) -> Self {
        Self { name: name.to_owned(), is_ours: false }
    }

    /// Its name, as `ip netns` shows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it.
    pub fn path(&self) -> PathBuf {
        Path::new(DIRECTORY).join(&self.name)
    }

    /// Runs `ip <arguments>` inside.
    pub fn ip(&self, arguments: &[&str]) -> Result<()> {
        let all: Vec<&str> = ["-n", &self.name].iter().chain(arguments).copied().collect();
        ip(&all)
    }

    /// A command that will run inside, with a `/sys` of its own.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs `work` in a thread inside and returns what it returns.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let path = self.path();
        thread::scope(|scope| {
            let inside = scope.spawn(|| sys::enter_network_namespace(&path).map(|()| work()));
            match inside.join() {
                Ok(result) => result.with_context(|| format!("cannot enter namespace {}", self.name)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Writes a setting below `/proc/sys` that belongs to the namespace.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let file = Path::new("/proc/sys").join(key);
        self.run(|| fs::write(&file, value))?.with_context(|| format!("cannot set {key} in namespace {}", self.name))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if !self.is_ours {
            return;
        }
        if let Err(error) = ip(&["netns", "del", &self.name]) {
            log::warn!("{error:#}");
        }
    }
}

/// Deletes the namespaces of labs whose process is gone, and ends what still runs in them. Returns their names.
pub fn delete_stale() -> Result<Vec<String>> {
    let entries = match fs::read_dir(DIRECTORY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot list {DIRECTORY}"))?,
    };
    let stale: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| maker(name).is_some_and(|pid| !is_running(pid)))
        .collect();
    for name in &stale {
        let deleted = end_processes_in(name).and_then(|()| ip(&["netns", "del", name]));
        // Another lab may have come first.
        if Path::new(DIRECTORY).join(name).exists() {
            deleted?;
        }
    }
    Ok(stale)
}

/// Whether a process runs: one that has ended may still be listed until its parent asks how.
pub(crate) fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before the state is in brackets, and may hold anything.
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).is_some_and(|state| !"ZX".contains(state))
}

/// The pid in the name of a lab's namespace; `None` if it is not a lab's.
fn maker(name: &str) -> Option<u32> {
    let (part, rest) = name.split_once('-')?;
    let (pid, _) = rest.split_once('-')?;
    if PARTS.contains(&part) { pid.parse().ok() } else { None }
}

/// Ends all that runs in a namespace of ours.
pub(crate) fn end_processes_in(name: &str) -> Result<()> {
    let output = Command::new("ip").args(["netns", "pids", name]).output().context("cannot run `ip netns pids`")?;
    for pid in String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.trim().parse().ok()) {
        sys::end_process(pid, true);
    }
    Ok(())
}

fn ignore_missing(error: anyhow::Error) -> Result<()> {
    match error.downcast_ref::<io::Error>() {
        Some(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}

/// Runs a command of iproute2, or another that is silent on success.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<()> {
    run_quietly(Command::new("ip").args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_runs_until_it_has_ended() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        assert!(is_running(child.id()) && is_running(std::process::id()));
        child.kill().unwrap();
        // Nobody has asked how it ended: it stays listed.
        while is_running(child.id()) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!is_running(child.id()));
    }

    #[test]
    fn only_names_of_the_lab_have_a_maker() {
        assert_eq!(maker("prober-123-0"), Some(123));
        assert_eq!(maker("site-9-web"), Some(9));
        assert_eq!(maker("prober-x-0"), None);
        assert_eq!(maker("mine-123-0"), None);
        assert_eq!(maker("world-123"), None);
    }
}
