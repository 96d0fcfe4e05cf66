//! Old rows go: for each kind of data all rows before a midnight, a day in one transaction together with its line in
//! `audit`, so that a kill at any moment leaves whole days and a trail that is true. Running it again changes nothing. The
//! space of removed rows is used again, and the end of the file given back, at a checkpoint.

use std::time::Duration;

use duckdb::{OptionalExt, params};
use serde::Serialize;

use super::scans::timestamp;
use super::{Store, StoreError};
use crate::model::utc::UtcMicros;

/// How long rows stay; `None`: for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionLimits {
    /// Replies, figures per second, exclusions in force at scans.
    pub replies: Option<Duration>,
    /// Banners.
    pub banners: Option<Duration>,
    /// Devices, networks, causes.
    pub estimates: Option<Duration>,
    /// The trail.
    pub audit: Option<Duration>,
}

impl RetentionLimits {
    fn of(self, kind: Kind) -> Option<Duration> {
        match kind {
            Kind::Reply => self.replies,
            Kind::Banner => self.banners,
            Kind::Estimate => self.estimates,
            Kind::Audit => self.audit,
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Reply,
    Banner,
    Estimate,
    Audit,
}

/// Tables that grow with time, and the column that tells when a row was made.
const TABLES: [(&str, &str, Kind); 11] = [
    ("reply", "received_at", Kind::Reply),
    ("open_tcp_port", "seen_at", Kind::Reply),
    ("scan_rate", "ended_at", Kind::Reply),
    ("scan_clock", "set_at", Kind::Reply),
    ("study_probe", "sent_at", Kind::Reply),
    ("banner", "grabbed_at", Kind::Banner),
    ("device_estimate", "estimated_at", Kind::Estimate),
    ("device_estimation", "estimated_at", Kind::Estimate),
    ("network_estimate", "estimated_at", Kind::Estimate),
    ("cause_estimate", "estimated_at", Kind::Estimate),
    ("audit", "made_at", Kind::Audit),
];

const DAY_US: i64 = 86_400_000_000;

/// What went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Retired {
    /// Rows removed, by table; tables that lost none are left out.
    pub rows: Vec<(&'static str, u64)>,
    /// Whether the space was given back at once; else the next checkpoint does.
    pub checkpointed: bool,
}

impl Retired {
    /// Rows of all tables.
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|(_, rows)| rows).sum()
    }
}

impl Store {
    /// Removes what is older than the limits at `now`, whole days (UTC) at a time; `who` goes into the trail. One pass over
    /// the time column of each table for each day that goes.
    pub fn retire(&self, limits: RetentionLimits, now: UtcMicros, who: &str) -> Result<Retired, StoreError> {
        let rows = self.remove_old(limits, now, who)?;
        Ok(Retired { rows, checkpointed: self.give_space_back() })
    }

    /// Has a checkpoint give the space of removed rows back; whether that could be done now.
    pub fn give_space_back(&self) -> bool {
        self.connection.execute_batch("CHECKPOINT").is_ok()
    }

    /// Removes them, without giving their space back; rows by table, tables that lost none are left out.
    pub fn remove_old(
        &self,
        limits: RetentionLimits,
        now: UtcMicros,
        who: &str,
    ) -> Result<Vec<(&'static str, u64)>, StoreError> {
        let mut removed = Vec::new();
        for (table, column, kind) in TABLES {
            let Some(limit) = limits.of(kind) else { continue };
            let limit_us = i64::try_from(limit.as_micros()).unwrap_or(i64::MAX);
            let before = UtcMicros(midnight(now.0.saturating_sub(limit_us)));
            let mut rows = 0;
            while let Some(day) = self.oldest_day(table, column, before)? {
                rows += self.remove_day(table, column, day, now, who)?;
            }
            if rows > 0 {
                removed.push((table, rows));
            }
        }
        if limits.replies.is_some() {
            self.forget_exclusions_of_scans_without_replies()?;
        }
        Ok(removed)
    }

    /// The first midnight of the oldest row before `before`.
    fn oldest_day(&self, table: &str, column: &str, before: UtcMicros) -> Result<Option<UtcMicros>, StoreError> {
        let query = format!("SELECT epoch_us(min({column})) FROM {table} WHERE {column} < ?");
        let oldest = self.connection.query_row(&query, params![timestamp(before)], |row| row.get::<_, Option<i64>>(0));
        let oldest = oldest.optional().map_err(self.failed("looking for old rows"))?.flatten();
        Ok(oldest.map(|at| UtcMicros(midnight(at))))
    }

    fn remove_day(
        &self,
        table: &str,
        column: &str,
        day: UtcMicros,
        now: UtcMicros,
        who: &str,
    ) -> Result<u64, StoreError> {
        let remove = format!("DELETE FROM {table} WHERE {column} >= ? AND {column} < ?");
        self.in_transaction(|connection| {
            let until = UtcMicros(day.0.saturating_add(DAY_US));
            let rows = connection.execute(&remove, params![timestamp(day), timestamp(until)])?;
            let detail = serde_json::json!({ "table": table, "day": day.to_string()[..10], "rows": rows });
            connection.execute(
                "INSERT INTO audit VALUES (?, ?, 'retention.remove', ?)",
                params![timestamp(now), who, detail.to_string()],
            )?;
            Ok(rows as u64)
        })
        .map_err(self.failed("removing old rows"))
    }

    /// They are only needed while their scan can be resumed, which a session never is, or its replies explained.
    fn forget_exclusions_of_scans_without_replies(&self) -> Result<(), StoreError> {
        let remove = "DELETE FROM scan_exclusion WHERE scan_id IN (
                          SELECT id FROM scan WHERE (status IN ('finished', 'failed')
                              OR status = 'interrupted' AND id IN (SELECT scan_id FROM session))
                          AND id NOT IN (SELECT DISTINCT scan_id FROM reply))";
        self.connection.execute_batch(remove).map_err(self.failed("removing old exclusions of scans"))
    }
}

fn midnight(at_us: i64) -> i64 {
    at_us.div_euclid(DAY_US).saturating_mul(DAY_US)
}
