//! Who was met: the devices behind the addresses that answered, and what a watch knows of those that it has visited.

use serde::Serialize;

use super::Picture;
use super::chart::{Bar, bars};
use crate::cli::figure::{grouped, percent};
use crate::cli::table::Table;
use crate::io::store::{Store, StoreError};
use crate::model::scan::ScanId;

/// Longer lists are cut.
const DEVICES: usize = 25;
/// Of these a picture shows the first.
const DRAWN: usize = 15;

/// Above what a watch knows.
const KNOWN: &str = "What the watch knows of the addresses it has visited";

/// What was met.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Met {
    /// Devices of the addresses that answered, most first, at most 25.
    pub devices: Vec<MetDevice>,
    /// Addresses that the database's watch has visited, former targets included, by what it knows of them now; none for
    /// other scans, nor for its earlier runs.
    pub standings: Vec<MetStanding>,
}

/// Addresses behind which a device was estimated.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct MetDevice {
    pub device: String,
    pub kind: String,
    pub addresses: u64,
}

/// Addresses of which the same is known.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct MetStanding {
    pub standing: String,
    pub addresses: u64,
}

impl Met {
    /// By a scan.
    pub(super) fn read(store: &Store, scan: ScanId) -> Result<Self, StoreError> {
        let connection = store.connection();
        let devices = || -> duckdb::Result<Vec<MetDevice>> {
            let mut statement = connection.prepare(&format!(
                "SELECT name, coalesce(kind, ''), count(DISTINCT address) FROM device_latest
                 WHERE address IN (SELECT address FROM reply WHERE scan_id = ? AND kind < 4)
                 GROUP BY ALL ORDER BY 3 DESC, 1 LIMIT {DEVICES}"
            ))?;
            let rows = statement.query_map([scan.0], |row| {
                Ok(MetDevice { device: row.get(0)?, kind: row.get(1)?, addresses: row.get(2)? })
            })?;
            rows.collect()
        };
        let standings = || -> duckdb::Result<Vec<MetStanding>> {
            let mut statement = connection.prepare(
                "SELECT standing, count(*) FROM target_state
                 WHERE visited_at IS NOT NULL AND ? = (SELECT max(scan_id) FROM session WHERE purpose = 'watch')
                 GROUP BY ALL ORDER BY 2 DESC, 1",
            )?;
            let rows = statement
                .query_map([scan.0], |row| Ok(MetStanding { standing: row.get(0)?, addresses: row.get(1)? }))?;
            rows.collect()
        };
        let read = || Ok(Self { devices: devices()?, standings: standings()? });
        read().map_err(store.failed("reading who was met"))
    }

    /// Both tables, as far as there is something in them, with their titles.
    pub(super) fn tables(&self) -> Vec<(&'static str, Table)> {
        let mut tables = Vec::new();
        if !self.standings.is_empty() {
            let mut table = Table::of(&["standing", "addresses>", "of those visited>"]).indented(2);
            for row in &self.standings {
                let share = percent(row.addresses, self.visited());
                table.row([row.standing.clone(), grouped(row.addresses), share]);
            }
            tables.push((KNOWN, table));
        }
        if !self.devices.is_empty() {
            let mut table = Table::of(&["device", "kind", "addresses>"]).indented(2);
            for row in &self.devices {
                table.row([row.device.clone(), row.kind.clone(), grouped(row.addresses)]);
            }
            tables.push(("Devices", table));
        }
        tables
    }

    /// The same, drawn.
    pub(super) fn pictures(&self) -> Vec<Picture> {
        let mut pictures = Vec::new();
        if !self.standings.is_empty() {
            let bar = |row: &MetStanding| Bar {
                label: row.standing.clone(),
                value: row.addresses as f64,
                text: format!("{} ({})", grouped(row.addresses), percent(row.addresses, self.visited())),
                tip: format!("{}: {} addresses", row.standing, grouped(row.addresses)),
            };
            let items: Vec<Bar> = self.standings.iter().map(bar).collect();
            pictures.push(Picture {
                title: KNOWN.to_owned(),
                note: "Addresses by their last visit, former targets included".to_owned(),
                content: bars("Targets by standing", &items),
                class: "",
            });
        }
        if !self.devices.is_empty() {
            let bar = |row: &MetDevice| Bar {
                label: row.device.clone(),
                value: row.addresses as f64,
                text: grouped(row.addresses),
                tip: format!("{} ({}): {} addresses", row.device, row.kind, grouped(row.addresses)),
            };
            let items: Vec<Bar> = self.devices.iter().take(DRAWN).map(bar).collect();
            pictures.push(Picture {
                title: "Devices".to_owned(),
                note: "Addresses by what their banners and ports say they are".to_owned(),
                content: bars("Devices", &items),
                class: "",
            });
        }
        pictures
    }

    fn visited(&self) -> u64 {
        self.standings.iter().map(|row| row.addresses).sum()
    }
}
