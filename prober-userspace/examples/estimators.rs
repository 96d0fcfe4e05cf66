//! How fast replies become knowledge of networks, on one core: updates of the 64 bytes kept of each answering address, over as
//! many addresses as a country has, and estimates out of them and out of whole traces. Prints one JSON object; rates are by
//! the processor's time of the thread, so that other programs do not count.

use std::hint::black_box;

use anyhow::Context;
use clap::Parser;
use prober_userspace::model::trace::{Answer, Role, Trace, TraceProbe};
use prober_userspace::network::access::estimate_place;
use prober_userspace::network::cause::{Circumstances, estimate};
use prober_userspace::network::model::{Model, ModelKind};
use prober_userspace::network::posterior::CONFIDENCE_MIN;
use prober_userspace::network::sketch::Sketch;

/// Estimators, measured
#[derive(Parser)]
struct Options {
    /// Answering addresses
    #[arg(long, default_value_t = 1_000_000)]
    addresses: usize,
    /// Replies of each
    #[arg(long, default_value_t = 20)]
    replies: usize,
    /// Estimates of each kind
    #[arg(long, default_value_t = 2_000)]
    estimates: usize,
    /// Accepted for the sake of the other measurements: the output is JSON anyway
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    // Replies come in the order of the permutation: each is of another address, far away in memory.
    let mut sketches = vec![Sketch::default(); options.addresses];
    let replies: Vec<TraceProbe> = (0..4096).map(reply).collect();
    let begun = processor_time_s()?;
    let mut place = 0;
    for index in 0..options.addresses * options.replies {
        place = (place + 611_953) % options.addresses;
        sketches[place].add(&replies[index % replies.len()]);
    }
    let updates_s = processor_time_s()? - begun;
    let read = |text, kind: ModelKind| Model::read(text, kind, &kind.feature_names());
    let live = read(include_str!("../models/network_live.json"), ModelKind::NetworkLive)?;
    let network = read(include_str!("../models/network.json"), ModelKind::Network)?;
    let cause = read(include_str!("../models/cause.json"), ModelKind::Cause)?;
    let live_s = seconds(|| {
        for sketch in sketches.iter().take(options.estimates) {
            black_box(live.posterior(&sketch.features(), sketch.answered(), sketch.answered()));
        }
    })?;
    let trace = trace();
    let network_s = seconds(|| {
        for _ in 0..options.estimates {
            black_box(estimate_place(&network, &[&trace], None, CONFIDENCE_MIN));
        }
    })?;
    let cause_s = seconds(|| {
        for _ in 0..options.estimates {
            black_box(estimate(&cause, &trace, Circumstances::default(), CONFIDENCE_MIN));
        }
    })?;
    let updates = (options.addresses * options.replies) as f64;
    let result = serde_json::json!({
        "addresses": options.addresses,
        "state_bytes_per_address": size_of::<Sketch>(),
        "updates": updates,
        "updates_per_s": updates / updates_s,
        "live_estimates_per_s": options.estimates as f64 / live_s,
        "network_estimates_per_s": options.estimates as f64 / network_s,
        "cause_estimates_per_s": options.estimates as f64 / cause_s,
        "json": options.json,
    });
    println!("{}", serde_json::to_string_pretty(&result)?);
    Ok(())
}

fn seconds(work: impl FnOnce()) -> anyhow::Result<f64> {
    let begun = processor_time_s()?;
    work();
    Ok(processor_time_s()? - begun)
}

/// That this thread has had.
fn processor_time_s() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("reading the thread's time")?;
    let ns: Option<f64> = text.split_whitespace().next().and_then(|ns| ns.parse().ok());
    Ok(ns.context("/proc/thread-self/schedstat holds no time")? / 1e9)
}

/// Delays from 10 ms to some seconds, without any order.
fn reply(index: u32) -> TraceProbe {
    let scatter = f64::from(index.wrapping_mul(2_654_435_761) >> 16) / f64::from(u16::MAX);
    let answer = if index.is_multiple_of(3) { Answer::Refused } else { Answer::Open };
    let rtt_ms = (scatter < 0.95).then(|| 10.0 * (1.0 + 300.0 * scatter.powi(6)));
    TraceProbe { sent_s: 1.7e9 + f64::from(index) * 0.37, rtt_ms, port: 80, ttl: Some(57), answer }
}

/// A series of 60 probes.
fn trace() -> Trace {
    Trace {
        place: "192.0.2.0/24".to_owned(),
        terminal: "192.0.2.1".to_owned(),
        role: Role::Terminal,
        probes: (0..60).map(reply).collect(),
        has_silence: true,
        access: None,
        cause: None,
        background: None,
    }
}
