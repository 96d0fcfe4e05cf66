//! Which addresses are to have the type of their network estimated, and their traces out of the latest replies, whatever scan
//! or session they are of. What is estimated out of them is elsewhere.

use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;
use duckdb::params;

use super::networks::collect_traces;
use super::scans::timestamp;
use super::{Store, StoreError};
use crate::model::trace::Trace;
use crate::model::utc::UtcMicros;

/// Replies of an address that are looked at: its latest.
const MOST_REPLIES: u32 = 64;
/// An estimate is made anew when there are so many times the replies that it was made of.
const GROWTH: u32 = 2;

impl Store {
    /// The addresses that answered since a moment and have no estimate as young as that, or one of fewer than half the replies
    /// that there are now; in order. So many estimates an address gets in a month, and each of more than the one before.
    pub fn addresses_to_estimate(&self, since: UtcMicros) -> Result<Vec<u32>, StoreError> {
        let query = format!(
            "WITH heard AS (
                 SELECT address, least(count(*), {MOST_REPLIES}) AS replies FROM reply
                 WHERE kind <= 3 AND received_at >= $1 GROUP BY address),
             known AS (
                 SELECT address, max(replies) AS replies FROM network_estimate WHERE estimated_at >= $1 GROUP BY address)
             SELECT heard.address FROM heard LEFT JOIN known ON known.address = heard.address
             WHERE known.replies IS NULL OR heard.replies >= {GROWTH} * known.replies ORDER BY heard.address"
        );
        let read = || -> duckdb::Result<Vec<u32>> {
            let mut addresses = Vec::new();
            for batch in self.connection.prepare(&query)?.query_arrow(params![timestamp(since)])? {
                addresses.extend_from_slice(batch.column(0).as_primitive::<UInt32Type>().values());
            }
            Ok(addresses)
        };
        read().map_err(self.failed("looking for addresses to estimate"))
    }

    /// Of every address of these /24s (by their first addresses) that answered since a moment, its latest replies. The place is
    /// the /24. One pass over the replies since then.
    pub fn recent_traces(&self, since: UtcMicros, networks: &[u32]) -> Result<Vec<Trace>, StoreError> {
        if networks.is_empty() {
            return Ok(Vec::new());
        }
        let list: Vec<String> = networks.iter().map(|network| (network >> 8).to_string()).collect();
        let query = format!(
            "SELECT address, port, epoch_us(received_at) - rtt_us AS sent_us, rtt_us, ttl, kind, false FROM reply
             WHERE kind <= 3 AND received_at >= ? AND address // 256 IN ({})
             QUALIFY row_number() OVER (PARTITION BY address ORDER BY received_at DESC) <= {MOST_REPLIES}
             ORDER BY address, sent_us, port",
            list.join(", ")
        );
        let read = || collect_traces(&mut self.connection.prepare(&query)?.query(params![timestamp(since)])?);
        read().map_err(self.failed("reading the latest replies"))
    }
}
