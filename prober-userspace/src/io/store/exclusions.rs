//! The table `exclusion`: addresses whose owners asked not to be probed. Exclusion files are read in `target`.

use std::path::Path;

use duckdb::params;
use prober_common::address::V4;

use super::scans::timestamp;
use super::{Access, Store, StoreError};
use crate::model::utc::UtcMicros;
use crate::target::range::AddressRange;

/// A range of addresses never to be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredExclusion {
    /// First address.
    pub first: V4,
    /// Last address, inclusive.
    pub last: V4,
    /// Who asked and why.
    pub reason: String,
    /// Since when.
    pub added_at: UtcMicros,
    /// Who entered it.
    pub added_by: String,
}

/// The ranges stored in the file at `path`, for a plan; none if there is no such file.
pub fn stored_ranges(path: &Path) -> Result<Vec<AddressRange>, StoreError> {
    if !Store::is_there(path)? {
        return Ok(Vec::new());
    }
    let stored = Store::open(path, Access::Read)?.exclusions()?;
    Ok(stored.iter().map(|entry| AddressRange::between(entry.first, entry.last)).collect())
}

impl Store {
    /// Every stored exclusion, in address order.
    pub fn exclusions(&self) -> Result<Vec<StoredExclusion>, StoreError> {
        self.exclusions_where("true", &[])
    }

    /// The first stored exclusion that an address is in.
    pub fn exclusion_of(&self, address: V4) -> Result<Option<StoredExclusion>, StoreError> {
        Ok(self.exclusions_where("? BETWEEN first AND last", &[address.0])?.into_iter().next())
    }

    fn exclusions_where(&self, condition: &str, values: &[u32]) -> Result<Vec<StoredExclusion>, StoreError> {
        let read = || -> duckdb::Result<Vec<StoredExclusion>> {
            let mut statement = self.connection.prepare(&format!(
                "SELECT first, last, reason, epoch_us(added_at), added_by FROM exclusion WHERE {condition}
                 ORDER BY first, last, added_at"
            ))?;
            let rows = statement.query_map(duckdb::params_from_iter(values), |row| {
                Ok(StoredExclusion {
                    first: V4(row.get(0)?),
                    last: V4(row.get(1)?),
                    reason: row.get(2)?,
                    added_at: UtcMicros(row.get(3)?),
                    added_by: row.get(4)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(self.failed("reading the exclusions"))
    }

    /// Adds exclusions and their trail in `audit`, all or none.
    pub fn add_exclusions(&self, exclusions: &[StoredExclusion]) -> Result<(), StoreError> {
        self.in_transaction(|connection| {
            for entry in exclusions {
                let at = timestamp(entry.added_at);
                connection.execute(
                    "INSERT INTO exclusion VALUES (?, ?, ?, ?, ?)",
                    params![entry.first.0, entry.last.0, entry.reason, at, entry.added_by],
                )?;
                let detail = serde_json::json!({
                    "first": entry.first.to_string(), "last": entry.last.to_string(), "reason": entry.reason,
                });
                connection.execute(
                    "INSERT INTO audit VALUES (?, ?, 'exclusion.add', ?)",
                    params![timestamp(entry.added_at), entry.added_by, detail.to_string()],
                )?;
            }
            Ok(())
        })
        .map_err(self.failed("adding exclusions"))
    }

    /// Removes the exclusions of exactly these ranges and returns how many there were; none if one of them is not stored as
    /// such.
    pub fn remove_exclusions(&self, ranges: &[AddressRange], at: UtcMicros, who: &str) -> Result<usize, StoreError> {
        let stored = self.exclusions()?;
        let is_stored = |range: &AddressRange| {
            stored.iter().any(|entry| (entry.first, entry.last) == (range.first(), range.last()))
        };
        if let Some(unknown) = ranges.iter().find(|range| !is_stored(range)) {
            return Err(StoreError::NoSuchExclusion { range: *unknown });
        }
        self.in_transaction(|connection| {
            let mut removed = 0;
            for range in ranges {
                let (first, last) = (range.first(), range.last());
                removed += connection
                    .execute("DELETE FROM exclusion WHERE first = ? AND last = ?", params![first.0, last.0])?;
                let detail = serde_json::json!({ "first": first.to_string(), "last": last.to_string() });
                connection.execute(
                    "INSERT INTO audit VALUES (?, ?, 'exclusion.remove', ?)",
                    params![timestamp(at), who, detail.to_string()],
                )?;
            }
            Ok(removed)
        })
        .map_err(self.failed("removing exclusions"))
    }
}
