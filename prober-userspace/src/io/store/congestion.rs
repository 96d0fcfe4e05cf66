//! The tables `cluster`, `cluster_member` and `slot_congestion`, and the answers that they are learnt from.

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, UInt32Type};
use duckdb::params;

use super::scans::timestamp;
use super::{Store, StoreError};
use crate::model::utc::UtcMicros;
use crate::network::congestion::load::{LoadEstimate, SlotDelays};
use crate::network::congestion::medium::Medium;
use crate::network::congestion::service::STEPS;
use crate::policy::planner::WallTime;

/// An answer for profiles: who, when, how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkAnswers {
    /// Who answered.
    pub address: u32,
    /// When.
    pub at: UtcMicros,
    /// Delay, us.
    pub rtt_us: u32,
}

/// A cluster with its day, as learnt.
#[derive(Clone, Debug)]
pub struct LearntCluster {
    /// The row of the table.
    pub row: ClusterRow,
    /// First address, addresses and answers of each of its networks.
    pub members: Vec<(u32, u32, f64)>,
    /// Cells with answers: number of the cell, delays, last day, load, others' throughput, limit.
    pub cells: Vec<(usize, SlotDelays, i32, LoadEstimate, f64, f64)>,
}

/// A row of the table `cluster`; see its columns.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[allow(missing_docs)]
pub struct ClusterRow {
    pub cluster: u32,
    pub medium: Medium,
    pub slots: u16,
    pub utc_offset_s: i32,
    pub half_life_days: f64,
    pub networks: u32,
    pub addresses: u64,
    pub answers: f64,
    pub updated_at: UtcMicros,
}

/// Replies of hosts themselves: ICMP errors come from routers. Of days on which the wall clock of their scan ran evenly: a
/// second of `scan_rate` that took minutes, or minutes of half seconds, are a clock that was stepped (a resumed scan has gaps).
/// Times are anchored anew every second, so the days after it are as good as any.
const TRUSTED: &str = "
    WITH gap AS (
        SELECT scan_id, ended_at::DATE AS day,
               epoch_us(ended_at) - epoch_us(lag(ended_at) OVER (PARTITION BY scan_id ORDER BY ended_at)) AS us
        FROM scan_rate),
    stepped AS (
        SELECT scan_id, day FROM gap JOIN scan ON scan.id = scan_id GROUP BY ALL
        HAVING coalesce(sum(us) FILTER (us > 60e6 AND scan.resumed = 0), 0) + coalesce(sum(us) FILTER (us < 7e5), 0) > 120e6)";

/// Answers of an address, and different hours of them, before its quickest one is taken for its floor: one that was only ever
/// asked once may have been asked at the busiest hour, and of few the one that gave the floor would make the network look idle.
const FLOOR_ANSWERS: u32 = 8;
const FLOOR_HOURS: u32 = 2;

/// Answers that are read together, us: a day's.
const PART_US: i64 = 86_400_000_000;

impl Store {
    /// Smallest delay of each address since a moment, us: its floor. Calls `take` with address and delay. The hours that it
    /// must have been heard in are those of the watch's calendar.
    pub fn for_each_floor(
        &self,
        since: UtcMicros,
        time: &WallTime,
        mut take: impl FnMut(u32, u32),
    ) -> Result<(), StoreError> {
        let hour = hour(time);
        let query = format!(
            "{TRUSTED} SELECT address, min(rtt_us) FROM reply
             WHERE kind < 4 AND received_at >= ? AND (scan_id, received_at::DATE) NOT IN (FROM stepped)
             GROUP BY address
             HAVING count(*) >= {FLOOR_ANSWERS} AND count(DISTINCT {hour}) >= {FLOOR_HOURS}
             ORDER BY address"
        );
        let mut read = || -> duckdb::Result<()> {
            for batch in self.connection.prepare(&query)?.query_arrow(params![timestamp(since)])? {
                let addresses = batch.column(0).as_primitive::<UInt32Type>().values();
                let delays_us = batch.column(1).as_primitive::<UInt32Type>().values();
                addresses.iter().zip(delays_us).for_each(|(address, delay_us)| take(*address, *delay_us));
            }
            Ok(())
        };
        read().map_err(self.failed("reading the floors of the delays"))
    }

