//! What the estimates of a database come to: how many of the addresses with a banner have one, by level, kind and maker.

use std::path::Path;

use serde::Serialize;

use super::super::figure::{grouped, percent};
use super::super::table::Table;
use crate::io::store::{Access, Store, StoreError};

/// Makers that are shown.
const MAKERS: usize = 20;

/// Stable field names.
#[derive(Serialize)]
pub(super) struct Stored {
    /// Addresses with a banner.
    addresses: u64,
    /// Addresses with an estimate.
    estimated: u64,
    /// Of those with a banner: 0 to 1.
    share: f64,
    /// By the highest level of an address.
    by_level: Vec<Row>,
    by_kind: Vec<Row>,
    /// Those of most addresses.
    by_maker: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    addresses: u64,
}

impl Stored {
    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        let store = Store::open(path, Access::Read)?;
        let failed = store.failed("reading the estimates");
        let count = |sql: &str| store.connection().query_row(sql, [], |row| row.get::<_, u64>(0)).map_err(&failed);
        let rows = |sql: &str| -> Result<Vec<Row>, StoreError> {
            let read = || {
                let mut statement = store.connection().prepare(sql)?;
                let rows = statement.query_map([], |row| Ok(Row { name: row.get(0)?, addresses: row.get(1)? }))?;
                rows.collect::<duckdb::Result<Vec<Row>>>()
            };
            read().map_err(&failed)
        };
        let addresses = count("SELECT count(DISTINCT address)::UBIGINT FROM banner WHERE text <> ''")?;
        let estimated = count("SELECT count(DISTINCT address)::UBIGINT FROM device_latest")?;
        Ok(Self {
            addresses,
            estimated,
            share: if addresses == 0 { 0.0 } else { estimated as f64 / addresses as f64 },
            by_level: rows(
                "SELECT level::VARCHAR, count(*)::UBIGINT
                 FROM (SELECT address, max(level) AS level FROM device_latest GROUP BY address) GROUP BY level ORDER BY level",
            )?,
            by_kind: rows("SELECT kind, addresses::UBIGINT FROM device_kind ORDER BY addresses DESC, kind")?,
            by_maker: rows(&format!(
                "SELECT maker, addresses::UBIGINT FROM device_maker ORDER BY addresses DESC, maker LIMIT {MAKERS}"
            ))?,
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "\nstored: {} of {} addresses with a banner have an estimate ({})\n",
            grouped(self.estimated),
            grouped(self.addresses),
            percent(self.estimated, self.addresses)
        );
        for (name, rows) in [("level", &self.by_level), ("kind", &self.by_kind), ("maker", &self.by_maker)] {
            let mut table = Table::of(&[name, "addresses>"]);
            for row in rows {
                table.row([row.name.clone(), grouped(row.addresses)]);
            }
            text.push('\n');
            text.push_str(&table.render());
        }
        text
    }
}
