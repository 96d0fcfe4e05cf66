//! Round-trip times by the access network that addresses are taken to sit behind, as far as that has been estimated.

use serde::Serialize;

use super::Picture;
use super::chart::{BoxRow, boxes};
use crate::cli::figure::grouped;
use crate::io::store::{Store, StoreError};
use crate::model::scan::ScanId;

/// Replies from behind one type of network.
#[derive(Clone, Debug, Serialize)]
pub struct TypeRtt {
    network_type: String,
    addresses: u64,
    replies: u64,
    /// At 5, 25, 50, 75 and 95 % of the replies, ms.
    rtt_ms: [f64; 5],
}

impl TypeRtt {
    /// Of each type, by the last estimate of each address; the fastest first.
    pub(super) fn read(store: &Store, scan: ScanId) -> Result<Vec<Self>, StoreError> {
        let read = || -> duckdb::Result<Vec<Self>> {
            let mut statement = store.connection().prepare(
                "SELECT coalesce(network_type, 'unknown'), count(DISTINCT address), count(*),
                        quantile_cont(rtt_us / 1e3, 0.05), quantile_cont(rtt_us / 1e3, 0.25), quantile_cont(rtt_us / 1e3, 0.5),
                        quantile_cont(rtt_us / 1e3, 0.75), quantile_cont(rtt_us / 1e3, 0.95)
                 FROM reply JOIN (SELECT address, network_type FROM network) USING (address)
                 WHERE scan_id = ? AND kind <= 3 GROUP BY 1 ORDER BY 6, 1",
            )?;
            let rows = statement.query_map([scan.0], |row| {
                Ok(Self {
                    network_type: row.get(0)?,
                    addresses: row.get(1)?,
                    replies: row.get(2)?,
                    rtt_ms: [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?],
                })
            })?;
            rows.collect()
        };
        read().map_err(store.failed("reading round-trip times by network"))
    }

    /// One picture of all types; none without estimates.
    pub(super) fn picture(types: &[Self]) -> Option<Picture> {
        let row = |one: &Self| BoxRow {
            label: one.network_type.clone(),
            quantiles_ms: one.rtt_ms,
            note: match one.addresses {
                1 => "1 address".to_owned(),
                many => format!("{} addresses", grouped(many)),
            },
        };
        let rows: Vec<BoxRow> = types.iter().map(row).collect();
        (!rows.is_empty()).then(|| Picture {
            title: "Round-trip time by access network".to_owned(),
            note: "Box: the middle half of the replies; mark: median; line: 5 to 95 %. Types are the last estimates \
                   (prober network estimate)"
                .to_owned(),
            content: boxes("RTT by access network", &rows),
            class: "",
        })
    }
}
