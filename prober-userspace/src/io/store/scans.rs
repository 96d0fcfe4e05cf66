//! The table `scan`: beginning, resuming and ending a scan, and the trail of it in `audit`.

use duckdb::types::{TimeUnit, Value};
use duckdb::{Connection, OptionalExt, params};
use prober_common::address::V4;

use super::counters::own;
use super::{CounterValue, Store, StoreError};
use crate::io::person::who;
use crate::model::scan::{ScanId, ScanMeta, ScanStatus};
use crate::model::utc::UtcMicros;
use crate::target::range::AddressRange;
use crate::target::shard::Shard;

/// What is needed to go on with a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumption {
    /// The scan.
    pub scan: ScanId,
    /// Its last committed checkpoint (JSON text); `None` if it ended before the first.
    pub checkpoint: Option<String>,
    /// Seed of its permutation.
    pub seed: u64,
    /// Settings of the first session, JSON text.
    pub settings: String,
    /// Replies lost between the last commit and a kill, as far as the kernel's counters were committed.
    pub killed: u64,
}

/// A line of the list of scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRow {
    /// The scan.
    pub id: ScanId,
    /// When it began.
    pub started_at: UtcMicros,
    /// How it stands.
    pub status: ScanStatus,
}

impl Store {
    /// Records a new scan as running and returns its number.
    pub fn begin_scan(&self, meta: &ScanMeta) -> Result<ScanId, StoreError> {
        let record = |connection: &Connection| {
            let id: u32 = connection.query_row(
                "INSERT INTO scan (id, started_at, status, operator, host, program_version, command, settings, seed,
                     plan_fingerprint, targets, ports, probes_planned, shard_index, shard_count, rate_pps, engine,
                     interface, source_address)
                 VALUES ((SELECT coalesce(max(id), 0) + 1 FROM scan), ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                params![
                    timestamp(meta.started_at),
                    meta.operator,
                    meta.host,
                    meta.program_version,
                    meta.command,
                    meta.settings,
                    meta.seed,
                    meta.plan_fingerprint,
                    meta.targets,
                    meta.ports,
                    meta.probes_planned,
                    meta.shard_index,
                    meta.shard_count,
                    meta.rate_pps,
                    meta.engine,
                    meta.interface,
                    meta.source_address.map(|address| address.0),
                ],
                |row| row.get(0),
            )?;
            let mut excluded = connection.appender("scan_exclusion")?;
            for range in &meta.exclusions {
                excluded.append_row(params![id, range.first().0, range.last().0])?;
            }
            excluded.flush()?;
            Ok(id)
        };
        let id = self.in_transaction(record).map_err(self.failed("recording the scan"))?;
        // Someone did it also where no operator is configured.
        let who = if meta.operator.is_empty() { who() } else { meta.operator.clone() };
        self.audit(meta.started_at, &who, "scan.begin", &serde_json::json!({ "scan": id, "command": meta.command }))?;
        Ok(ScanId(id))
    }

