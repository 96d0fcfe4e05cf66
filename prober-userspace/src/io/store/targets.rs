//! The state of every watched address: `target_base` as all were last written, `target_change` as visits left them since.
//! Changes are only ever appended, so a commit costs the same whatever the number of addresses; now and then all states are
//! written anew and the changes dropped.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use duckdb::{Connection, OptionalExt, params};

use super::scans::timestamp;
use super::{Store, StoreError};
use crate::model::utc::UtcMicros;
use crate::policy::planner::WallTime;
use crate::policy::target_state::TargetState;

/// Rows of a base written together.
const CHUNK: usize = 122_880;
/// Changes read together.
const SORTED: u64 = 1 << 21;

/// The clock of a watch, as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchClock {
    /// When it stood at 0.
    pub began_at: UtcMicros,
    /// Where it stood when states were last saved, s.
    pub clock_s: u32,
    /// Seconds of it per second.
    pub time_scale: f64,
    /// Name of the scheme.
    pub scheme: String,
    /// Settings of the scheme, JSON.
    pub settings: String,
    /// What it has learnt besides the states.
    pub learnt: String,
}

/// A state with what else is kept of its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTarget {
    /// The state.
    pub state: TargetState,
    /// TCP ports known to be open, in order.
    pub open_ports: Box<[u16]>,
}

impl Store {
    /// A second connection to the same open database, for another thread: DuckDB lets both read and write, each in its own
    /// transactions.
    pub fn another(&self) -> Result<Self, StoreError> {
        let connection = self.connection.try_clone().map_err(self.failed("connecting once more"))?;
        Ok(Self { connection, path: self.path.clone(), access: self.access, siblings: Arc::clone(&self.siblings) })
    }

    /// The clock of the watch; `None` if none was ever kept.
    pub fn watch_clock(&self) -> Result<Option<WatchClock>, StoreError> {
        self.connection
            .query_row(
                "SELECT epoch_us(began_at), clock_s, time_scale, scheme, settings, learnt FROM watch",
                [],
                |row| {
                    Ok(WatchClock {
                        began_at: UtcMicros(row.get(0)?),
                        clock_s: row.get(1)?,
                        time_scale: row.get(2)?,
                        scheme: row.get(3)?,
                        settings: row.get(4)?,
                        learnt: row.get(5)?,
                    })
                },
            )
            .optional()
            .map_err(self.failed("reading the watch's clock"))
    }

    /// How the seconds of the watch lie in time; as on the wall if none was ever kept.
    pub fn watch_time(&self) -> Result<WallTime, StoreError> {
        let clock = self.watch_clock()?;
        Ok(clock.map_or(WallTime::REAL, |clock| WallTime { began_at: clock.began_at, scale: clock.time_scale }))
    }

    /// When the watch last saved its states; `None` if it never did.
    pub fn last_saved(&self) -> Result<Option<UtcMicros>, StoreError> {
        self.connection
            .query_row("SELECT epoch_us(saved_at) FROM watch", [], |row| row.get(0).map(UtcMicros))
            .optional()
            .map_err(self.failed("reading the watch's clock"))
    }

    /// Every stored state: the base first, then the changes in their order, so that the last one given of an address
    /// counts. One pass, in batches.
    pub fn for_each_target(&self, take: impl FnMut(StoredTarget)) -> Result<(), StoreError> {
        self.for_each_target_of(0, u32::MAX, take)
    }

    /// The same, until `take` wants no more.
    pub fn for_each_target_while(&self, take: impl FnMut(StoredTarget) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.read_targets(0, u32::MAX, take)
    }

    /// The same of the addresses from `first` to `last`; the base is sorted by address, so few of its rows are looked at.
    pub fn for_each_target_of(
        &self,
        first: u32,
        last: u32,
        mut take: impl FnMut(StoredTarget),
    ) -> Result<(), StoreError> {
        self.read_targets(first, last, |target| {
            take(target);
            ControlFlow::Continue(())
        })
    }

