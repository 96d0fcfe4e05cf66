//! The tables `device_signature` and `device_estimate`, and the banners that estimates are made from.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use duckdb::params;
use prober_common::address::V4;
use prober_common::event::ProbeKind;

use super::scans::timestamp;
use super::{Store, StoreError};
use crate::device::database::{Database, DatabaseVersion};
use crate::device::score::ScoreSettings;
use crate::model::device::{AddressEstimates, Device, Estimate};
use crate::model::scan::ScanId;
use crate::model::utc::UtcMicros;
use crate::target::ports::ProbePort;

/// Estimates made together: with one database, at one time, of the banners of one scan.
#[derive(Clone, Copy, Debug)]
pub struct EstimateBatch {
    /// The database.
    pub database: DatabaseVersion,
    /// When.
    pub estimated_at: UtcMicros,
    /// The scan that the banners are of; `None` if they came from elsewhere.
    pub scan: Option<ScanId>,
}

/// How estimates were made, for the table `device_estimation`.
#[derive(Clone, Copy, Debug)]
pub struct EstimationRecord {
    /// th and a.
    pub settings: ScoreSettings,
    /// Whether all stored banners were looked at.
    pub complete: bool,
    /// Addresses with a banner.
    pub looked_at: usize,
}

/// A banner as the table `banner` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBanner {
    /// Whose.
    pub address: V4,
    /// On which port.
    pub port: ProbePort,
    /// What the service said.
    pub text: Vec<u8>,
}

/// Rows given to DuckDB at a time.
const ROWS: usize = 1 << 16;

impl Store {
    /// Loads the devices of `database`, unless this very database is there already. Whether they were loaded.
    pub fn load_signatures(&self, database: &Database, at: UtcMicros) -> Result<bool, StoreError> {
        let failed = self.failed("loading the signatures");
        let version = database.version().0;
        let known: bool = self
            .connection
            .query_row("SELECT count(*) > 0 FROM device_signature WHERE database_version = ?", [version], |row| {
                row.get(0)
            })
            .map_err(&failed)?;
        if known {
            return Ok(false);
        }
        let rows: Vec<serde_json::Value> = database.devices().iter().enumerate().map(signature_row).collect();
        let rows = serde_json::Value::from(rows).to_string();
        // One statement for all: a prepared insert for each takes a minute for ten thousand of them.
        let load = |connection: &duckdb::Connection| {
            connection.execute(
                "INSERT INTO device_signature
                 SELECT ?, d.id, d.maker, d.name, d.model, d.kind, d.level, d.ports, d.keywords, d.weights,
                        d.version_pattern, d.source, ?
                 FROM (SELECT unnest(from_json(?, '[{\"id\": \"UINTEGER\", \"maker\": \"VARCHAR\", \"name\": \"VARCHAR\",
                     \"model\": \"VARCHAR\", \"kind\": \"VARCHAR\", \"level\": \"UTINYINT\", \"ports\": \"VARCHAR\",
                     \"keywords\": [\"VARCHAR\"], \"weights\": [\"DOUBLE\"], \"version_pattern\": \"VARCHAR\",
                     \"source\": \"VARCHAR\"}]')) AS d)",
                params![version, timestamp(at), rows],
            )
        };
        self.in_transaction(load).map_err(failed)?;
        Ok(true)
    }

    /// Adds estimates and the record of how they were made, all or none; says how many estimates that were.
    pub fn add_estimates(
        &self,
        batch: EstimateBatch,
        record: EstimationRecord,
        estimates: &[AddressEstimates],
    ) -> Result<usize, StoreError> {
        let mut rows = estimates
            .iter()
            .flat_map(|address| address.estimates.iter().map(move |estimate| (address.address, estimate)))
            .peekable();
        let add = |connection: &duckdb::Connection| {
            let mut appender = connection.appender("device_estimate")?;
            let mut count = 0;
            while rows.peek().is_some() {
                let columns = columns(batch, rows.by_ref().take(ROWS));
                count += columns.num_rows();
                appender.append_record_batch(columns)?;
            }
            appender.flush()?;
            connection.execute(
                "INSERT INTO device_estimation VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    timestamp(batch.estimated_at),
                    batch.database.0,
                    batch.scan.map(|scan| scan.0),
                    record.complete,
                    record.settings.threshold,
                    record.settings.banner_share,
                    record.looked_at as u32,
                    estimates.len() as u32
                ],
            )?;
            Ok(count)
        };
        self.in_transaction(add).map_err(self.failed("adding estimates"))
    }

    /// Whether estimates are stored that another database than this one made, and this one has not replaced since.
    pub fn is_outdated(&self, database: DatabaseVersion) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) > 0 FROM device_estimate
                   WHERE database_version <> ?
                     AND estimated_at >= coalesce((SELECT max(estimated_at) FROM device_estimation WHERE complete),
                                                  TIMESTAMP '1970-01-01')";
        self.connection
            .query_row(sql, [database.0], |row| row.get(0))
            .map_err(self.failed("reading the versions of the estimates"))
    }

