//! The tables `network_estimate`, `cause_estimate` and `study_probe`, and traces out of stored replies.

use std::net::Ipv4Addr;

use duckdb::{Connection, params};
use prober_common::address::V4;
use prober_common::event::ProbeKind;

use super::scans::timestamp;
use super::{Store, StoreError};
use crate::model::scan::ScanId;
use crate::model::trace::{Answer, Role, Trace, TraceProbe};
use crate::model::utc::UtcMicros;
use crate::network::access::NetworkEstimate;
use crate::network::cause::CauseEstimate;
use crate::network::model::MODEL_VERSION;

/// A reply belongs to the send that is at most so far from the time in its probe, in microseconds.
const MATCH_US: i64 = 20_000;

/// Estimates made together.
#[derive(Clone, Debug)]
pub struct NetworkBatch {
    /// The scan that the replies are of.
    pub scan: ScanId,
    /// When.
    pub estimated_at: UtcMicros,
    /// File of the model, or `built-in`.
    pub model: String,
}

/// A probe that was sent to a terminal under study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudyProbe {
    /// When.
    pub sent_at: UtcMicros,
    /// To whom.
    pub address: V4,
    /// To which port; 0 for ICMP echo.
    pub port: u16,
    /// Kind.
    pub kind: ProbeKind,
}

impl Store {
    /// Adds network estimates of traces that this store gave, all or none.
    pub fn add_network_estimates(&self, batch: &NetworkBatch, estimates: &[NetworkEstimate]) -> Result<(), StoreError> {
        let add = |connection: &Connection| {
            let mut appender = connection.appender("network_estimate")?;
            for (address, estimate) in
                estimates.iter().filter_map(|estimate| Some((address(&estimate.terminal)?, estimate)))
            {
                let transit = estimate.transit;
                appender.append_row(params![
                    address,
                    estimate.network_type,
                    estimate.confidence,
                    json(&estimate.posterior),
                    estimate.answered as u32,
                    estimate.hops,
                    transit.map(|transit| transit.floor_ms),
                    transit.map(|transit| json(&transit.source).trim_matches('"').to_owned()),
                    estimate.access_floor_ms,
                    estimate.several_hosts,
                    batch.model,
                    MODEL_VERSION,
                    timestamp(batch.estimated_at),
                    batch.scan.0,
                ])?;
            }
            appender.flush()
        };
        self.in_transaction(add).map_err(self.failed("adding network estimates"))
    }

    /// Adds cause estimates of traces that this store gave, all or none.
    pub fn add_cause_estimates(&self, batch: &NetworkBatch, estimates: &[CauseEstimate]) -> Result<(), StoreError> {
        let add = |connection: &Connection| {
            let mut appender = connection.appender("cause_estimate")?;
            for (address, estimate) in
                estimates.iter().filter_map(|estimate| Some((address(&estimate.terminal)?, estimate)))
            {
                appender.append_row(params![
                    address,
                    estimate.cause,
                    estimate.confidence,
                    json(&estimate.posterior),
                    estimate.probes as u32,
                    estimate.answered as u32,
                    json(&estimate.evidence),
                    estimate.explanation,
                    batch.model,
                    MODEL_VERSION,
                    timestamp(batch.estimated_at),
                    batch.scan.0,
                ])?;
            }
            appender.flush()
        };
        self.in_transaction(add).map_err(self.failed("adding cause estimates"))
    }

    /// Adds probes that were sent to terminals under study, all or none.
    pub fn add_study_probes(&self, scan: ScanId, probes: &[StudyProbe]) -> Result<(), StoreError> {
        let add = |connection: &Connection| append_study_probes(connection, scan, probes);
        self.in_transaction(add).map_err(self.failed("adding probes under study"))
    }

    /// The scan `wanted`, or the last one; `None` if there is none.
    pub fn scan_or_last(&self, wanted: Option<ScanId>) -> Result<Option<ScanId>, StoreError> {
        self.connection
            .query_row("SELECT max(id) FROM scan WHERE coalesce(id = ?, true)", [wanted.map(|scan| scan.0)], |row| {
                row.get::<_, Option<u32>>(0)
            })
            .map(|id| id.map(ScanId))
            .map_err(self.failed("looking for the scan"))
    }

