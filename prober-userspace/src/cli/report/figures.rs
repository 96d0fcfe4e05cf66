//! The figures of a report, read from the database in one go. Field names are those of `--json`.

use duckdb::{Connection, Row, params};
use prober_common::address::V4;
use serde::Serialize;

use super::causes::CauseTimeline;
use super::congestion::Congestion;
use super::met::Met;
use super::models::ModelFigures;
use super::networks::TypeRtt;
use crate::io::store::Store;
use crate::model::scan::ScanId;
use crate::model::utc::UtcMicros;

/// Bins of the RTT histogram per factor of ten.
pub const BINS_PER_DECADE: u32 = 20;
/// Most points of the rate series; longer scans are averaged over more than a second.
const RATE_POINTS: u64 = 400;

/// All that the report shows.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was asked and how it ended.
    pub scan: Scan,
    /// Probes sent.
    pub sent: u64,
    /// Mean over the seconds in which probes were sent, packets per second.
    pub sent_pps: f64,
    /// Addresses that answered themselves (ICMP errors of routers do not count).
    pub hosts: u64,
    /// Pairs of address and port that are open.
    pub open: u64,
    /// Replies by kind, with RTT.
    pub kinds: Vec<Kind>,
    /// Where every accepted reply went.
    pub accounting: Accounting,
    /// Open ports by the number of addresses, most first, at most 25.
    pub ports: Vec<Port>,
    /// ICMP errors, most first, at most 25.
    pub icmp_errors: Vec<IcmpError>,
    /// Every counter.
    pub counters: Vec<Counter>,
    /// Probes and replies over time.
    pub rate: Vec<Rate>,
    /// RTT histogram: 20 bins per factor of ten.
    pub rtt_histogram: Vec<Bin>,
    /// Who was met.
    pub met: Met,
    /// Congestion of networks by time of day, if it has been learnt.
    pub congestion: Congestion,
    /// RTT by access network, if that has been estimated.
    pub networks: Vec<TypeRtt>,
    /// Terminals under study with their causes, if these have been estimated.
    pub causes: Vec<CauseTimeline>,
    /// How good the models are that estimated.
    pub models: Vec<ModelFigures>,
}

/// See the columns of the table `scan`.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Scan {
    pub id: ScanId,
    /// What for, if it followed no plan: `watch` or `study`.
    pub session: Option<String>,
    pub status: String,
    pub started_at: UtcMicros,
    pub ended_at: Option<UtcMicros>,
    /// From the start to the end, or to the last reply.
    pub seconds: f64,
    pub operator: String,
    pub host: String,
    pub program_version: String,
    pub command: String,
    pub targets: u64,
    pub ports: String,
    pub probes_planned: u64,
    pub shard_index: u32,
    pub shard_count: u32,
    pub rate_pps: f64,
    pub engine: String,
    pub interface: String,
    pub source_address: Option<String>,
    pub seed: u64,
    pub plan_fingerprint: String,
    pub resumed: u32,
    pub error: Option<String>,
}

/// Replies of one kind.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, clippy::struct_field_names)]
pub struct Kind {
    pub kind: String,
    pub replies: u64,
    pub rtt_ms: Percentiles,
}

/// Exact percentiles, ms.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Percentiles {
    pub min: f64,
    pub p1: f64,
    pub p5: f64,
    pub p25: f64,
    pub p50: f64,
    pub p75: f64,
    pub p95: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub max: f64,
}

/// accepted = stored + duplicates + lost.
#[derive(Clone, Debug, Serialize)]
pub struct Accounting {
    /// Replies that the kernel accepted.
    pub accepted: u64,
    /// Rows in the table `reply`.
    pub stored: u64,
    /// Replies that had come before.
    pub duplicates: u64,
    /// Replies lost, all reasons.
    pub lost: u64,
    /// Whether the equation holds. While a scan runs or after a kill some replies are under way.
    pub balanced: bool,
}

/// Addresses with a port open.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, clippy::struct_field_names)]
pub struct Port {
    pub probe: String,
    pub port: u16,
    pub addresses: u64,
    pub rtt_median_ms: f64,
}

/// ICMP errors of one type and code.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct IcmpError {
    pub r#type: u16,
    pub code: u16,
    pub name: String,
    pub replies: u64,
    pub addresses: u64,
    pub responders: u64,
}

