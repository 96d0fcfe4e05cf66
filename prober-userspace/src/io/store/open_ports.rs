//! Which TCP ports answered, by address: what port sets are derived from.

use super::{Store, StoreError};

impl Store {
    /// The open TCP ports of every address that ever answered one, each list in order. One pass over `reply`; memory grows
    /// with the number of (address, port) pairs.
    pub fn open_tcp_ports(&self) -> Result<Vec<(u32, Vec<u16>)>, StoreError> {
        let read = || -> duckdb::Result<_> {
            // 0: a TCP SYN, answered with SYN-ACK.
            let mut statement = self.connection.prepare(
                "SELECT DISTINCT address, port FROM reply WHERE kind = 0 AND probe = 0 ORDER BY address, port",
            )?;
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
}
