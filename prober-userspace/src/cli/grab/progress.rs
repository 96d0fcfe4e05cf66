//! The progress line of `prober grab`: live on a terminal, else one line every ten seconds.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::summary::Summary;
use crate::cli::progress::{clock, short};
use crate::io::grab::GrabProgress;
use crate::model::banner::GrabOutcome;

/// Without a terminal, one line in this time.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Where lines go. Failing to show something never ends a run.
pub(super) struct Progress {
    planned: u64,
    screen: Screen,
    next: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Screen {
    Quiet,
    Terminal,
    Plain,
}

impl Progress {
    pub(super) fn new(quiet: bool, planned: u64) -> Self {
        let screen = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Screen::Quiet,
            (false, true) => Screen::Terminal,
            (false, false) => Screen::Plain,
        };
        let next = if screen == Screen::Plain { PLAIN_INTERVAL } else { Duration::ZERO };
        Self { planned, screen, next }
    }

    /// Shows how far it is, if it is time to.
    pub(super) fn show(&mut self, passed: Duration, sample: &GrabProgress, summary: &Summary) {
        if self.screen == Screen::Quiet || passed < self.next {
            return;
        }
        let line = line(passed, self.planned, sample, summary);
        let _ = match self.screen {
            Screen::Terminal => write!(io::stderr(), "\r\x1b[K{line}"),
            Screen::Plain | Screen::Quiet => writeln!(io::stderr(), "{line}"),
        };
        self.next = passed + if self.screen == Screen::Terminal { Duration::from_secs(1) } else { PLAIN_INTERVAL };
    }

    /// The last line; leaves the cursor on a new one.
    pub(super) fn finish(&mut self, passed: Duration, sample: &GrabProgress, summary: &Summary) {
        self.next = Duration::ZERO;
        self.show(passed, sample, summary);
        if self.screen == Screen::Terminal {
            let _ = writeln!(io::stderr());
        }
    }
}

fn line(passed: Duration, planned: u64, sample: &GrabProgress, summary: &Summary) -> String {
    let seconds = passed.as_secs_f64();
    let share = sample.targets as f64 / planned.max(1) as f64;
    let rate = sample.connections as f64 / seconds.max(1e-3);
    let silent = [GrabOutcome::Silent, GrabOutcome::Timeout, GrabOutcome::Unreachable].map(|o| summary.of(o));
    let left = if share > 0.0 { seconds / share - seconds } else { 0.0 };
    format!(
        "{} {:.1}%  asked {}  {} conn/s  banners {}  refused {}  silent {}  ETA {}",
        clock(seconds),
        share * 100.0,
        short(sample.targets as f64),
        short(rate),
        short(summary.grabbed as f64),
        short(summary.of(GrabOutcome::Refused) as f64),
        short(silent.iter().sum::<u64>() as f64),
        clock(left)
    )
}