    /// Calls `take` with what each port said last, of one scan or of all; how many banners that are. An older one may be of
    /// another device: addresses change hands.
    pub fn for_each_banner(&self, scan: Option<ScanId>, mut take: impl FnMut(StoredBanner)) -> Result<u64, StoreError> {
        let mut read = || -> duckdb::Result<u64> {
            let mut statement = self.connection.prepare(
                "SELECT address, port, transport = 'udp', encode(text)
                 FROM banner JOIN (
                     SELECT address, port, transport, max(grabbed_at) AS grabbed_at
                     FROM banner WHERE text <> '' AND coalesce(scan_id = $1, true) GROUP BY ALL
                 ) USING (address, port, transport, grabbed_at)
                 WHERE text <> '' AND coalesce(scan_id = $1, true)",
            )?;
            let mut rows = statement.query(params![scan.map(|scan| scan.0)])?;
            let mut count = 0;
            while let Some(row) = rows.next()? {
                let kind = if row.get(2)? { ProbeKind::Udp } else { ProbeKind::TcpSyn };
                let port = ProbePort { kind, port: row.get(1)? };
                take(StoredBanner { address: V4(row.get(0)?), port, text: row.get(3)? });
                count += 1;
            }
            Ok(count)
        };
        read().map_err(self.failed("reading the banners"))
    }
}

fn signature_row((id, device): (usize, &Device)) -> serde_json::Value {
    let ports: Vec<String> = device.ports.iter().map(ToString::to_string).collect();
    let patterns: Vec<&str> = device.keywords.iter().map(|keyword| keyword.pattern.as_str()).collect();
    let weights: Vec<f64> = device.keywords.iter().map(|keyword| keyword.weight).collect();
    serde_json::json!({
        "id": id, "maker": device.maker, "name": device.name, "model": device.model, "kind": device.kind,
        "level": device.level().number(), "ports": ports.join(","), "keywords": patterns, "weights": weights,
        "version_pattern": device.version, "source": device.source,
    })
}

fn columns<'a>(batch: EstimateBatch, rows: impl Iterator<Item = (V4, &'a Estimate)>) -> RecordBatch {
    let rows: Vec<_> = rows.collect();
    let count = rows.len();
    let keywords = |places: &[u16]| {
        let places: Vec<String> = places.iter().map(|place| (u32::from(*place) + 1).to_string()).collect();
        places.join(",")
    };
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("address", Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.0.0))), false),
        ("device", Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.1.device.0))), false),
        ("score", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.1.score))), false),
        ("banner_score", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.1.banner_score))), false),
        ("port_score", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.1.port_score))), false),
        ("keywords", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| keywords(&row.1.keywords)))), false),
        ("firmware_version", Arc::new(rows.iter().map(|row| row.1.version.as_deref()).collect::<StringArray>()), true),
        ("database_version", Arc::new(UInt64Array::from(vec![batch.database.0; count])), false),
        ("estimated_at", Arc::new(TimestampMicrosecondArray::from(vec![batch.estimated_at.0; count])), false),
        ("scan_id", Arc::new(UInt32Array::from(vec![batch.scan.map(|scan| scan.0); count])), true),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column, nullable)| match column.data_type() {
            DataType::Timestamp(..) => Field::new(*name, DataType::Timestamp(TimeUnit::Microsecond, None), *nullable),
            kind => Field::new(*name, kind.clone(), *nullable),
        })
        .collect();
    let columns = columns.into_iter().map(|(_, column, _)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns of one length, typed by themselves")
}
