//! Which TCP ports answered, by address: what port sets are derived from. What was gathered so far stands in a table of its
//! own, so that a start reads each (address, port) pair once and the replies of about the last day, not all there are.

use duckdb::OptionalExt;

use super::{Store, StoreError};
use crate::model::utc::UtcMicros;

/// Replies are gathered again so far back: a clock may have been set.
const OVERLAP: &str = "INTERVAL 1 DAY";
/// Every pair with its last time: those gathered, and those of the replies since. 0: a TCP SYN, answered with SYN-ACK.
const PAIRS: &str = "FROM (
    FROM open_tcp_port UNION ALL
    SELECT address, port, received_at FROM reply
    WHERE kind = 0 AND probe = 0
      AND received_at >= (SELECT coalesce(max(seen_at), TIMESTAMP '1970-01-03') FROM open_tcp_port) - OVERLAP)";

impl Store {
    /// The open TCP ports of every address that ever answered one, each list in order. Time and memory grow with the number
    /// of (address, port) pairs, and with the replies since they were last gathered.
    pub fn open_tcp_ports(&self) -> Result<Vec<(u32, Vec<u16>)>, StoreError> {
        let read = || -> duckdb::Result<_> {
            let sql = format!("SELECT DISTINCT address, port {} ORDER BY address, port", pairs());
            let mut statement = self.connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            let mut addresses: Vec<(u32, Vec<u16>)> = Vec::new();
            while let Some(row) = rows.next()? {
                let (address, port): (u32, u16) = (row.get(0)?, row.get(1)?);
                match addresses.last_mut() {
                    Some((last, ports)) if *last == address => ports.push(port),
                    _ => addresses.push((address, vec![port])),
                }
            }
            Ok(addresses)
        };
        read().map_err(self.failed("reading the open ports"))
    }

    /// The port expressions of all scans that had one.
    pub fn scanned_ports(&self) -> Result<Vec<String>, StoreError> {
        let read = || -> duckdb::Result<_> {
            let mut statement = self.connection.prepare("SELECT DISTINCT ports FROM scan WHERE ports <> ''")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        read().map_err(self.failed("reading which ports were scanned"))
    }

    /// Puts what replies since the last time say into the table. One transaction that writes the table anew; nothing is done
    /// if there is nothing new. Times after `now`, of a clock that was wrong, count as now: else nothing would be new for long.
    pub fn gather_open_ports(&self, now: UtcMicros) -> Result<(), StoreError> {
        let gather = |connection: &duckdb::Connection| -> duckdb::Result<()> {
            let latest = |table: &str, of: &str| -> duckdb::Result<Option<i64>> {
                let sql = format!("SELECT epoch_us(max({of})) FROM {table} WHERE {of} <= make_timestamp({})", now.0);
                Ok(connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0)).optional()?.flatten())
            };
            let (gathered, heard) =
                (latest("open_tcp_port", "seen_at")?.map(UtcMicros), latest("reply", "received_at")?.map(UtcMicros));
            if heard <= gathered {
                return Ok(());
            }
            connection.execute_batch(&format!(
                "CREATE OR REPLACE TEMP TABLE gathered AS
                 SELECT address, port, least(max(seen_at), make_timestamp({})) AS seen_at {} GROUP BY ALL;
                 DELETE FROM open_tcp_port;
                 INSERT INTO open_tcp_port FROM gathered ORDER BY address, port;
                 DROP TABLE gathered",
                now.0,
                pairs()
            ))
        };
        self.in_transaction(gather).map_err(self.failed("gathering the open ports"))
    }
}

fn pairs() -> String {
    PAIRS.replace("OVERLAP", OVERLAP)
}
