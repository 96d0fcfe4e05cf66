//! Whether this host can scan well, check by check, with what to do about each. Reads only, but for ARP requests to the
//! gateway if the kernel does not know it. Printing is the command's work.

mod machine;
mod place;
mod sys;
mod way_out;

pub use sys::clock_is_synchronised;

use std::path::PathBuf;

use serde::Serialize;

use crate::io::privileges;
use crate::model::link::LinkRequest;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// Scans work, but slower or less exactly.
    Warn,
    /// Scans will not work.
    Fail,
}

impl State {
    /// The word on screen and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The outcome of one check; field names in JSON are stable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do; empty if nothing.
    pub advice: String,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), advice: String::new() }
    }

    fn warn(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Warn, found: found.into(), advice: advice.into() }
    }

    fn fail(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Fail, found: found.into(), advice: advice.into() }
    }
}

/// What to check for.
#[derive(Clone, Debug)]
pub struct Examination {
    /// The way out of the scan that is planned.
    pub link: LinkRequest,
    /// The database that it would write.
    pub database: PathBuf,
}

/// Makes every check; up to three seconds if the gateway keeps silent.
pub fn examine(examination: &Examination) -> Vec<Check> {
    let mut checks = vec![capabilities()];
    checks.extend(machine::checks());
    checks.extend(place::checks(&examination.database));
    checks.extend(way_out::checks(&examination.link));
    checks
}

fn capabilities() -> Check {
    const NAME: &str = "capabilities";
    match privileges::missing_for_scan() {
        Ok(missing) if missing.is_empty() => Check::ok(NAME, "all that scanning needs"),
        Ok(missing) => Check::fail(NAME, format!("missing {missing}"), "run as root or grant them"),
        Err(cause) => Check::fail(NAME, cause.to_string(), "run as root"),
    }
}