    fn read_targets(
        &self,
        first: u32,
        last: u32,
        mut take: impl FnMut(StoredTarget) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        const COLUMNS: &str = "address, due_s, visited_s, fingerprint, cluster, step, standing, open_ports";
        let is_all = (first, last) == (0, u32::MAX);
        let of = if is_all { String::new() } else { format!("WHERE address BETWEEN {first} AND {last}") };
        let mut read = || -> duckdb::Result<()> {
            let mut statement = self.connection.prepare(&format!("SELECT {COLUMNS} FROM target_base {of}"))?;
            for batch in statement.stream_arrow([])? {
                if give(&batch, &mut take).is_break() {
                    return Ok(());
                }
            }
            // In parts: to sort a country's changes at once takes gigabytes.
            let mut next =
                self.connection.prepare("SELECT min(change)::UBIGINT FROM target_change WHERE change >= ?")?;
            let part = if is_all { "WHERE".to_owned() } else { format!("{of} AND") };
            let sql = format!("SELECT {COLUMNS} FROM target_change {part} change >= ? AND change < ? ORDER BY change");
            let mut statement = self.connection.prepare(&sql)?;
            let mut first = 0_u64;
            // From one that is there to the next: those of targets that are watched no more lie far apart.
            while let Some(from) = next.query_row([first], |row| row.get::<_, Option<u64>>(0))? {
                first = from.saturating_add(SORTED);
                for batch in statement.stream_arrow([from, first])? {
                    if give(&batch, &mut take).is_break() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        };
        read().map_err(self.failed("reading the states of the targets"))
    }

    /// The number of the next change.
    pub fn next_target_change(&self) -> Result<u64, StoreError> {
        self.connection
            .query_row("SELECT coalesce(max(change) + 1, 0)::UBIGINT FROM target_change", [], |row| row.get(0))
            .map_err(self.failed("reading the states of the targets"))
    }

    /// Adds changes, numbered from `first`, and where the clock stands: one transaction.
    pub fn add_target_changes(
        &self,
        changes: &[StoredTarget],
        first: u64,
        clock: &WatchClock,
        now: UtcMicros,
    ) -> Result<(), StoreError> {
        let write = |connection: &Connection| -> duckdb::Result<()> {
            let mut appender = connection.appender("target_change")?;
            for (number, chunk) in changes.chunks(CHUNK).enumerate() {
                appender.append_record_batch(batch(chunk, Some(first + (number * CHUNK) as u64)))?;
            }
            appender.flush()?;
            set_clock(connection, clock, now)
        };
        self.in_transaction(write).map_err(self.failed("storing the states of the targets"))
    }

    /// Changes in the table.
    pub fn target_changes(&self) -> Result<u64, StoreError> {
        self.connection
            .query_row("SELECT count(*)::UBIGINT FROM target_change", [], |row| row.get(0))
            .map_err(self.failed("reading the states of the targets"))
    }

    /// Puts `states`, which are in the order of their addresses and newer than the changes below `until`, in the place of
    /// the base's and of these changes: one transaction. Nothing of other addresses changes.
    pub fn replace_targets(&self, states: &[StoredTarget], until: u64) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (states.first(), states.last()) else { return Ok(()) };
        let write = |connection: &Connection| -> duckdb::Result<()> {
            connection.execute_batch("CREATE OR REPLACE TEMP TABLE target_part AS FROM target_base LIMIT 0")?;
            let mut appender = connection.appender("target_part")?;
            for chunk in states.chunks(CHUNK) {
                appender.append_record_batch(batch(chunk, None))?;
            }
            appender.flush()?;
            drop(appender);
            connection.execute(
                "DELETE FROM target_base WHERE address BETWEEN ? AND ? AND address IN (SELECT address FROM target_part)",
                [first.state.address, last.state.address],
            )?;
            connection.execute(
                "DELETE FROM target_change WHERE change < ? AND address IN (SELECT address FROM target_part)",
                [until],
            )?;
            connection.execute_batch("INSERT INTO target_base FROM target_part; DROP TABLE target_part")
        };
        self.in_transaction(write).map_err(self.failed("writing the states of the targets anew"))
    }

    /// The devices that states name, by number: name and ports.
    pub fn watch_devices(&self) -> Result<Vec<(String, Vec<u16>)>, StoreError> {
        let read = || -> duckdb::Result<Vec<(String, Vec<u16>)>> {
            let mut statement = self.connection.prepare("SELECT name, ports FROM watch_device ORDER BY device")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, ports_of(&row.get::<_, String>(1)?))))?;
            rows.collect()
        };
        read().map_err(self.failed("reading the watched devices"))
    }

    /// The /24s from `first` to `last` in which more addresses began to answer than answer: first address, and how many began.
    pub fn newcomers(&self, first: u32, last: u32) -> Result<Vec<(u32, u16)>, StoreError> {
        let read = || -> duckdb::Result<Vec<(u32, u16)>> {
            let sql = "SELECT network, came FROM watch_network WHERE network BETWEEN ? AND ?";
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([first, last], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(self.failed("reading what was learnt of networks"))
    }

    /// Puts these in the place of all that were there.
    pub fn replace_newcomers(&self, newcomers: &[(u32, u16)]) -> Result<(), StoreError> {
        let write = |connection: &Connection| -> duckdb::Result<()> {
            connection.execute_batch("DELETE FROM watch_network")?;
            let mut appender = connection.appender("watch_network")?;
            for (network, came) in newcomers {
                appender.append_row(params![network, came])?;
            }
            appender.flush()
        };
        self.in_transaction(write).map_err(self.failed("storing what was learnt of networks"))
    }

    /// Puts these in the place of all that were there.
    pub fn replace_watch_devices(&self, devices: &[(String, Vec<u16>)]) -> Result<(), StoreError> {
        let write = |connection: &Connection| -> duckdb::Result<()> {
            connection.execute_batch("DELETE FROM watch_device")?;
            let mut appender = connection.appender("watch_device")?;
            for (number, (name, ports)) in (0_u16..).zip(devices) {
                appender.append_row(params![number, name, text_of(ports)])?;
            }
            appender.flush()
        };
        self.in_transaction(write).map_err(self.failed("storing the watched devices"))
    }
}

fn set_clock(connection: &Connection, clock: &WatchClock, now: UtcMicros) -> duckdb::Result<()> {
    let values = params![
        timestamp(clock.began_at),
        clock.clock_s,
        clock.time_scale,
        clock.scheme,
        clock.settings,
        clock.learnt,
        timestamp(now)
    ];
    let known = connection.execute(
        "UPDATE watch SET began_at = ?, clock_s = ?, time_scale = ?, scheme = ?, settings = ?, learnt = ?, saved_at = ?",
        values,
    )?;
    if known == 0 {
        connection.execute("INSERT INTO watch VALUES (?, ?, ?, ?, ?, ?, ?)", values)?;
    }
    Ok(())
}

fn schema(with_change: bool) -> Schema {
    let field = |name: &str, kind| Field::new(name, kind, false);
    let mut fields = vec![
        field("address", DataType::UInt32),
        field("due_s", DataType::UInt32),
        field("visited_s", DataType::UInt32),
        field("fingerprint", DataType::UInt32),
        field("cluster", DataType::UInt16),
        field("step", DataType::UInt8),
        field("standing", DataType::UInt16),
        field("open_ports", DataType::Utf8),
    ];
    if with_change {
        fields.push(field("change", DataType::UInt64));
    }
    Schema::new(fields)
}

fn batch(rows: &[StoredTarget], first_change: Option<u64>) -> RecordBatch {
    let column = |value: fn(&TargetState) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| value(&row.state))))
    };
    let mut columns: Vec<ArrayRef> = vec![
        column(|state| state.address),
        column(|state| state.due_s),
        column(|state| state.visited_s),
        column(|state| state.fingerprint),
        Arc::new(UInt16Array::from_iter_values(rows.iter().map(|row| row.state.cluster))),
        Arc::new(UInt8Array::from_iter_values(rows.iter().map(|row| row.state.step().number()))),
        Arc::new(UInt16Array::from_iter_values(rows.iter().map(|row| row.state.standing_number()))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| text_of(&row.open_ports)))),
    ];
    if let Some(first) = first_change {
        columns.push(Arc::new(UInt64Array::from_iter_values(first..first + rows.len() as u64)));
    }
    RecordBatch::try_new(Arc::new(schema(first_change.is_some())), columns)
        .expect("the columns are those of the schema and equally long")
}

