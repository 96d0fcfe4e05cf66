//! The figures of a run of grabbing, for people and machines.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::targets::Targets;
use crate::cli::figure::{duration, grouped};
use crate::io::grab::GrabProgress;
use crate::model::banner::{Banner, GrabOutcome};
use crate::model::scan::ScanId;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Complete,
    Interrupted,
    Failed,
}

/// What is said at the end; the field names are stable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Summary {
    /// The scan whose open ports were asked.
    scan: Option<ScanId>,
    /// The database.
    database: String,
    /// How it ended.
    pub(super) ending: Ending,
    /// Targets planned.
    planned: u64,
    /// Open ports of the scan that were left out because they have been asked since.
    asked_before: u64,
    /// Targets dealt with.
    targets: u64,
    /// Targets that said something.
    pub(super) grabbed: u64,
    /// Banners stored.
    rows: u64,
    /// Targets that said something, by what they speak.
    by_protocol: BTreeMap<&'static str, u64>,
    /// Targets by how it went.
    by_outcome: BTreeMap<&'static str, u64>,
    /// Connections opened.
    connections: u64,
    /// Packets sent: segments without those after closing, datagrams; a SYN that was not answered counts once.
    packets_sent: u64,
    /// Packets received.
    packets_received: u64,
    /// Time, in s.
    seconds: f64,
    /// Targets of which nothing is known because this host could not open a socket, or for a fault of this program.
    failed: u64,
    /// Hosts that a fault of this program cost; 0 if there is none.
    faults: u64,
    /// Targets that were not asked because their host had cost enough; stored as such.
    given_up: u64,
    /// Targets that were being asked, and had said nothing yet, when a stop came; `--scan` asks them next time.
    interrupted: u64,
    /// Connections stopped by the last check; 0 if the plan was right.
    excluded_before_connect: u64,
}

impl Summary {
    pub(super) fn new(scan: Option<ScanId>, database: &Path, targets: &Targets) -> Self {
        Self {
            scan,
            database: database.display().to_string(),
            ending: Ending::Complete,
            planned: targets.count,
            asked_before: targets.asked_before,
            targets: 0,
            grabbed: 0,
            rows: 0,
            by_protocol: BTreeMap::new(),
            by_outcome: BTreeMap::new(),
            connections: 0,
            packets_sent: 0,
            packets_received: 0,
            seconds: 0.0,
            failed: 0,
            faults: 0,
            given_up: 0,
            interrupted: 0,
            excluded_before_connect: 0,
        }
    }

    /// Counts the banners of one target by the last, which tells most.
    pub(super) fn add(&mut self, banners: &[Banner]) {
        let Some(banner) = banners.last() else { return };
        self.rows += banners.len() as u64;
        *self.by_outcome.entry(banner.outcome.name()).or_default() += 1;
        if banners.iter().any(|banner| !banner.text.is_empty()) {
            self.grabbed += 1;
            *self.by_protocol.entry(banner.protocol.name()).or_default() += 1;
        }
    }

    /// The last figures.
    pub(super) fn end(&mut self, took: Duration, last: &GrabProgress, interrupted: bool, failed: bool) {
        self.targets = last.targets;
        self.connections = last.connections;
        (self.packets_sent, self.packets_received) = (last.packets_sent, last.packets_received);
        (self.failed, self.faults) = (last.failed, last.faults);
        (self.given_up, self.interrupted) = (last.given_up, last.interrupted);
        self.excluded_before_connect = last.turned_away;
        self.seconds = took.as_secs_f64();
        self.ending = match (failed, interrupted) {
            (true, _) => Ending::Failed,
            (false, true) => Ending::Interrupted,
            (false, false) => Ending::Complete,
        };
    }

    pub(super) fn of(&self, outcome: GrabOutcome) -> u64 {
        self.by_outcome.get(outcome.name()).copied().unwrap_or(0)
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let mut row = |name: &str, value: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{name:<12} {value}");
        };
        let list = |counts: &BTreeMap<&str, u64>| {
            let mut counts: Vec<_> = counts.iter().collect();
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            counts.iter().map(|(name, count)| format!("{name} {}", grouped(**count))).collect::<Vec<_>>().join(", ")
        };
        let ending = match self.ending {
            Ending::Complete => "complete",
            Ending::Interrupted => "interrupted",
            Ending::Failed => "failed",
        };
        row("grabbed", format!("{} of {} targets ({ending})", grouped(self.grabbed), grouped(self.planned)));
        row("protocols", list(&self.by_protocol));
        row("outcomes", list(&self.by_outcome));
        row("stored", format!("{} rows in {}", grouped(self.rows), self.database));
        let (sent, received) = (grouped(self.packets_sent), grouped(self.packets_received));
        row("connections", format!("{} ({sent} packets sent, {received} received)", grouped(self.connections)));
        let rate = self.targets as f64 / self.seconds.max(1e-3);
        row("time", format!("{}, {rate:.0} targets/s", duration(self.seconds)));
        if self.failed > 0 {
            row("failed", format!("{} targets: no socket to be had on this host, or a fault", grouped(self.failed)));
        }
        if self.faults > 0 {
            row("faults", format!("{} hosts: please report what was logged", grouped(self.faults)));
        }
        if self.given_up > 0 {
            row("given up", format!("{} targets of hosts that had cost enough", grouped(self.given_up)));
        }
        if self.interrupted > 0 {
            row("interrupted", format!("{} targets that had said nothing yet", grouped(self.interrupted)));
        }
        if self.asked_before > 0 {
            row("left out", format!("{} open ports asked before; --again asks them too", grouped(self.asked_before)));
        }
        out
    }
}
