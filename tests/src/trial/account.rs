//! The books of a scan, read from its database: what the kernel accepted, what is stored, what was a
//! duplicate, what was lost. Every trial closes with them.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};

use super::{
    finding::{Bound, Finding},
    prober,
};

/// What `prober sql` answers to a query, as text, row by row. No prober may scan into the database meanwhile.
pub fn rows(database: &Path, query: &str) -> Result<Vec<Vec<String>>> {
    let output = Command::new(prober::program()?)
        .args(["sql", "--format", "csv", "--db"])
        .arg(database)
        .arg(query)
        .output()
        .context("cannot run `prober sql`")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`prober sql` failed: {}", complaint.trim());
    let text = String::from_utf8(output.stdout).context("`prober sql` printed no text")?;
    Ok(text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

/// The books of the last scan in a database.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// How the scan stands.
    pub status: String,
    /// Rows of `reply`, counted here.
    pub rows: u64,
    /// Rows that repeat address, port, probe and kind of another one.
    pub repeats: u64,
    /// The sums of the counters by role: `sent`, `accepted`, `stored`, `duplicate`, `loss`.
    roles: BTreeMap<String, u64>,
    /// Every counter.
    counters: BTreeMap<String, u64>,
}

impl Account {
    /// Reads it.
    pub fn read(database: &Path) -> Result<Self> {
        let number = |text: &String| text.parse::<u64>().with_context(|| format!("`{text}` is not a number"));
        let last = "WITH last AS (SELECT max(id) AS id FROM scan)";
        let totals = rows(
            database,
            &format!(
                "{last} SELECT any_value(status), (SELECT count(*) FROM reply, last WHERE scan_id = last.id),
                     (SELECT count(DISTINCT (address, port, probe, kind)) FROM reply, last WHERE scan_id = last.id)
                 FROM scan JOIN last USING (id)"
            ),
        )?;
        let [status, stored, distinct] = totals.first().context("no scan in the database")?.as_slice() else {
            bail!("{totals:?} are not the totals of a scan");
        };
        let (stored, distinct) = (number(stored)?, number(distinct)?);
        let mut account = Self { status: status.clone(), rows: stored, repeats: stored - distinct, ..Self::default() };
        let counters = format!("{last} SELECT name, role, value FROM scan_counter JOIN last ON scan_id = id");
        for counter in rows(database, &counters)? {
            let [name, role, value] = counter.as_slice() else { bail!("{counter:?} is not a counter") };
            let value = number(value)?;
            account.counters.insert(name.clone(), value);
            *account.roles.entry(role.clone()).or_default() += value;
        }
        Ok(account)
    }

    /// The sum of all counters of a role; 0 if there is none.
    pub fn role(&self, role: &str) -> u64 {
        self.roles.get(role).copied().unwrap_or(0)
    }

    /// A counter by its name; 0 if there is none.
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or(0)
    }

    /// Adds the figures that every trial closes with: accepted = rows + duplicates + counted losses, and nothing held back
    /// by the last check before the wire.
    pub fn close(&self, finding: &mut Finding) {
        self.balance(finding);
        finding.exactly("probes held back at the wire", self.counter("excluded_before_wire"), 0);
    }

    /// The same where exclusions changed meanwhile: what was planned before is held back at the wire, as it should be.
    pub fn balance(&self, finding: &mut Finding) {
        let (accepted, duplicates, lost) = (self.role("accepted"), self.role("duplicate"), self.role("loss"));
        finding.note("accepted in XDP", accepted as f64);
        finding.note("rows", self.rows as f64);
        finding.note("duplicates", duplicates as f64);
        finding.note("counted losses", lost as f64);
        let settled = (self.rows + duplicates + lost) as f64;
        finding.add("accepted - rows - duplicates - losses", accepted as f64 - settled, Bound::Exactly(0.0));
        finding.exactly("rows by the writer's own count", self.counter("stored"), self.rows);
    }
}