fn give(batch: &RecordBatch, take: &mut impl FnMut(StoredTarget) -> ControlFlow<()>) -> ControlFlow<()> {
    let of = |column: usize| batch.column(column).as_any();
    let numbers = |column: usize| of(column).downcast_ref::<UInt32Array>();
    let (Some(address), Some(due), Some(visited), Some(fingerprint)) = (numbers(0), numbers(1), numbers(2), numbers(3))
    else {
        return ControlFlow::Continue(());
    };
    let (Some(cluster), Some(step), Some(standing), Some(ports)) = (
        of(4).downcast_ref::<UInt16Array>(),
        of(5).downcast_ref::<UInt8Array>(),
        of(6).downcast_ref::<UInt16Array>(),
        of(7).downcast_ref::<StringArray>(),
    ) else {
        return ControlFlow::Continue(());
    };
    for row in 0..batch.num_rows() {
        let mut state = TargetState::new(address.value(row), due.value(row));
        state.visited_s = visited.value(row);
        state.fingerprint = fingerprint.value(row);
        state.cluster = cluster.value(row);
        state.set_stored(step.value(row), standing.value(row));
        take(StoredTarget { state, open_ports: ports_of(ports.value(row)).into() })?;
    }
    ControlFlow::Continue(())
}

fn text_of(ports: &[u16]) -> String {
    let mut text = String::new();
    for port in ports {
        if !text.is_empty() {
            text.push(',');
        }
        text += &port.to_string();
    }
    text
}

fn ports_of(text: &str) -> Vec<u16> {
    if text.is_empty() { Vec::new() } else { text.split(',').filter_map(|port| port.parse().ok()).collect() }
}