    /// All answers since a moment, oldest first, some thousands at a time. Read a day at a time: some 16 bytes of memory per
    /// answer of a day.
    pub fn for_all_answers(&self, since: UtcMicros, mut take: impl FnMut(&[NetworkAnswers])) -> Result<(), StoreError> {
        let mut read = || -> duckdb::Result<()> {
            let one = "'NOT (scan_id = ' || scan_id || ' AND received_at::DATE = DATE ''' || day || ''')'";
            let mut trusted = self.connection.prepare(&format!("{TRUSTED} SELECT {one} FROM stepped"))?;
            let mut trusted: Vec<String> = trusted.query_map([], |row| row.get(0))?.collect::<duckdb::Result<_>>()?;
            trusted.push("true".to_owned());
            let trusted = trusted.join(" AND ");
            let connection = &self.connection;
            let mut first =
                connection.prepare("SELECT epoch_us(min(received_at)) FROM reply WHERE received_at >= ?")?;
            let mut part = connection.prepare(&format!(
                "SELECT address, epoch_us(received_at), rtt_us FROM reply
                 WHERE kind < 4 AND received_at >= ? AND received_at < ? AND {trusted} ORDER BY received_at"
            ))?;
            let mut from = since;
            let mut block = Vec::new();
            while let Some(begins_us) = first.query_row([timestamp(from)], |row| row.get::<_, Option<i64>>(0))? {
                from = UtcMicros(begins_us.saturating_add(PART_US));
                for batch in part.query_arrow([timestamp(UtcMicros(begins_us)), timestamp(from)])? {
                    let addresses = batch.column(0).as_primitive::<UInt32Type>().values();
                    let times_us = batch.column(1).as_primitive::<Int64Type>().values();
                    let delays_us = batch.column(2).as_primitive::<UInt32Type>().values();
                    let rows = addresses.iter().zip(times_us).zip(delays_us);
                    block.clear();
                    block.extend(rows.map(|((address, at_us), rtt_us)| NetworkAnswers {
                        address: *address,
                        at: UtcMicros(*at_us),
                        rtt_us: *rtt_us,
                    }));
                    take(&block);
                }
            }
            Ok(())
        };
        read().map_err(self.failed("reading the answers"))
    }

    /// Answers that are left out because the wall clock was stepped on their day.
    pub fn answers_of_stepped_clocks(&self, since: UtcMicros) -> Result<u64, StoreError> {
        let query = format!(
            "{TRUSTED} SELECT count(*) FROM reply WHERE kind < 4 AND received_at >= ?
             AND (scan_id, received_at::DATE) IN (FROM stepped)"
        );
        self.connection
            .query_row(&query, params![timestamp(since)], |row| row.get(0))
            .map_err(self.failed("looking for steps of the clock"))
    }