/// A row of `scan_counter`.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Counter {
    pub name: String,
    pub role: String,
    pub value: u64,
    pub meaning: String,
}

/// Means over an interval that ends `at`.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, clippy::struct_field_names)]
pub struct Rate {
    pub at: UtcMicros,
    pub sent_pps: f64,
    pub replies_per_second: f64,
    pub lost_per_second: f64,
}

/// Replies of a kind with `from_ms <= rtt < from_ms * 10^(1/20)`.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, clippy::struct_field_names)]
pub struct Bin {
    pub kind: String,
    pub bin: i32,
    pub from_ms: f64,
    pub replies: u64,
}

impl Report {
    /// Reads the figures of a scan, or of the latest, with plans from `now` on. A few passes over its replies.
    pub fn read(store: &Store, wanted: Option<ScanId>, now: UtcMicros) -> anyhow::Result<Self> {
        let scan = store.find_scan(wanted)?.id;
        let mut report = Self::query(store.connection(), scan).map_err(store.failed("reading the report"))?;
        report.met = Met::read(store, scan)?;
        report.congestion = Congestion::read(store, now)?;
        report.networks = TypeRtt::read(store, scan)?;
        report.causes = CauseTimeline::read(store, scan)?;
        report.models = ModelFigures::read(store, scan)?;
        Ok(report)
    }