    /// The traces of a scan: of each address its replies, and for terminals under study its silences as well. The place is
    /// the /24. ICMP errors are no replies of the terminal and left out.
    pub fn traces(&self, scan: ScanId) -> Result<Vec<Trace>, StoreError> {
        self.traces_where(scan, "true")
    }

    /// The same of some addresses only.
    pub fn traces_of(&self, scan: ScanId, addresses: &[u32]) -> Result<Vec<Trace>, StoreError> {
        if addresses.is_empty() {
            return Ok(Vec::new());
        }
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        self.traces_where(scan, &format!("address IN ({})", list.join(", ")))
    }

    fn traces_where(&self, scan: ScanId, which: &str) -> Result<Vec<Trace>, StoreError> {
        let read = || -> duckdb::Result<Vec<Trace>> {
            let mut statement = self.connection.prepare(&format!(
                "WITH answered AS (
                     SELECT address, port, probe, epoch_us(received_at) - rtt_us AS sent_us, rtt_us, ttl, kind
                     FROM reply WHERE scan_id = $1 AND kind <= 3 AND {which}
                 ), studied AS (
                     SELECT address, port, probe, epoch_us(sent_at) AS sent_us FROM study_probe WHERE scan_id = $1 AND {which}
                 ), silent AS (
                     SELECT * FROM studied ANTI JOIN answered
                     ON studied.address = answered.address AND studied.port = answered.port
                        AND studied.probe = answered.probe
                        AND answered.sent_us BETWEEN studied.sent_us - {MATCH_US} AND studied.sent_us + {MATCH_US}
                 )
                 SELECT address, port, sent_us, rtt_us, ttl, kind, address IN (SELECT address FROM studied) FROM answered
                 UNION ALL SELECT address, port, sent_us, NULL, NULL, NULL, true FROM silent
                 ORDER BY address, sent_us, port"
            ))?;
            collect_traces(&mut statement.query(params![scan.0])?)
        };
        read().map_err(self.failed("reading traces"))
    }
}

/// Traces out of rows of address, port, time of sending (us), round-trip time (us), TTL, kind and whether silences are known, by
/// address and time.
pub(super) fn collect_traces(rows: &mut duckdb::Rows<'_>) -> duckdb::Result<Vec<Trace>> {
    let mut traces: Vec<Trace> = Vec::new();
    while let Some(row) = rows.next()? {
        let address = Ipv4Addr::from(row.get::<_, u32>(0)?).to_string();
        let sent_us: i64 = row.get(2)?;
        let rtt_us: Option<u32> = row.get(3)?;
        let kind: Option<u8> = row.get(5)?;
        let probe = TraceProbe {
            sent_s: sent_us as f64 / 1e6,
            rtt_ms: rtt_us.map(|rtt| f64::from(rtt) / 1e3),
            port: row.get(1)?,
            ttl: row.get(4)?,
            answer: match kind {
                None => Answer::Silent,
                Some(1) => Answer::Refused,
                Some(_) => Answer::Open,
            },
        };
        if traces.last().is_none_or(|last| last.terminal != address) {
            traces.push(new_trace(address, row.get(6)?));
        }
        traces.last_mut().expect("one was just added").probes.push(probe);
    }
    Ok(traces)
}

fn new_trace(address: String, has_silence: bool) -> Trace {
    let place = format!("{}.0/24", address.rsplit_once('.').map_or(address.as_str(), |(prefix, _)| prefix));
    Trace {
        place,
        terminal: address,
        role: Role::Terminal,
        probes: Vec::new(),
        has_silence,
        access: None,
        cause: None,
        background: None,
    }
}

/// Rows of `study_probe`, within the caller's transaction.
pub(super) fn append_study_probes(connection: &Connection, scan: ScanId, probes: &[StudyProbe]) -> duckdb::Result<()> {
    let mut appender = connection.appender("study_probe")?;
    for probe in probes {
        let kind = probe.kind as u8;
        appender.append_row(params![scan.0, timestamp(probe.sent_at), probe.address.0, probe.port, kind])?;
    }
    appender.flush()
}

/// As a number; `None` for terminals of trace files, which have names.
fn address(terminal: &str) -> Option<u32> {
    terminal.parse::<Ipv4Addr>().ok().map(u32::from)
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("names and finite numbers are JSON")
}