    /// The kind of each /24 (by its first address) as the latest estimates of its addresses have it, weighted by their
    /// confidence; kinds that a queue is not known of are left out.
    pub fn estimated_media(&self) -> Result<Vec<(u32, Medium)>, StoreError> {
        let read = || -> duckdb::Result<Vec<(u32, String)>> {
            let mut statement = self.connection.prepare(
                "WITH latest AS (
                     SELECT address, network_type, confidence FROM network_estimate
                     QUALIFY row_number() OVER (PARTITION BY address ORDER BY estimated_at DESC) = 1),
                 votes AS (
                     SELECT (address // 256 * 256)::UINTEGER AS network, network_type, sum(confidence) AS votes
                     FROM latest WHERE network_type IS NOT NULL GROUP BY ALL)
                 SELECT network, arg_max(network_type, votes) FROM votes GROUP BY network ORDER BY network",
            )?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let media = read().map_err(self.failed("reading the estimates of networks"))?;
        Ok(media.into_iter().filter_map(|(network, medium)| Some((network, medium.parse().ok()?))).collect())
    }

    /// Puts these clusters in the place of all that were there.
    pub fn replace_clusters(&self, clusters: &[LearntCluster]) -> Result<(), StoreError> {
        let replace = |connection: &duckdb::Connection| {
            connection
                .execute_batch("DELETE FROM cluster; DELETE FROM cluster_member; DELETE FROM slot_congestion;")?;
            let mut members = connection.appender("cluster_member")?;
            for cluster in clusters {
                for (network, addresses, answers) in &cluster.members {
                    members.append_row(params![cluster.row.cluster, network, addresses, answers])?;
                }
            }
            members.flush()?;
            let mut insert = connection.prepare("INSERT INTO cluster VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
            for LearntCluster { row, .. } in clusters {
                insert.execute(params![
                    row.cluster,
                    row.medium.name(),
                    row.slots,
                    row.utc_offset_s,
                    row.half_life_days,
                    row.networks,
                    row.addresses,
                    row.answers,
                    timestamp(row.updated_at)
                ])?;
            }
            insert_slots(connection, clusters)
        };
        self.in_transaction(replace).map_err(self.failed("storing the clusters"))
    }

    /// All clusters, or one.
    pub fn clusters(&self, wanted: Option<u32>) -> Result<Vec<ClusterRow>, StoreError> {
        let read = || -> duckdb::Result<Vec<ClusterRow>> {
            let mut statement = self.connection.prepare(
                "SELECT cluster_id, medium, slots, utc_offset_s, half_life_days, networks, addresses, answers,
                        epoch_us(updated_at)
                 FROM cluster WHERE coalesce(cluster_id = ?, true) ORDER BY cluster_id",
            )?;
            let rows = statement.query_map(params![wanted], |row| {
                Ok(ClusterRow {
                    cluster: row.get(0)?,
                    medium: row.get::<_, String>(1)?.parse().unwrap_or_default(),
                    slots: row.get(2)?,
                    utc_offset_s: row.get(3)?,
                    half_life_days: row.get(4)?,
                    networks: row.get(5)?,
                    addresses: row.get(6)?,
                    answers: row.get(7)?,
                    updated_at: UtcMicros(row.get(8)?),
                })
            })?;
            rows.collect()
        };
        read().map_err(self.failed("reading the clusters"))
    }

    /// Every network of every cluster: first address of the /24, and the cluster.
    pub fn cluster_members(&self) -> Result<Vec<(u32, u32)>, StoreError> {
        let read = || -> duckdb::Result<_> {
            let mut statement =
                self.connection.prepare("SELECT network, cluster_id FROM cluster_member ORDER BY network")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(self.failed("reading the members of the clusters"))
    }

    /// A cluster's cells that answers came from: number, load, highest rate in packets/s.
    pub fn slot_limits(&self, cluster: &ClusterRow) -> Result<Vec<(usize, f64, f64)>, StoreError> {
        let read = || -> duckdb::Result<_> {
            let mut statement = self.connection.prepare(
                "SELECT weekend, slot, load, limit_pps FROM slot_congestion WHERE cluster_id = ? ORDER BY weekend, slot",
            )?;
            let rows = statement.query_map(params![cluster.cluster], |row| {
                let first = if row.get(0)? { usize::from(cluster.slots) } else { 0 };
                Ok((first + usize::from(row.get::<_, u16>(1)?), row.get(2)?, row.get(3)?))
            })?;
            rows.collect()
        };
        read().map_err(self.failed("reading the limits of a cluster"))
    }

    /// Number and load of a cluster's cells that answers came from.
    pub fn slot_loads(&self, cluster: &ClusterRow) -> Result<Vec<(usize, f64)>, StoreError> {
        let read = || -> duckdb::Result<_> {
            let mut statement = self.connection.prepare(
                "SELECT weekend, slot, load FROM slot_congestion WHERE cluster_id = ? ORDER BY weekend, slot",
            )?;
            let rows = statement.query_map(params![cluster.cluster], |row| {
                let first = if row.get(0)? { usize::from(cluster.slots) } else { 0 };
                Ok((first + usize::from(row.get::<_, u16>(1)?), row.get(2)?))
            })?;
            rows.collect()
        };
        read().map_err(self.failed("reading the loads of a cluster"))
    }

    /// The cells of a cluster's profile that answers came from: weekend, slot, delays, last day.
    pub fn slot_delays(&self, cluster: u32) -> Result<Vec<(bool, u16, SlotDelays, i32)>, StoreError> {
        let read = || -> duckdb::Result<_> {
            let mut statement = self.connection.prepare(
                "SELECT weekend, slot, answers, mean_excess_s, sd_excess_s, below[1], below[2], below[3], below[4], last_day
                 FROM slot_congestion WHERE cluster_id = ? ORDER BY weekend, slot",
            )?;
            let rows = statement.query_map(params![cluster], |row| {
                let mut below = [0.0; STEPS];
                for (index, below) in below.iter_mut().enumerate() {
                    *below = row.get(5 + index)?;
                }
                let delays = SlotDelays { answers: row.get(2)?, below, mean_s: row.get(3)?, sd_s: row.get(4)? };
                Ok((row.get(0)?, row.get(1)?, delays, row.get(9)?))
            })?;
            rows.collect()
        };
        read().map_err(self.failed("reading the slots of a cluster"))
    }
}

/// The hour that a reply came in, by the watch's calendar ([`WallTime::date_of`]).
fn hour(time: &WallTime) -> String {
    if time.is_real() {
        return "date_trunc('hour', received_at)".to_owned();
    }
    let (began_us, scale) = (time.began_at.0, time.scale);
    format!(
        "floor((least(epoch_us(received_at), {began_us}) + greatest(epoch_us(received_at) - {began_us}, 0) * {scale:?}::DOUBLE)
               / 3.6e9)"
    )
}

/// One statement for all rows: the appender takes no lists.
fn insert_slots(connection: &duckdb::Connection, clusters: &[LearntCluster]) -> duckdb::Result<()> {
    let mut rows = Vec::new();
    for LearntCluster { row, cells, .. } in clusters {
        for (cell, delays, last_day, load, others_bits_s, limit_pps) in cells {
            let slots = usize::from(row.slots);
            rows.push(serde_json::json!({
                "cluster_id": row.cluster, "weekend": *cell >= slots, "slot": cell % slots, "answers": delays.answers,
                "mean": delays.mean_s, "sd": delays.sd_s, "below": delays.below, "last_day": last_day,
                "load": load.load, "low": load.low, "high": load.high, "others": others_bits_s, "limit_pps": limit_pps,
            }));
        }
    }
    connection
        .execute(
            "INSERT INTO slot_congestion
             SELECT s.cluster_id, s.weekend, s.slot, s.answers, s.mean, s.sd, s.below, s.last_day, s.load, s.low, s.high,
                    s.others, s.limit_pps
             FROM (SELECT unnest(from_json(?, '[{\"cluster_id\": \"UINTEGER\", \"weekend\": \"BOOLEAN\",
                 \"slot\": \"USMALLINT\", \"answers\": \"DOUBLE\", \"mean\": \"DOUBLE\", \"sd\": \"DOUBLE\",
                 \"below\": [\"DOUBLE\"], \"last_day\": \"INTEGER\", \"load\": \"DOUBLE\", \"low\": \"DOUBLE\",
                 \"high\": \"DOUBLE\", \"others\": \"DOUBLE\", \"limit_pps\": \"DOUBLE\"}]')) AS s)",
            params![serde_json::Value::from(rows).to_string()],
        )
        .map(drop)
}
