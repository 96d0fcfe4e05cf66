//! Which terminals of a network are worth a study: those that answer, on many ports, and have not been studied yet.

use duckdb::params;
use prober_common::address::V4;

use super::{Store, StoreError};
use crate::target::range::AddressRange;

impl Store {
    /// The addresses of a range that answered themselves in any scan: by /24, within it those first that were never studied
    /// or longest ago, then those that answer on most ports, then those that answered last.
    pub fn answering_terminals(&self, range: AddressRange) -> Result<Vec<V4>, StoreError> {
        let read = || -> duckdb::Result<Vec<V4>> {
            let mut statement = self.connection.prepare(
                "WITH answering AS (
                     SELECT address, count(DISTINCT (probe, port)) AS ports, max(received_at) AS last
                     FROM reply WHERE kind < 4 AND address BETWEEN ? AND ? GROUP BY address),
                 studied AS (SELECT address, max(sent_at) AS studied_at FROM study_probe GROUP BY address)
                 SELECT address FROM answering LEFT JOIN studied USING (address)
                 ORDER BY address // 256, studied_at NULLS FIRST, ports DESC, last DESC, address",
            )?;
            let rows = statement.query_map(params![range.first().0, range.last().0], |row| row.get(0).map(V4))?;
            rows.collect()
        };
        read().map_err(self.failed("looking for terminals to study"))
    }
}
