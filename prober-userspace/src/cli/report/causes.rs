//! Terminals under study: what was sent and answered over time, and the cause that this was put down to.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::Picture;
use super::chart::{TimelineProbe, timeline};
use crate::io::store::{Store, StoreError};
use crate::model::scan::ScanId;
use crate::model::text::escaped;
use crate::model::trace::Trace;
use crate::model::utc::UtcMicros;

/// Terminals that are drawn: one for each cause, the surest.
const TERMINALS_MAX: usize = 8;
/// Probes of each that are drawn: the last.
const PROBES_MAX: usize = 600;
/// Earlier estimates of a terminal that are told.
const EARLIER_MAX: usize = 5;

/// One terminal.
#[derive(Clone, Debug, Serialize)]
pub struct CauseTimeline {
    ip: String,
    /// Nothing: unknown.
    cause: Option<String>,
    confidence: f64,
    probes: u32,
    replies: u32,
    explanation: String,
    /// Of other studies, newest first: when, and what was found.
    earlier: Vec<(UtcMicros, Option<String>)>,
    #[serde(skip)]
    sends: Vec<TimelineProbe>,
}

impl CauseTimeline {
    /// Of the scan's terminals under study, the surest of each cause.
    pub(super) fn read(store: &Store, scan: ScanId) -> Result<Vec<Self>, StoreError> {
        let (mut timelines, addresses) = Self::estimates(store, scan).map_err(store.failed("reading causes"))?;
        for trace in store.traces_of(scan, &addresses)? {
            if let Some(one) = timelines.iter_mut().find(|one| one.ip == trace.terminal) {
                one.sends = sends(&trace);
            }
        }
        Ok(timelines)
    }

    fn estimates(store: &Store, scan: ScanId) -> duckdb::Result<(Vec<Self>, Vec<u32>)> {
        let mut statement = store.connection().prepare(&format!(
            "WITH latest AS (
                 SELECT * FROM cause_estimate
                 WHERE scan_id = $1 AND address IN (SELECT address FROM study_probe WHERE scan_id = $1)
                 QUALIFY row_number() OVER (PARTITION BY address ORDER BY estimated_at DESC) = 1
             ), surest AS (
                 SELECT * FROM latest QUALIFY row_number() OVER (PARTITION BY cause ORDER BY confidence DESC, address) = 1
             )
             SELECT address, cause, confidence, probes, replies, explanation FROM surest
             ORDER BY cause IS NULL, confidence DESC LIMIT {TERMINALS_MAX}"
        ))?;
        let mut earlier = store.connection().prepare(&format!(
            "SELECT epoch_us(estimated_at), cause FROM cause_estimate WHERE address = ? AND scan_id <> ?
             ORDER BY estimated_at DESC LIMIT {EARLIER_MAX}"
        ))?;
        let (mut timelines, mut addresses) = (Vec::new(), Vec::new());
        let mut rows = statement.query([scan.0])?;
        while let Some(row) = rows.next()? {
            let address: u32 = row.get(0)?;
            let others = earlier.query_map([address, scan.0], |row| Ok((UtcMicros(row.get(0)?), row.get(1)?)))?;
            timelines.push(Self {
                ip: Ipv4Addr::from(address).to_string(),
                cause: row.get(1)?,
                confidence: row.get(2)?,
                probes: row.get(3)?,
                replies: row.get(4)?,
                explanation: row.get(5)?,
                earlier: others.collect::<duckdb::Result<_>>()?,
                sends: Vec::new(),
            });
            addresses.push(address);
        }
        Ok((timelines, addresses))
    }

    /// Its probes over time, the cause below.
    pub(super) fn picture(&self) -> Picture {
        let cause = self.cause.as_deref().unwrap_or("unknown");
        let cut = if self.probes as usize > self.sends.len() {
            format!("; the last {} are drawn", self.sends.len())
        } else {
            String::new()
        };
        let earlier = match self.earlier.as_slice() {
            [] => String::new(),
            earlier => {
                let told = |(at, cause): &(UtcMicros, Option<String>)| {
                    let at = at.to_string();
                    format!("{} ({})", cause.as_deref().unwrap_or("unknown"), at.split('T').next().unwrap_or(&at))
                };
                format!(". Before: {}", earlier.iter().map(told).collect::<Vec<_>>().join(", "))
            }
        };
        let below = format!(
            r#"<p class="cause"><b>{}</b> {:.0} %: {}{}</p>"#,
            escaped(cause),
            100.0 * self.confidence,
            escaped(&self.explanation),
            escaped(&earlier)
        );
        Picture {
            title: format!("Terminal {}", self.ip),
            note: format!(
                "{} of {} probes answered{cut}; a red stroke: no answer from this port; pauses between bursts are shortened",
                self.replies, self.probes
            ),
            content: timeline(&format!("Probes to {}", self.ip), &self.sends) + &below,
            class: "wide",
        }
    }
}

fn sends(trace: &Trace) -> Vec<TimelineProbe> {
    let first_s = trace.probes.first().map_or(0.0, |first| first.sent_s);
    let left_out = trace.probes.len().saturating_sub(PROBES_MAX);
    let send = |probe: &crate::model::trace::TraceProbe| TimelineProbe {
        sent_s: probe.sent_s - first_s,
        port: probe.port,
        rtt_ms: probe.rtt_ms,
    };
    trace.probes.iter().skip(left_out).map(send).collect()
}
