//! The table `banner`, and the open ports of a scan that banners are grabbed from.

use duckdb::params;
use prober_common::address::V4;
use prober_common::event::ProbeKind;

use super::scans::timestamp;
use super::{Store, StoreError};
use crate::device::normalise::normalise_into;
use crate::device::sift::text_hash;
use crate::model::banner::{Banner, GrabOutcome, Transport, readable};
use crate::model::scan::ScanId;

/// A port that answered.
pub type OpenPort = (V4, Transport, u16);

impl Store {
    /// Adds banners, all or none; `scan` is where their targets came from. One transaction.
    pub fn add_banners(&self, banners: &[Banner], scan: Option<ScanId>) -> Result<(), StoreError> {
        self.in_transaction(|connection| append_banners(connection, banners, scan))
            .map_err(self.failed("storing banners"))
    }

    /// The ports that answered in a scan, in the order of address and port.
    pub fn open_ports(&self, scan: ScanId) -> Result<Vec<OpenPort>, StoreError> {
        self.ports_of("SELECT DISTINCT address, probe, port FROM open_of_scan ORDER BY ALL", scan)
    }

    /// Those of them of which no banner was grabbed for the scan or after its beginning; an interrupted one does not count.
    pub fn open_ports_left(&self, scan: ScanId) -> Result<Vec<OpenPort>, StoreError> {
        self.ports_of(
            "SELECT DISTINCT address, probe, port FROM open_of_scan ANTI JOIN asked USING (address, port, transport)
             ORDER BY ALL",
            scan,
        )
    }

    fn ports_of(&self, select: &str, scan: ScanId) -> Result<Vec<OpenPort>, StoreError> {
        let sql = format!(
            "WITH open_of_scan AS (
                 SELECT address, probe, port, if(probe = {udp}, 'udp', 'tcp') AS transport
                 FROM reply WHERE scan_id = $1 AND kind IN (0, 3) AND port > 0),
             asked AS (
                 SELECT address, port, transport FROM banner
                 WHERE outcome <> '{interrupted}'
                   AND (scan_id = $1 OR grabbed_at >= (SELECT started_at FROM scan WHERE id = $1)))
             {select}",
            udp = ProbeKind::Udp as u8,
            interrupted = GrabOutcome::Interrupted.name(),
        );
        let read = || -> duckdb::Result<Vec<OpenPort>> {
            let mut statement = self.connection.prepare(&sql)?;
            let rows = statement.query_map([scan.0], |row| {
                let udp = row.get::<_, u8>(1)? == ProbeKind::Udp as u8;
                Ok((V4(row.get(0)?), if udp { Transport::Udp } else { Transport::Tcp }, row.get(2)?))
            })?;
            rows.collect()
        };
        read().map_err(self.failed("reading the open ports"))
    }
}

/// Within the caller's transaction.
pub(super) fn append_banners(
    connection: &duckdb::Connection,
    banners: &[Banner],
    scan: Option<ScanId>,
) -> duckdb::Result<()> {
    let mut rows = connection.appender("banner")?;
    let mut normalised = Vec::new();
    for banner in banners {
        let text = readable(&banner.text);
        normalised.clear();
        normalise_into(text.as_bytes(), &mut normalised);
        rows.append_row(params![
            scan.map(|scan| scan.0),
            banner.address.0,
            banner.port,
            banner.transport.name(),
            banner.protocol.name(),
            timestamp(banner.grabbed_at),
            banner.outcome.name(),
            banner.truncated,
            text,
            (!banner.text.is_empty()).then(|| text_hash(&normalised)),
            banner.received_bytes,
            banner.sent_bytes,
            banner.connections,
            banner.duration_us
        ])?;
    }
    rows.flush()
}
