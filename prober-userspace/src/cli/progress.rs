//! Shows a running scan: a live line on a terminal, else one line every ten seconds, and a JSON object per second for
//! machines. What the line says is `line`'s work.

mod line;

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use console::Term;

pub use line::{clock, progress_line, short};

use crate::model::status::StatusSample;

/// Without a terminal, one line in this time, in s.
const PLAIN_INTERVAL_S: f64 = 10.0;
/// Columns of a line that nobody's terminal limits.
const PLAIN_WIDTH: usize = 160;

/// Where samples go. Failing to show something never ends a scan.
pub struct Progress {
    screen: Screen,
    machine: Option<Box<dyn Write + Send>>,
    next_plain_s: f64,
}

enum Screen {
    Quiet,
    Terminal,
    Plain,
}

impl Progress {
    /// `status_json`: a file to append objects to, or `-` for standard output. Fails if that file cannot be opened.
    pub fn new(quiet: bool, status_json: Option<&Path>) -> anyhow::Result<Self> {
        let machine: Option<Box<dyn Write + Send>> = match status_json {
            None => None,
            Some(path) if path == Path::new("-") => Some(Box::new(io::stdout())),
            Some(path) => Some(Box::new(
                File::options()
                    .create(true)
                    .append(true)
                    .open(path)
                    .with_context(|| format!("cannot open the status file {}", path.display()))?,
            )),
        };
        let screen = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Screen::Quiet,
            (false, true) => Screen::Terminal,
            (false, false) => Screen::Plain,
        };
        Ok(Self { screen, machine, next_plain_s: PLAIN_INTERVAL_S })
    }

    /// Shows one sample; to be called once per second.
    pub fn show(&mut self, sample: &StatusSample) {
        self.write_object(sample);
        match self.screen {
            Screen::Terminal => {
                // One column stays free: a full line would make some terminals wrap.
                let (_, columns) = Term::stderr().size();
                let width = usize::from(columns).saturating_sub(1);
                let _ = write!(io::stderr(), "\r\x1b[K{}", progress_line(sample, width));
            }
            Screen::Plain if sample.t_s >= self.next_plain_s => {
                self.next_plain_s = sample.t_s + PLAIN_INTERVAL_S;
                let _ = writeln!(io::stderr(), "{}", progress_line(sample, PLAIN_WIDTH));
            }
            Screen::Plain | Screen::Quiet => {}
        }
    }

    /// The last sample; leaves the cursor on a new line.
    pub fn finish(&mut self, sample: &StatusSample) {
        self.next_plain_s = 0.0;
        self.show(sample);
        if let Screen::Terminal = self.screen {
            let _ = writeln!(io::stderr());
        }
    }

    /// Leaves the live line when there will be no last sample, so that an error starts on a line of its own.
    pub fn leave_line(&self) {
        if let Screen::Terminal = self.screen {
            let _ = writeln!(io::stderr());
        }
    }

    fn write_object(&mut self, sample: &StatusSample) {
        let Some(machine) = &mut self.machine else {
            return;
        };
        let written = serde_json::to_string(sample)
            .map_err(io::Error::other)
            .and_then(|object| writeln!(machine, "{object}"))
            .and_then(|()| machine.flush());
        if let Err(cause) = written {
            log::warn!("status output stopped: {cause}");
            self.machine = None;
        }
    }
}
