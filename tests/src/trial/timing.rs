//! Round-trip times against the emulated world's own record of when each probe came and each answer left.

use std::{collections::HashMap, net::Ipv4Addr, time::Duration};

use anyhow::{Context, Result, bail};

use super::{
    Size,
    account::{self, Account},
    finding::{Bound, Finding},
    prober::Scan,
};
use crate::{
    far_end::FarEndConfig,
    lab::Lab,
    world::{
        Habits, WorldConfig,
        delay::Delay,
        record::{self, Record},
    },
};

const PATIENCE: Duration = Duration::from_mins(5);
/// Names and numbers of the kinds that are timed.
const KINDS: [(&str, u8); 3] = [("syn_ack", 0), ("rst", 1), ("echo_reply", 2)];
/// The resolution of the probe's clock, in ns, and the microsecond that the database rounds to.
const RESOLUTION_NS: i64 = 8_192 + 1_000;

/// How a scan is timed.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Addresses, as bits of the prefix.
    pub bits: u32,
    /// One address in so many is populated.
    pub one_in: u32,
    /// The rate in packets/s; `None`: 80 % of what the prober reaches here without a limit.
    pub rate_pps: Option<f64>,
    /// The longest delay, in ms; the shortest is 0.5 ms.
    pub longest_ms: u64,
    /// What the median error may be, in us; `None`: no figure depends on the clock.
    pub median_us: Option<f64>,
}

/// At 10,000 probes per second, delays from 0.5 ms to 30 s.
pub fn run(size: Size) -> Result<Finding> {
    let small = Plan { bits: 21, one_in: 1, rate_pps: Some(10e3), longest_ms: 300, median_us: None };
    let full = Plan { bits: 16, one_in: 1, rate_pps: Some(10e3), longest_ms: 30_000, median_us: Some(30.0) };
    timed("rtt at 10 kpps", size.pick(small, full))
}

/// At 80 % of the most that the world can be probed with.
pub fn fast(size: Size) -> Result<Finding> {
    let small = Plan { bits: 19, one_in: 32, rate_pps: Some(100e3), longest_ms: 300, median_us: None };
    let full = Plan { bits: 12, one_in: 32, rate_pps: None, longest_ms: 30_000, median_us: Some(200.0) };
    timed("rtt at a high rate", size.pick(small, full))
}

/// One scan, each row compared with the record of the answer that it came from.
pub fn timed(name: &str, plan: Plan) -> Result<Finding> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("records");
    let delay = Delay::LogUniform { least_ns: 500_000, most_ns: plan.longest_ms * 1_000_000 };
    let habits = Habits { delay: Some(delay), loss: Some(0.0), duplicates: Some(0.0) };
    let far_end = FarEndConfig { seed: 4, answer_one_in: plan.one_in, ..FarEndConfig::default() };
    let mut lab = Lab::world(
        &far_end,
        &WorldConfig { habits, replays: 0, records: Some(file.clone()), ..WorldConfig::default() },
    )?;
    let targets = format!("20.16.0.0/{}", plan.bits);
    let scan = |rate: &str, wait_ms: u64| {
        let wait = format!("{wait_ms}ms");
        Scan::new(directory.path(), &[&targets, "-p", "80,icmp", "-r", rate, "--rate-per-24", "0", "-c", &wait])
    };
    let rate_pps = match plan.rate_pps {
        Some(rate_pps) => rate_pps,
        None => 0.8 * maximum_pps(&far_end, &scan("max", 100))?,
    };
    let scan = scan(&format!("{rate_pps:.0}"), plan.longest_ms + 1_500);
    let summary = scan.complete(&lab, PATIENCE)?;
    let counts = lab.stop_world()?;
    let mut finding = Finding::new(name);
    finding.note("mean rate pps", summary["mean_pps"].as_f64().unwrap_or(0.0).round());
    finding.exactly("arrivals that the world lost", lab.counts()?.arrivals_lost + counts.send_failed, 0);

    let truth: HashMap<_, _> = record::read_all(&file)?.into_iter().map(|record| (key(&record), record)).collect();
    let (mut errors, mut strange, mut early) = ([const { Vec::new() }; 3], 0, 0);
    for row in observed(&scan)? {
        let Some(record) = truth.get(&row.key) else {
            strange += 1;
            continue;
        };
        let error_ns = row.rtt_ns - record.delay_ns() as i64;
        // Sent before it arrived there, received after it left: shorter cannot be.
        early += u64::from(error_ns < -RESOLUTION_NS || row.received_ns < record.answer_ns as i64 - 2_000);
        if let Some(kind) = KINDS.iter().position(|(_, number)| *number == record.kind) {
            errors[kind].push(error_ns);
        }
    }
    finding.exactly("rows without a record", strange, 0);
    finding.exactly("times shorter than the truth", early, 0);
    for ((kind, _), mut errors) in KINDS.into_iter().zip(errors) {
        finding.add(format!("{kind} timed"), errors.len() as f64, Bound::AtLeast(1.0));
        errors.sort_unstable();
        finding.note(format!("{kind} median signed error us"), quantile(&errors, 0.5) / 1e3);
        for error in &mut *errors {
            *error = error.abs();
        }
        errors.sort_unstable();
        let bound = plan.median_us.map_or(Bound::Any, Bound::AtMost);
        finding.add(format!("{kind} median error us"), quantile(&errors, 0.5) / 1e3, bound);
        finding.note(format!("{kind} p95 error us"), quantile(&errors, 0.95) / 1e3);
        finding.note(format!("{kind} p99 error us"), quantile(&errors, 0.99) / 1e3);
    }
    let account = Account::read(&scan.database())?;
    finding.exactly("rows", account.rows, counts.answered);
    account.close(&mut finding);
    Ok(finding)
}

/// What the prober reaches in such a world without a limit, packets/s.
fn maximum_pps(far_end: &FarEndConfig, scan: &Scan) -> Result<f64> {
    let lab = Lab::world(far_end, &WorldConfig::default())?;
    let summary = scan.complete(&lab, PATIENCE)?;
    std::fs::remove_file(scan.database()).context("cannot remove a database")?;
    summary["mean_pps"].as_f64().context("the summary tells no rate")
}

/// Address, port and kind.
type Key = (Ipv4Addr, u16, u8);

fn key(record: &Record) -> Key {
    (record.target, record.port, record.kind)
}

/// A row of the prober.
struct Observed {
    key: Key,
    rtt_ns: i64,
    /// By the kernel's monotonic clock, as the record's times are.
    received_ns: i64,
}

fn observed(scan: &Scan) -> Result<Vec<Observed>> {
    let query = "SELECT address, port, kind, rtt_us,
                     epoch_us(received_at) - (SELECT max_by(offset_us, set_at) FROM scan_clock WHERE set_at <= received_at)
                 FROM reply";
    let parse = |row: Vec<String>| -> Result<Observed> {
        let [address, port, kind, rtt_us, received_us] = row.as_slice() else { bail!("{row:?} is not a reply") };
        let number = |text: &String| text.parse::<i64>().with_context(|| format!("`{text}` is not a number"));
        Ok(Observed {
            key: (Ipv4Addr::from(number(address)? as u32), port.parse()?, kind.parse()?),
            rtt_ns: number(rtt_us)? * 1_000,
            received_ns: number(received_us)? * 1_000,
        })
    };
    account::rows(&scan.database(), query)?.into_iter().map(parse).collect()
}

/// Of sorted numbers; 0 if there are none.
fn quantile(sorted: &[i64], share: f64) -> f64 {
    let index = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(index).map_or(0.0, |value| *value as f64)
}
