//! Removing everything that is stored of addresses whose owners asked for that: every table with an address. What stays is
//! what keeps them from being probed again (`exclusion`), and figures of many addresses together. Whether they are excluded
//! is the caller's to see to.

use std::fmt::Write as _;

use duckdb::Connection;

use super::{Store, StoreError};
use crate::target::address_set::AddressSet;
use crate::target::range::AddressRange;

/// Tables of findings, and the column that tells when a row was made: a day of each goes in one transaction, so that none
/// is long.
const FINDINGS: [(&str, &str); 7] = [
    ("reply", "received_at"),
    ("open_tcp_port", "seen_at"),
    ("banner", "grabbed_at"),
    ("device_estimate", "estimated_at"),
    ("network_estimate", "estimated_at"),
    ("cause_estimate", "estimated_at"),
    ("study_probe", "sent_at"),
];
/// Tables of states.
const STATES: [&str; 2] = ["target_base", "target_change"];
/// Tables of networks, each a /24.
const NETWORKS: [&str; 2] = ["cluster_member", "watch_network"];
/// Ranges that one statement looks for.
const RANGES: usize = 64;

/// Rows removed, by table.
pub type ForgottenRows = Vec<(String, u64)>;

impl Store {
    /// Removes what was found at these addresses, and adds how many rows of which tables to `rows` as it goes on: that counts
    /// also after an error, and when it was given up, which is asked for between transactions. One pass over the addresses of
    /// each table, and one over each day that has any.
    pub fn forget_findings(
        &self,
        addresses: &AddressSet,
        rows: &mut ForgottenRows,
        is_given_up: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        for (table, time) in FINDINGS {
            for condition in conditions(addresses) {
                let days =
                    format!("SELECT DISTINCT strftime({time}, '%Y-%m-%d') FROM {table} WHERE {condition} ORDER BY 1");
                for day in self.texts(&days).map_err(self.failed(FORGETTING))? {
                    if is_given_up() {
                        return Ok(());
                    }
                    let remove = format!(
                        "DELETE FROM {table} WHERE {time} >= TIMESTAMP '{day}' AND {time} < TIMESTAMP '{day}' + INTERVAL 1 DAY
                         AND ({condition})"
                    );
                    let removed = self.connection.execute(&remove, []).map_err(self.failed(FORGETTING))?;
                    add(rows, table, removed);
                }
            }
        }
        // Of a network that is named whole; one that is not has others in it.
        for range in addresses.ranges() {
            let (first, last) = (u64::from(range.first().0).div_ceil(256) * 256, u64::from(range.last().0));
            for table in NETWORKS {
                let remove = format!("DELETE FROM {table} WHERE network >= {first} AND network + 255 <= {last}");
                let removed = self.connection.execute(&remove, []).map_err(self.failed(FORGETTING))?;
                add(rows, table, removed);
            }
        }
        Ok(())
    }

    /// Removes the states of these addresses: rows by table. One transaction.
    pub fn forget_states(&self, addresses: &AddressSet) -> Result<ForgottenRows, StoreError> {
        let remove = |connection: &Connection| -> duckdb::Result<ForgottenRows> {
            let mut rows = ForgottenRows::new();
            for table in STATES {
                for condition in conditions(addresses) {
                    add(&mut rows, table, connection.execute(&format!("DELETE FROM {table} WHERE {condition}"), [])?);
                }
            }
            Ok(rows)
        };
        self.in_transaction(remove).map_err(self.failed(FORGETTING))
    }

    #[cfg(test)]
    pub(super) fn texts_for_test(&self, sql: &str) -> Vec<String> {
        self.texts(sql).expect("a query of a test")
    }

    fn texts(&self, sql: &str) -> duckdb::Result<Vec<String>> {
        self.connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
    }
}

const FORGETTING: &str = "removing what is stored of addresses";

/// Adds a number of rows to those of a table; none leave no trace.
fn add(rows: &mut ForgottenRows, table: &str, removed: usize) {
    match rows.iter_mut().find(|(name, _)| name == table) {
        Some((_, count)) => *count += removed as u64,
        None if removed > 0 => rows.push((table.to_owned(), removed as u64)),
        None => {}
    }
}

/// `address BETWEEN ...` for all ranges, some at a time.
fn conditions(addresses: &AddressSet) -> Vec<String> {
    let ranges: Vec<_> = addresses.ranges().collect();
    let any_of = |ranges: &[AddressRange]| {
        let mut text = String::new();
        for range in ranges {
            let or = if text.is_empty() { "" } else { " OR " };
            // Writing to a String cannot fail.
            let _ = write!(text, "{or}address BETWEEN {} AND {}", range.first().0, range.last().0);
        }
        text
    };
    ranges.chunks(RANGES).map(any_of).collect()
}
