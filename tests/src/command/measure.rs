//! `prober-lab bench`: measurements, as a table or as JSON.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde::Serialize;

use crate::bench::{grab, harm, rate, throughput};

/// What can be measured.
#[derive(Clone, Debug, Subcommand)]
pub enum Bench {
    /// Packets per second at the far end: our engines, bare loops, masscan and ZMap, in turns
    Throughput {
        /// Runs of each
        #[arg(long, default_value_t = 5)]
        repeats: usize,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Banners per second from nginx, side by side with `nmap -sV` and `masscan --banners`
    Grab {
        /// How many addresses the peers are given, at most 4096 (nmap takes a third of a second for each)
        #[arg(long, default_value_t = 256)]
        targets: u32,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Throughput and delay of others' TCP flows: without a scan, with probes at random times, and by plan
    Harm {
        /// Runs of each
        #[arg(long, default_value_t = 5)]
        repeats: usize,
        /// Length of one of the day's 24 slots, s
        #[arg(long, default_value_t = 1.5)]
        slot_seconds: f64,
        /// Also draw the picture
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Error and smoothness of the rate at 1, 100, 10 k and 100 k packets/s and at 80 % of the maximum
    Rate {
        /// Length of each run (at least 10 packets)
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
        /// Engines to measure
        #[arg(long, value_delimiter = ',', default_value = "live-frames,af-xdp")]
        engines: Vec<String>,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Measures and prints.
pub fn measure(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Throughput { repeats, json } => print(&throughput::measure(*repeats)?, *json),
        Bench::Grab { targets, json } => print(&grab::measure(*targets)?, *json),
        Bench::Harm { repeats, slot_seconds, svg, json } => {
            let slot = Duration::try_from_secs_f64(*slot_seconds).context("--slot-seconds is no time")?;
            print(&harm::measure(*repeats, slot, svg.as_deref())?, *json)
        }
        Bench::Rate { seconds, engines, json } => print(&rate::measure(*seconds, engines)?, *json),
    }
}

fn print(measured: &(impl Serialize + std::fmt::Display), json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(measured).context("figures are JSON")?);
    } else {
        println!("{measured}");
    }
    Ok(())
}
