//! Complaints of those who are probed: lines of the audit trail.

use duckdb::params;

use super::scans::timestamp;
use super::{Store, StoreError};
use crate::model::utc::UtcMicros;

const WHAT: &str = "complaint.add";

/// A complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// When it was recorded.
    pub at: UtcMicros,
    /// By whom.
    pub who: String,
    /// Who complained about what.
    pub text: String,
}

impl Store {
    /// Records one.
    pub fn add_complaint(&self, at: UtcMicros, who: &str, text: &str) -> Result<(), StoreError> {
        self.audit(at, who, WHAT, &serde_json::json!({ "text": text }))
    }

    /// All that are kept, the oldest first.
    pub fn complaints(&self) -> Result<Vec<Complaint>, StoreError> {
        let read = || -> duckdb::Result<Vec<Complaint>> {
            let query = "SELECT epoch_us(made_at), who, detail->>'text' FROM audit WHERE what = ? ORDER BY made_at";
            let mut statement = self.connection.prepare(query)?;
            let rows = statement.query_map(params![WHAT], |row| {
                Ok(Complaint { at: UtcMicros(row.get(0)?), who: row.get(1)?, text: row.get(2)? })
            })?;
            rows.collect()
        };
        read().map_err(self.failed("reading the complaints"))
    }

    /// How many were recorded after a moment.
    pub fn complaints_since(&self, since: UtcMicros) -> Result<u32, StoreError> {
        let query = "SELECT count(*)::UINTEGER FROM audit WHERE what = ? AND made_at > ?";
        let count = self.connection.query_row(query, params![WHAT, timestamp(since)], |row| row.get(0));
        count.map_err(self.failed("counting the complaints"))
    }
}
