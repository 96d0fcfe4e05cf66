//! How exactly: rates and their smoothness, counted at the far end.

use anyhow::{Context, Result};
use serde::Serialize;

use super::scan;
use crate::{far_end::FarEndConfig, lab::Lab};

/// Length of the window in which bursts are looked for.
const WINDOW_NS: u64 = 10_000_000;

/// A rate as asked for and as it arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    engine: String,
    /// Packets/s.
    asked_pps: f64,
    /// Packets/s at the far end.
    got_pps: f64,
    /// Relative error, in percent.
    error_percent: f64,
    /// Packets above the rate's share in the fullest window of 10 ms.
    burst: i64,
}

/// All rates.
#[derive(Clone, Debug, Serialize)]
pub struct Rates {
    rows: Vec<Row>,
}

/// Measures each rate for `seconds`, at least 10 packets; `maximum_pps` is what an unlimited run reached.
pub fn measure(seconds: f64, engines: &[String]) -> Result<Rates> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let database = folder.path().join("rate.duckdb");
    let mut rows = Vec::new();
    for engine in engines {
        let maximum_pps = run(engine, "max", 1 << 20, &database)?.0;
        for asked_pps in [1.0, 100.0, 10_000.0, 100_000.0, 0.8 * maximum_pps] {
            let count = (asked_pps * seconds).max(10.0) as u64;
            let (got_pps, most) = run(engine, &format!("{asked_pps:.3}"), count, &database)?;
            rows.push(Row {
                engine: engine.clone(),
                asked_pps,
                got_pps,
                error_percent: 100.0 * (got_pps / asked_pps - 1.0),
                burst: most as i64 - (asked_pps * WINDOW_NS as f64 / 1e9) as i64,
            });
        }
    }
    Ok(Rates { rows })
}

/// Rate at the far end and the most packets in a window.
fn run(engine: &str, rate: &str, count: u64, database: &std::path::Path) -> Result<(f64, u64)> {
    let config = FarEndConfig { answer_one_in: 16, arrivals: true, ..FarEndConfig::default() };
    let lab = Lab::reflector(&config)?;
    let count_text = count.to_string();
    let arguments = [
        "20.128.0.0/9",
        "-p",
        "80",
        "--allow-special",
        "--rate",
        rate,
        "--rate-per-24",
        "0",
        "--cooldown-time",
        "500ms",
        "--max-targets",
        &count_text,
        "--engine",
        engine,
    ];
    scan(&lab, database, &arguments)?;
    let arrivals = lab.arrivals()?;
    // The first packet opens the span.
    let pps = (arrivals.total() - 1) as f64 * 1e9 / arrivals.span_ns() as f64;
    Ok((pps, arrivals.most_in(WINDOW_NS)))
}

impl std::fmt::Display for Rates {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:<12} {:>12} {:>12} {:>8} {:>14}", "engine", "asked pps", "got pps", "error", "burst in 10 ms")?;
        for row in &self.rows {
            write!(
                out,
                "\n{:<12} {:>12.1} {:>12.1} {:>6.2} % {:>+14}",
                row.engine, row.asked_pps, row.got_pps, row.error_percent, row.burst
            )?;
        }
        Ok(())
    }
}
