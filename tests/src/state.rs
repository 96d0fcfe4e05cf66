//! What a lab that runs in the background tells the others: one file below `/run/prober-lab`.

use std::{
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use prober_common::lab::LabCounts;
use serde::{Deserialize, Serialize};

use crate::{namespace::is_running, world::WorldCounts};

const DIRECTORY: &str = "/run/prober-lab";

/// A lab in the background. The fields are stable: scripts read them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Its process.
    pub pid: u32,
    /// Namespace of the prober's side.
    pub prober_namespace: String,
    /// Namespace of the world's side.
    pub world_namespace: String,
    /// The interface for the prober.
    pub interface: String,
    /// The prober's address.
    pub source: Ipv4Addr,
    /// The gateway's address.
    pub gateway: Ipv4Addr,
    /// `world`, `reflector` or `counter`.
    pub far_end: String,
    /// Seed of the population.
    pub seed: u64,
    /// One address in so many is populated.
    pub one_in: u32,
    /// The world's record of its answers.
    pub records: Option<PathBuf>,
    /// Where real servers answer.
    pub servers: Vec<ServerState>,
}

/// A real server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerState {
    /// Its program.
    pub name: String,
    /// The prefix that leads to it.
    pub prefix: String,
    /// Its port.
    pub port: u16,
    /// `tcp` or `udp`.
    pub transport: String,
}

/// What a lab counted so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counted {
    /// Probes that reached the far end.
    pub probes: u64,
    /// TCP SYNs among them.
    pub syn: u64,
    /// Echo requests among them.
    pub echo: u64,
    /// UDP datagrams among them.
    pub udp: u64,
    /// RSTs from the prober.
    pub rst: u64,
    /// Frames for the gateway and the real servers.
    pub passed: u64,
    /// Answers of the reflector.
    pub answers: u64,
    /// Probes to addresses where nobody lives.
    pub unpopulated: u64,
    /// Arrivals that the emulated world was too slow for; must be 0.
    pub arrivals_lost: u64,
    /// What the emulated world did.
    pub world: Option<WorldCounts>,
}

impl Counted {
    /// From the far end's and the world's own counters.
    pub fn new(far: &LabCounts, world: Option<WorldCounts>) -> Self {
        Self {
            probes: far.probes(),
            syn: far.syn,
            echo: far.echo,
            udp: far.udp,
            rst: far.rst,
            passed: far.passed,
            answers: far.answers(),
            unpopulated: far.unpopulated,
            arrivals_lost: far.arrivals_lost,
            world,
        }
    }
}

impl State {
    /// Reads the state of the lab called `name`; an error unless its process lives.
    pub fn read(name: &str) -> Result<Self> {
        match Self::find(name)? {
            Some(state) if state.is_alive() => Ok(state),
            _ => bail!("no lab called `{name}` is up: `prober-lab up` makes one"),
        }
    }

    /// Reads the state, whether or not its process lives; `None` if there is none.
    pub fn find(name: &str) -> Result<Option<Self>> {
        let path = state_path(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(
                serde_json::from_str(&text).with_context(|| format!("{} is not a lab's state", path.display()))?,
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Makes the state known.
    pub fn write(&self) -> Result<()> {
        write(&state_path(&self.name), self)
    }

    /// Whether its process lives.
    pub fn is_alive(&self) -> bool {
        let program = fs::read_to_string(Path::new("/proc").join(self.pid.to_string()).join("comm"));
        is_running(self.pid) && program.is_ok_and(|name| name.trim() == "prober-lab")
    }
}

/// Writes what a lab counted.
pub fn write_counted(name: &str, counted: &Counted) -> Result<()> {
    write(&directory(name).join("counted.json"), counted)
}

/// Reads what a lab counted, at most a second old.
pub fn read_counted(name: &str) -> Result<Counted> {
    let path = directory(name).join("counted.json");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// Where a lab keeps its files; removed by [`forget`].
pub fn directory(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

/// Removes all files of a lab.
pub fn forget(name: &str) -> Result<()> {
    let remove = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    remove(fs::remove_file(state_path(name))).context("cannot remove the lab's state")?;
    remove(fs::remove_dir_all(directory(name))).context("cannot remove the lab's files")
}

fn state_path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(format!("{name}.json"))
}

/// Replaces the file at once, so that readers see the old or the new text, never half of one.
fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let next = path.with_extension("new");
    let text = serde_json::to_string_pretty(value)?;
    let parent = path.parent().context("the lab's files lie in a directory")?;
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&next, text))
        .and_then(|()| fs::rename(&next, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
