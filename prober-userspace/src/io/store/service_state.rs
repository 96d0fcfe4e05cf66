//! The table `service_state`: small texts that the daemon keeps from one start to the next, under a name each.

use duckdb::{OptionalExt, params};

use super::scans::timestamp;
use super::{Store, StoreError};
use crate::model::utc::UtcMicros;

impl Store {
    /// What was kept under a name, and when.
    pub fn service_state(&self, name: &str) -> Result<Option<(String, UtcMicros)>, StoreError> {
        let query = "SELECT value, epoch_us(saved_at) FROM service_state WHERE name = ?";
        let found = self.connection.query_row(query, params![name], |row| Ok((row.get(0)?, UtcMicros(row.get(1)?))));
        found.optional().map_err(self.failed("reading the daemon's state"))
    }

    /// Keeps a text under a name, instead of what was there.
    pub fn keep_service_state(&self, name: &str, value: &str, at: UtcMicros) -> Result<(), StoreError> {
        self.in_transaction(|connection| {
            connection.execute("DELETE FROM service_state WHERE name = ?", params![name])?;
            connection.execute("INSERT INTO service_state VALUES (?, ?, ?)", params![name, value, timestamp(at)])
        })
        .map(drop)
        .map_err(self.failed("keeping the daemon's state"))
    }
}
