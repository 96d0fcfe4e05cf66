//! Looking into the daemon while it sends: what it knows of an address at this moment, lists, queries - and that nothing waits
//! for whoever asks.

use std::{
    net::Ipv4Addr,
    process::{Child, Command, Output, Stdio},
    time::Instant,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::ADDRESSES;
use crate::trial::{
    finding::Finding,
    prober::{Running, program},
    stage::{FIRST, PATIENCE, Stage},
};

/// Nobody waits for its end.
const ENDLESS: &str =
    "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * 7 + b.range) % 1000003 = 5";

impl Stage {
    /// The first of the addresses are on the list of those who asked to be left out.
    pub(super) fn look_into(&self, running: &mut Running, finding: &mut Finding) -> Result<()> {
        let watched = Ipv4Addr::from(u32::from(FIRST) + ADDRESSES - 1).to_string();
        let first = self.why(&watched)?;
        let visited = |why: &Value| why["visited_at"].as_str().map(str::to_owned);
        running.until("a later visit told", PATIENCE, || {
            let later = self.why(&watched)?;
            Ok(visited(&later) > visited(&first))
        })?;
        finding.exactly("ports of the next visit", first["ports"].as_array().map_or(0, Vec::len) as u64, 2);
        let asked = self.why(&FIRST.to_string())?;
        let names_its_list = asked["held_back"].as_str().is_some_and(|why| why.contains("optout.txt"));
        finding.exactly("an excluded address is told with its list", u64::from(names_its_list), 1);
        let nobody = self.prober(&["plan", "why", "192.0.2.1"]).output()?;
        finding.exactly(
            "who is no target is told",
            u64::from(said(&nobody).contains("is not among the 1024 watched")),
            1,
        );

        let (database, last) = (self.database().display().to_string(), format!("{watched}/32"));
        for arguments in [&["exclude", "add", &last, "--reason", "asked by mail"][..], &["exclude", "remove", &last]] {
            let done = self.prober(arguments).output()?;
            finding.exactly(format!("{} reaches it", arguments[1]), u64::from(done.status.success()), 1);
        }
        let rows =
            self.prober(&["sql", "--db", &database, "--format", "csv", "SELECT count(*) FROM exclusion"]).output()?;
        finding.exactly("its database is read meanwhile", u64::from(rows.stdout == b"count_star()\n0\n"), 1);
        let written = self.prober(&["sql", "--db", &database, "DELETE FROM reply"]).output()?;
        finding.exactly("and not written", u64::from(said(&written).contains("only lets read")), 1);

        let mut endless = Endless(self.prober(&["sql", "--db", &database, "--timeout", "10m", ENDLESS]).spawn()?);
        let sent = self.lab.counts()?.syn;
        self.until_sent(running, sent + u64::from(ADDRESSES) * 4)?;
        finding.exactly("the query still runs", u64::from(endless.0.try_wait()?.is_none()), 1);
        let mut longest_ms = 0.0_f64;
        for _ in 0..10 {
            let begun = Instant::now();
            self.control("status")?;
            longest_ms = longest_ms.max(begun.elapsed().as_secs_f64() * 1e3);
        }
        finding.note("longest status beside a query, ms", longest_ms.round());
        Ok(())
    }

    fn why(&self, address: &str) -> Result<Value> {
        let output = self.prober(&["plan", "why", address, "--json"]).output()?;
        serde_json::from_slice(&output.stdout).with_context(|| format!("prober plan why {address}: {}", said(&output)))
    }

    fn prober(&self, arguments: &[&str]) -> Command {
        // Whoever set up the trial has looked for it before.
        let mut command = Command::new(program().unwrap_or_else(|_| "prober".into()));
        command.args(arguments).arg("--config").arg(self.path("daemon.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// A query that is not awaited.
struct Endless(Child);

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}