    fn query(connection: &Connection, id: ScanId) -> duckdb::Result<Self> {
        let scan = read_scan(connection, id)?;
        let counters = rows(
            connection,
            "SELECT name, role, value, meaning FROM scan_counter WHERE scan_id = ?
             ORDER BY list_position(['sent', 'accepted', 'stored', 'duplicate', 'loss', 'info'], role), name",
            id,
            |row| Ok(Counter { name: row.get(0)?, role: row.get(1)?, value: row.get(2)?, meaning: row.get(3)? }),
        )?;
        let (stored, hosts, open) = connection.query_row(
            "SELECT count(*), count(DISTINCT address) FILTER (kind < 4),
                    (SELECT count(*) FROM (SELECT DISTINCT address, port, probe FROM reply WHERE scan_id = $1 AND kind IN (0, 3)))
             FROM reply WHERE scan_id = $1",
            [id.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let sum =
            |role: &str| counters.iter().filter(|counter| counter.role == role).map(|counter| counter.value).sum();
        let (sent, accepted, duplicates, lost): (u64, u64, u64, u64) =
            (sum("sent"), sum("accepted"), sum("duplicate"), sum("loss"));
        let sent_pps: Option<f64> = connection.query_row(
            "SELECT sum(sent) / count(*) FROM scan_rate WHERE scan_id = ? AND sent > 0",
            [id.0],
            |row| row.get(0),
        )?;
        Ok(Self {
            sent,
            sent_pps: sent_pps.unwrap_or(if scan.seconds > 0.0 { sent as f64 / scan.seconds } else { 0.0 }),
            hosts,
            open,
            kinds: rows(connection, "SELECT * EXCLUDE scan_id FROM rtt WHERE scan_id = ? ORDER BY replies DESC", id, kind)?,
            accounting: Accounting { accepted, stored, duplicates, lost, balanced: accepted == stored + duplicates + lost },
            ports: rows(
                connection,
                "SELECT probe, port, addresses, rtt_median_ms FROM top_port WHERE scan_id = ?
                 ORDER BY addresses DESC, port LIMIT 25",
                id,
                |row| Ok(Port { probe: row.get(0)?, port: row.get(1)?, addresses: row.get(2)?, rtt_median_ms: row.get(3)? }),
            )?,
            icmp_errors: rows(
                connection,
                "SELECT type, code, name, replies, addresses, responders FROM icmp_error WHERE scan_id = ?
                 ORDER BY replies DESC LIMIT 25",
                id,
                |row| {
                    Ok(IcmpError {
                        r#type: row.get(0)?,
                        code: row.get(1)?,
                        name: row.get(2)?,
                        replies: row.get(3)?,
                        addresses: row.get(4)?,
                        responders: row.get(5)?,
                    })
                },
            )?,
            rate: read_rate(connection, id)?,
            rtt_histogram: rows(
                connection,
                &format!(
                    "SELECT reply_kind(kind), floor(log10(greatest(rtt_us, 1)) * {BINS_PER_DECADE})::INTEGER AS bin, count(*)
                     FROM reply WHERE scan_id = ? GROUP BY kind, bin ORDER BY kind, bin"
                ),
                id,
                |row| {
                    let bin: i32 = row.get(1)?;
                    let from_ms = 10f64.powf(f64::from(bin) / f64::from(BINS_PER_DECADE)) / 1000.0;
                    Ok(Bin { kind: row.get(0)?, bin, from_ms, replies: row.get(2)? })
                },
            )?,
            counters,
            scan,
            met: Met::default(),
            congestion: Congestion::default(),
            networks: Vec::new(),
            causes: Vec::new(),
            models: Vec::new(),
        })
    }
}

fn read_scan(connection: &Connection, id: ScanId) -> duckdb::Result<Scan> {
    connection.query_row(
        "SELECT status, epoch_us(started_at), epoch_us(ended_at),
                (coalesce(epoch_us(ended_at), (SELECT epoch_us(max(received_at)) FROM reply WHERE scan_id = id),
                          epoch_us(started_at)) - epoch_us(started_at)) / 1e6,
                operator, host, program_version, command, targets, ports, probes_planned, shard_index, shard_count, rate_pps,
                engine, interface, source_address, seed, plan_fingerprint, resumed, error,
                (SELECT max(purpose) FROM session WHERE scan_id = id)
         FROM scan WHERE id = ?",
        [id.0],
        |row| {
            Ok(Scan {
                id,
                status: row.get(0)?,
                started_at: UtcMicros(row.get(1)?),
                ended_at: row.get::<_, Option<i64>>(2)?.map(UtcMicros),
                seconds: row.get(3)?,
                operator: row.get(4)?,
                host: row.get(5)?,
                program_version: row.get(6)?,
                command: row.get(7)?,
                targets: row.get(8)?,
                ports: row.get(9)?,
                probes_planned: row.get(10)?,
                shard_index: row.get(11)?,
                shard_count: row.get(12)?,
                rate_pps: row.get(13)?,
                engine: row.get(14)?,
                interface: row.get(15)?,
                source_address: row.get::<_, Option<u32>>(16)?.map(|address| V4(address).to_string()),
                seed: row.get(17)?,
                plan_fingerprint: format!("{:016x}", row.get::<_, u64>(18)?),
                resumed: row.get(19)?,
                error: row.get(20)?,
                session: row.get(21)?,
            })
        },
    )
}

/// The rate over at most [`RATE_POINTS`] intervals of equal length, whole seconds each.
fn read_rate(connection: &Connection, id: ScanId) -> duckdb::Result<Vec<Rate>> {
    let mut statement = connection.prepare(&format!(
        "WITH span AS (SELECT min(epoch_us(ended_at)) AS start_us,
                              greatest(1, ceil((max(epoch_us(ended_at)) - min(epoch_us(ended_at))) / 1e6 / {RATE_POINTS})) AS step_s
                       FROM scan_rate WHERE scan_id = $1)
         SELECT max(epoch_us(ended_at)), sum(sent) / count(*),
                sum(syn_ack::UBIGINT + rst + echo_reply + udp_reply + unreachable + time_exceeded + icmp_other) / count(*),
                sum(lost) / count(*)
         FROM scan_rate, span WHERE scan_id = $1
         GROUP BY floor((epoch_us(ended_at) - start_us) / 1e6 / step_s) ORDER BY 1"
    ))?;
    let rows = statement.query_map(params![id.0], |row| {
        Ok(Rate {
            at: UtcMicros(row.get(0)?),
            sent_pps: row.get(1)?,
            replies_per_second: row.get(2)?,
            lost_per_second: row.get(3)?,
        })
    })?;
    rows.collect()
}

/// A row of the view `rtt`.
fn kind(row: &Row<'_>) -> duckdb::Result<Kind> {
    Ok(Kind {
        kind: row.get(0)?,
        replies: row.get(1)?,
        rtt_ms: Percentiles {
            min: row.get(2)?,
            p1: row.get(3)?,
            p5: row.get(4)?,
            p25: row.get(5)?,
            p50: row.get(6)?,
            p75: row.get(7)?,
            p95: row.get(8)?,
            p99: row.get(9)?,
            p99_9: row.get(10)?,
            max: row.get(11)?,
        },
    })
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    scan: ScanId,
    read: impl FnMut(&Row<'_>) -> duckdb::Result<T>,
) -> duckdb::Result<Vec<T>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([scan.0], read)?;
    rows.collect()
}