    /// Takes up an unfinished scan: checks the plan, settles the account of a killed session, marks it running.
    pub fn resume_scan(
        &self,
        scan: ScanId,
        plan_fingerprint: u64,
        at: UtcMicros,
        who: &str,
    ) -> Result<Resumption, StoreError> {
        let (status, stored, seed, settings, checkpoint) = self
            .connection
            .query_row(
                "SELECT status, plan_fingerprint, seed, settings, checkpoint FROM scan WHERE id = ?",
                [scan.0],
                |row| {
                    let status: String = row.get(0)?;
                    Ok((status, row.get::<_, u64>(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                },
            )
            .optional()
            .map_err(self.failed("reading the scan"))?
            .ok_or_else(|| StoreError::NoSuchScan { path: self.path.clone(), scan })?;
        if status == ScanStatus::Finished.name() {
            return Err(StoreError::NotResumable { scan, status: ScanStatus::Finished });
        }
        if stored != plan_fingerprint {
            return Err(StoreError::OtherPlan { scan, stored, given: plan_fingerprint });
        }
        let failed = self.failed("resuming the scan");
        let killed = self
            .in_transaction(|connection| {
                connection.execute(
                    "UPDATE scan SET status = 'running', ended_at = NULL, error = NULL, resumed = resumed + 1 WHERE id = ?",
                    [scan.0],
                )?;
                settle(connection, scan)
            })
            .map_err(failed)?;
        self.audit(at, who, "scan.resume", &serde_json::json!({ "scan": scan, "killed": killed }))?;
        Ok(Resumption { scan, checkpoint, seed, settings, killed })
    }

    /// Records a scan that follows no plan as running. Those of the same purpose that were killed are closed first.
    pub fn begin_session(&self, meta: &ScanMeta, purpose: &str) -> Result<ScanId, StoreError> {
        self.close_sessions(meta.started_at, purpose)?;
        let scan = self.begin_scan(meta)?;
        self.connection
            .execute("INSERT INTO session VALUES (?, ?)", params![scan.0, purpose])
            .map_err(self.failed("recording the session"))?;
        Ok(scan)
    }

    fn close_sessions(&self, at: UtcMicros, purpose: &str) -> Result<(), StoreError> {
        let close = |connection: &Connection| -> duckdb::Result<()> {
            let mut statement = connection
                .prepare("SELECT id FROM scan JOIN session ON scan_id = id WHERE status = 'running' AND purpose = ?")?;
            let killed: Vec<u32> = statement.query_map([purpose], |row| row.get(0))?.collect::<duckdb::Result<_>>()?;
            for scan in killed {
                settle(connection, ScanId(scan))?;
                connection.execute(
                    "UPDATE scan SET status = 'interrupted', ended_at = ? WHERE id = ?",
                    params![timestamp(at), scan],
                )?;
            }
            Ok(())
        };
        self.in_transaction(close).map_err(self.failed("closing sessions that were killed"))
    }

    /// The latest scan of this shard that did not finish.
    pub fn find_unfinished(&self, shard: Shard) -> Result<ScanId, StoreError> {
        let sql = "SELECT max(id), (SELECT count(*) FROM scan) FROM scan
                   WHERE status <> 'finished' AND shard_index = ? AND shard_count = ?
                     AND id NOT IN (SELECT scan_id FROM session)";
        let (found, scans): (Option<u32>, u64) = self
            .connection
            .query_row(sql, [shard.index(), shard.count()], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(self.failed("looking for an unfinished scan"))?;
        match found {
            Some(id) => Ok(ScanId(id)),
            None if scans == 0 => Err(StoreError::NoScan { path: self.path.clone() }),
            None => Err(StoreError::NothingToResume { path: self.path.clone(), shard: shard.to_string() }),
        }
    }

    /// What was excluded when a scan began.
    pub fn excluded_by(&self, scan: ScanId) -> Result<Vec<AddressRange>, StoreError> {
        self.excluded_where("scan_id = ?", [scan.0])
    }

    /// What was excluded when the last watch began; nothing if there was none.
    pub fn excluded_by_last_watch(&self) -> Result<Vec<AddressRange>, StoreError> {
        self.excluded_where("scan_id = (SELECT max(scan_id) FROM session WHERE purpose = 'watch')", [])
    }

    fn excluded_where(
        &self,
        condition: &str,
        parameters: impl duckdb::Params,
    ) -> Result<Vec<AddressRange>, StoreError> {
        let read = || -> duckdb::Result<Vec<AddressRange>> {
            let sql = format!("SELECT first, last FROM scan_exclusion WHERE {condition} ORDER BY first");
            let mut statement = self.connection.prepare(&sql)?;
            let rows =
                statement.query_map(parameters, |row| Ok(AddressRange::between(V4(row.get(0)?), V4(row.get(1)?))))?;
            rows.collect()
        };
        read().map_err(self.failed("reading the scan's exclusions"))
    }

    /// The seed of a scan's permutation.
    pub fn seed_of(&self, scan: ScanId) -> Result<u64, StoreError> {
        self.connection
            .query_row("SELECT seed FROM scan WHERE id = ?", [scan.0], |row| row.get(0))
            .map_err(self.failed("reading the scan's seed"))
    }

    /// The scan with this number, or the latest one.
    pub fn find_scan(&self, wanted: Option<ScanId>) -> Result<ScanRow, StoreError> {
        let found = self.scans()?;
        match wanted {
            Some(scan) => found
                .into_iter()
                .find(|row| row.id == scan)
                .ok_or_else(|| StoreError::NoSuchScan { path: self.path.clone(), scan }),
            None => found.into_iter().next_back().ok_or_else(|| StoreError::NoScan { path: self.path.clone() }),
        }
    }

    /// Every scan, oldest first.
    pub fn scans(&self) -> Result<Vec<ScanRow>, StoreError> {
        let read = || -> duckdb::Result<Vec<ScanRow>> {
            let mut statement =
                self.connection.prepare("SELECT id, epoch_us(started_at), status FROM scan ORDER BY id")?;
            let rows = statement.query_map([], |row| {
                let status: String = row.get(2)?;
                Ok(ScanRow {
                    id: ScanId(row.get(0)?),
                    started_at: UtcMicros(row.get(1)?),
                    status: ScanStatus::from_name(&status).unwrap_or(ScanStatus::Failed),
                })
            })?;
            rows.collect()
        };
        read().map_err(self.failed("listing the scans"))
    }

    /// Adds a row to the audit trail.
    pub fn audit(&self, at: UtcMicros, who: &str, what: &str, detail: &serde_json::Value) -> Result<(), StoreError> {
        self.connection
            .execute("INSERT INTO audit VALUES (?, ?, ?, ?)", params![timestamp(at), who, what, detail.to_string()])
            .map(drop)
            .map_err(self.failed("writing the audit trail"))
    }

    /// Runs `work` as one transaction.
    pub(super) fn in_transaction<T>(&self, work: impl FnOnce(&Connection) -> duckdb::Result<T>) -> duckdb::Result<T> {
        self.connection.execute_batch("BEGIN")?;
        match work(&self.connection) {
            Ok(value) => self.connection.execute_batch("COMMIT").map(|()| value),
            Err(error) => {
                // The first error is the one to report.
                let _ = self.connection.execute_batch("ROLLBACK");
                Err(error)
            }
        }
    }
}

/// A moment as a parameter.
pub(super) fn timestamp(at: UtcMicros) -> Value {
    Value::Timestamp(TimeUnit::Microsecond, at.0)
}

/// Adds to a counter of a scan. It may not be there yet: the first commit can come before the first reading.
fn raise(connection: &Connection, scan: ScanId, counter: CounterValue) -> duckdb::Result<()> {
    let CounterValue { name, role, value, meaning } = counter;
    let known = connection.execute(
        "UPDATE scan_counter SET value = value + ? WHERE scan_id = ? AND name = ?",
        params![value, scan.0, name],
    )?;
    if known == 0 {
        let row = params![scan.0, name, role.name(), value, meaning];
        connection.execute("INSERT INTO scan_counter VALUES (?, ?, ?, ?, ?)", row)?;
    }
    Ok(())
}

/// Makes accepted = stored + duplicates + losses hold again after a kill. What the kernel accepted since the last commit
/// and was in flight is lost, and is booked as such. Rows committed after the last reading of the kernel's counter were
/// accepted for certain, so that counter is raised to them. Returns all losses booked so.
fn settle(connection: &Connection, scan: ScanId) -> duckdb::Result<u64> {
    let (accepted, settled): (u64, u64) = connection.query_row(
        "SELECT coalesce(sum(value) FILTER (role = 'accepted'), 0)::UBIGINT,
                coalesce(sum(value) FILTER (role IN ('stored', 'duplicate', 'loss')), 0)::UBIGINT
         FROM scan_counter WHERE scan_id = ?",
        [scan.0],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if accepted > settled {
        raise(connection, scan, own::killed(accepted - settled))?;
    } else if settled > accepted {
        raise(connection, scan, own::accepted(settled - accepted))?;
    }
    connection.query_row(
        "SELECT coalesce(sum(value), 0)::UBIGINT FROM scan_counter WHERE scan_id = ? AND name = ?",
        params![scan.0, own::KILLED],
        |row| row.get(0),
    )
}
