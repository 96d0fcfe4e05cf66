//! The moments at which a watch is killed: any, and those at which it writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Whatever it does.
    Any,
    /// While the database's log grows: states or replies are being committed.
    Committing,
    /// While the database file itself is written: a checkpoint.
    Checkpointing,
    /// Soon after its first probe.
    Beginning,
}

impl Moment {
    /// The moment of the kill with this number; all of them in turn.
    pub fn of(kill: u64) -> Self {
        [Self::Any, Self::Committing, Self::Checkpointing, Self::Beginning][(kill % 4) as usize]
    }

    /// How it is called in a finding.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "at any moment",
            Self::Committing => "while the log grew",
            Self::Checkpointing => "while the file was written",
            Self::Beginning => "soon after the start",
        }
    }
}

/// Tells when a file has changed.
pub struct FileWatch {
    path: PathBuf,
    last: Option<(u64, SystemTime)>,
}

impl FileWatch {
    /// From its state now on.
    pub fn new(database: &Path, moment: Moment) -> Self {
        let path = match moment {
            Moment::Committing => PathBuf::from(format!("{}.wal", database.display())),
            _ => database.to_owned(),
        };
        let last = state(&path);
        Self { path, last }
    }

    /// Waits until it changes, at most so long; whether it did. Looks without a pause, to be there in time.
    pub fn changes_within(
        &self,
        patience: Duration,
        mut meanwhile: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let begun = std::time::Instant::now();
        while begun.elapsed() < patience {
            if state(&self.path) != self.last {
                return Ok(true);
            }
            meanwhile()?;
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(false)
    }
}

fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let about = fs::metadata(path).ok()?;
    Some((about.len(), about.modified().ok()?))
}
