//! The counters of a scan over all its sessions: what earlier sessions left in the database plus what this one counts.

use std::collections::BTreeMap;

use duckdb::{Connection, params};

use super::{CounterRole, CounterValue};
use crate::model::scan::ScanId;

/// Every counter of one scan, ordered by name.
#[derive(Debug, Default)]
pub(super) struct ScanCounters {
    scan: u32,
    counters: BTreeMap<String, Total>,
}

#[derive(Debug)]
struct Total {
    role: String,
    meaning: String,
    before: u64,
    session: u64,
}

impl ScanCounters {
    /// What earlier sessions left; empty for a new scan.
    pub(super) fn load(connection: &Connection, scan: ScanId) -> duckdb::Result<Self> {
        let mut statement =
            connection.prepare("SELECT name, role, meaning, value FROM scan_counter WHERE scan_id = ?")?;
        let rows = statement.query_map([scan.0], |row| {
            let total = Total { role: row.get(1)?, meaning: row.get(2)?, before: row.get(3)?, session: 0 };
            Ok((row.get::<_, String>(0)?, total))
        })?;
        Ok(Self { scan: scan.0, counters: rows.collect::<duckdb::Result<_>>()? })
    }

    /// Takes over a counter as it stands in this session.
    pub(super) fn set(&mut self, counter: CounterValue) {
        if let Some(total) = self.counters.get_mut(counter.name) {
            total.session = counter.value;
            return;
        }
        let (role, meaning) = (counter.role.name().to_owned(), counter.meaning.to_owned());
        let total = Total { role, meaning, before: 0, session: counter.value };
        self.counters.insert(counter.name.to_owned(), total);
    }

    /// The value over all sessions; 0 if there is no such counter.
    pub(super) fn total(&self, name: &str) -> u64 {
        self.counters.get(name).map_or(0, |total| total.before + total.session)
    }

    /// What earlier sessions left of a counter.
    pub(super) fn before(&self, name: &str) -> u64 {
        self.counters.get(name).map_or(0, |total| total.before)
    }

    /// Replaces the scan's rows. Inside the caller's transaction.
    pub(super) fn write(&self, connection: &Connection) -> duckdb::Result<()> {
        connection.execute("DELETE FROM scan_counter WHERE scan_id = ?", [self.scan])?;
        let mut appender = connection.appender("scan_counter")?;
        for (name, total) in &self.counters {
            appender.append_row(params![self.scan, name, total.role, total.before + total.session, total.meaning])?;
        }
        appender.flush()
    }
}

/// The counters that the writer itself keeps, with their meaning.
pub(super) mod own {
    use super::{CounterRole, CounterValue};

    pub(in crate::io::store) const COMMITS: &str = "commits";
    pub(in crate::io::store) const STORED: &str = "stored";
    pub(in crate::io::store) const KILLED: &str = "killed";

    /// Duplicates by reply kind, in the order of the kinds.
    pub(in crate::io::store) const DUPLICATES: [&str; 7] = [
        "duplicate_syn_ack",
        "duplicate_rst",
        "duplicate_echo_reply",
        "duplicate_udp_reply",
        "duplicate_unreachable",
        "duplicate_time_exceeded",
        "duplicate_icmp_other",
    ];

    pub(in crate::io::store) fn commits(value: u64) -> CounterValue {
        CounterValue { name: COMMITS, role: CounterRole::Info, value, meaning: "transactions of the writer" }
    }

    pub(in crate::io::store) fn stored(value: u64) -> CounterValue {
        CounterValue { name: STORED, role: CounterRole::Stored, value, meaning: "replies stored" }
    }

    pub(in crate::io::store) fn killed(value: u64) -> CounterValue {
        let meaning = "accepted, but not yet stored when the process was killed";
        CounterValue { name: KILLED, role: CounterRole::Loss, value, meaning }
    }

    /// The kernel's counter, where rows came before its first reading.
    pub(in crate::io::store) fn accepted(value: u64) -> CounterValue {
        let meaning = "replies whose token verified in the kernel";
        CounterValue { name: "accepted", role: CounterRole::Accepted, value, meaning }
    }

    pub(in crate::io::store) fn duplicate(kind: usize, value: u64) -> CounterValue {
        let meaning = "replies of this kind that had come before";
        CounterValue { name: DUPLICATES[kind], role: CounterRole::Duplicate, value, meaning }
    }

    pub(in crate::io::store) fn store_failed(value: u64) -> CounterValue {
        let meaning = "replies dropped because the database could not be written";
        CounterValue { name: "store_failed", role: CounterRole::Loss, value, meaning }
    }

    pub(in crate::io::store) fn banners_failed(value: u64) -> CounterValue {
        let meaning = "banners dropped because the database could not be written";
        CounterValue { name: "banners_failed", role: CounterRole::Info, value, meaning }
    }

    pub(in crate::io::store) fn stale(value: u64) -> CounterValue {
        let meaning = "replies older than two generations of the duplicate check (must be 0)";
        CounterValue { name: "stale", role: CounterRole::Loss, value, meaning }
    }
}
