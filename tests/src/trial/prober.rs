//! The `prober` that was built beside this program, run in a lab: started, signalled, awaited - never for ever.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{lab::Lab, sys};

/// How often a running prober is looked at.
const ROUND: Duration = Duration::from_millis(5);

/// The program: beside this one, or one directory up for tests.
pub fn program() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find myself")?;
    let beside = own.ancestors().skip(1).take(2).map(|directory| directory.join("prober"));
    beside.into_iter().find(|path| path.is_file()).with_context(|| {
        format!("no `prober` beside {}: build it with `cargo build --release -p prober-userspace`", own.display())
    })
}

/// `prober scan` with its database, as it will be run in a lab.
#[derive(Clone, Debug)]
pub struct Scan {
    directory: PathBuf,
    database: PathBuf,
    arguments: Vec<String>,
}

impl Scan {
    /// With these arguments; the database and what the program says lie in `directory`.
    pub fn new(directory: &Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { directory: directory.to_owned(), database: directory.join("scan.duckdb"), arguments }
    }

    /// With another database.
    #[must_use]
    pub fn stored_in(mut self, database: &str) -> Self {
        self.database = PathBuf::from(database);
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn and(&self, more: &[&str]) -> Self {
        let mut scan = self.clone();
        scan.arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        scan
    }

    /// Where the replies go.
    pub fn database(&self) -> PathBuf {
        self.database.clone()
    }

    /// Starts it at the prober's side of `lab`.
    pub fn start(&self, lab: &Lab) -> Result<Running> {
        let program = program()?;
        let mut command = lab.command(&program.to_string_lossy());
        command.args(["scan", "--json", "--quiet", "--db"]).arg(self.database()).args(&self.arguments);
        Running::start(command, &self.directory)
    }

    /// Runs it to its end, which must be a good one, and gives its summary.
    pub fn complete(&self, lab: &Lab, patience: Duration) -> Result<Value> {
        self.start(lab)?.ended_within(patience)?.summary()
    }
}

/// A prober that runs. It is killed when dropped.
pub struct Running {
    child: Child,
    directory: PathBuf,
}

/// How a prober ended, and what it said.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// Standard output.
    pub said: String,
    /// Standard error.
    pub complained: String,
}

impl Running {
    /// Starts any command, with its output in files of `directory`: a pipe that nobody empties would hold it up.
    pub fn start(mut command: Command, directory: &Path) -> Result<Self> {
        let file = |name: &str| fs::File::create(directory.join(name)).with_context(|| format!("cannot make {name}"));
        let child = command
            .stdin(Stdio::null())
            .stdout(file("stdout")?)
            .stderr(file("stderr")?)
            // No settings of whoever runs the trial.
            .env_remove("PROBER_LOG")
            .current_dir(directory)
            .spawn()
            .with_context(|| format!("cannot run {command:?}"))?;
        Ok(Self { child, directory: directory.to_owned() })
    }

    /// Its process, which `ip netns exec` became.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) -> Result<()> {
        ensure!(sys::signal_process(self.pid(), signal), "the prober ended before signal {signal}");
        Ok(())
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits until `done`; an error if the prober ends before, or takes longer than `patience`.
    pub fn until(&mut self, what: &str, patience: Duration, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
        let started = Instant::now();
        while !done()? {
            if self.has_ended()? {
                bail!("the prober ended before {what}: {}", self.read("stderr").trim());
            }
            ensure!(started.elapsed() < patience, "after {} s still not {what}", patience.as_secs());
            thread::sleep(ROUND);
        }
        Ok(())
    }

    /// Waits until it ends; kills it after `patience` and makes that an error.
    pub fn ended_within(mut self, patience: Duration) -> Result<Ended> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Ended { status, said: self.read("stdout"), complained: self.read("stderr") });
            }
            ensure!(
                started.elapsed() < patience,
                "the prober did not end within {} s; it said: {}",
                patience.as_secs(),
                self.read("stderr").trim()
            );
            thread::sleep(ROUND);
        }
    }

    /// Kills it at once, as a crash would.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().context("cannot kill the prober")?;
        self.child.wait().context("cannot await the prober").map(drop)
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.directory.join(name)).unwrap_or_default()).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is no reason to worry.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The summary of a scan that went well.
    pub fn summary(&self) -> Result<Value> {
        ensure!(self.status.success(), "the prober ended with {}: {}", self.status, self.complained.trim());
        serde_json::from_str(&self.said).with_context(|| format!("the summary is not JSON: {}", self.said))
    }
}
