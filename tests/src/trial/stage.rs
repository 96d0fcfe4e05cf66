//! A daemon in its lab: its folder with configuration and lists, its database, its socket.

use std::{fs, net::Ipv4Addr, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::prober::{Ended, Running, program};
use crate::lab::Lab;

/// The first of its targets.
pub const FIRST: Ipv4Addr = Ipv4Addr::new(20, 4, 0, 0);
/// For everything that takes a moment.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The lab and the folder.
pub struct Stage {
    /// Where it probes.
    pub lab: Lab,
    directory: tempfile::TempDir,
    addresses: u32,
}

impl Stage {
    /// For as many targets, a power of two.
    pub fn new(lab: Lab, addresses: u32) -> Result<Self> {
        Ok(Self { lab, directory: tempfile::tempdir()?, addresses })
    }

    /// A file of its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.path("service.duckdb")
    }

    /// Writes a file of its folder.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.path(name), text).with_context(|| format!("cannot write {name}"))
    }

    /// Writes the configuration, with `more` at its end.
    pub fn configure(&self, more: &str) -> Result<()> {
        self.configure_for(self.addresses, more)
    }

    /// The same for the first of the targets only, a power of two. Half a day of the watch passes each second, so that every
    /// address is visited once a second.
    pub fn configure_for(&self, addresses: u32, more: &str) -> Result<()> {
        let at = |name: &str| self.path(name).display().to_string();
        let bits = 32 - addresses.ilog2();
        let text = format!(
            "[operator]\nname = \"Lab\"\ncontact = \"mailto:lab@example.org\"\n\
             [targets]\nranges = \"{FIRST}/{bits}\"\n\
             [exclusions]\nfiles = \"{}\"\n\
             [probing]\nscheme = \"standard\"\nports = [\"80\", \"443\"]\nrate = \"20k\"\nrate-per-24 = 0\n\
             rate-per-address = 0\ncooldown = \"300ms\"\ntime-scale = 43200\n\
             [store]\ndatabase = \"{}\"\n\
             [control]\nsocket = \"{}\"\nkill-switch = \"{}\"\n\
             [banners]\ngrab = false\n{more}",
            at("optout.txt"),
            self.database().display(),
            at("daemon.sock"),
            at("STOP"),
        );
        self.write("daemon.toml", &text)
    }

    /// Starts the daemon.
    pub fn start(&self) -> Result<Running> {
        let mut command = self.lab.command(&program()?.to_string_lossy());
        command.args(["daemon", "--config"]).arg(self.path("daemon.toml"));
        Running::start(command, self.directory.path())
    }

    /// `prober control` with one command; its JSON.
    pub fn control(&self, command: &str) -> Result<Value> {
        let output = Command::new(program()?)
            .args(["control", "--json", "--socket"])
            .arg(self.path("daemon.sock"))
            .arg(command)
            .output()
            .context("cannot run `prober control`")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`prober control {command}` failed: {}", complaint.trim());
        serde_json::from_slice(&output.stdout).context("`prober control` printed no JSON")
    }

    /// Waits until so many SYNs have come to the far end.
    pub fn until_sent(&self, running: &mut Running, probes: u64) -> Result<()> {
        running.until("so many probes arrived", PATIENCE, || Ok(self.lab.counts()?.syn >= probes))
    }

    /// Waits until the status is so.
    pub fn until(&self, running: &mut Running, what: &str, holds: impl Fn(&Value) -> bool) -> Result<()> {
        running.until(what, PATIENCE, || Ok(holds(&self.control("status")?)))
    }
}

/// Ends a daemon by SIGTERM, which must go well.
pub fn end(running: Running) -> Result<Ended> {
    running.signal(15)?;
    let ended = running.ended_within(PATIENCE)?;
    ensure!(ended.status.success(), "prober daemon failed: {}", ended.complained);
    Ok(ended)
}
