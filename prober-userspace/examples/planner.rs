//! How fast a country's targets become planned probes, and what their states take: as many states as a country has
//! addresses, due times taken and put back, and visits of the predictive scheme spelt out into addresses and ports. One
//! core. Prints one JSON object.

use std::hint::black_box;
use std::time::Instant;

use clap::Parser;
use prober_userspace::io::process::resident_bytes;
use prober_userspace::io::sys::vec_for_random_access;
use prober_userspace::policy::derive::{PortCounts, finding_order};
use prober_userspace::policy::due::DueQueue;
use prober_userspace::policy::interval::LADDER_S;
use prober_userspace::policy::scheme::predictive::{Experience, Predictive, PredictiveConfig};
use prober_userspace::policy::scheme::{Found, Scheme};
use prober_userspace::policy::target_state::TargetState;
use prober_userspace::simulate::country::{CountryConfig, sample};
use prober_userspace::simulate::draws::Draws;

/// Planning for a country, measured
#[derive(Parser)]
struct Options {
    /// Addresses
    #[arg(long, default_value_t = 150_000_000)]
    addresses: u32,
    /// Due times to take and put back
    #[arg(long, default_value_t = 20_000_000)]
    updates: u64,
    /// Probes to plan
    #[arg(long, default_value_t = 200_000_000)]
    probes: u64,
    /// Accepted for the sake of the other measurements: the output is JSON anyway
    #[arg(long)]
    json: bool,
}

/// As the watch has it.
const BUCKET_S: u32 = 10;
const BATCH: usize = 65_536;

fn main() {
    let options = Options::parse();
    let mut draws = Draws::new(1, 0);
    let state = |number: u32| TargetState::new(number, draws.below(LADDER_S[0] as usize) as u32);
    let begun = Instant::now();
    let mut states = vec_for_random_access(options.addresses as usize);
    states.extend((0..options.addresses).map(state));
    let mut queue = DueQueue::new(states, BUCKET_S, LADDER_S[6]);
    let queued_s = begun.elapsed().as_secs_f64();
    let updates_per_s = updates(&mut queue, options.updates);
    let (probes_per_s, probes_per_visit) = probes(&mut queue, options.probes);
    let result = serde_json::json!({
        "addresses": options.addresses,
        "bytes_per_address": size_of::<TargetState>() + size_of::<u32>(),
        "resident_bytes": resident_bytes(),
        "queued_s": queued_s,
        "updates_per_s": updates_per_s,
        "planned_probes_per_s": probes_per_s,
        "probes_per_visit": probes_per_visit,
    });
    println!("{result}");
}

/// Takes what is due and puts it off, with the interval that a draw says.
fn updates(queue: &mut DueQueue, wanted: u64) -> f64 {
    let mut draws = Draws::new(2, 0);
    let begun = Instant::now();
    let (mut done, mut now_s, mut taken) = (0_u64, 0, Vec::with_capacity(BATCH));
    while done < wanted {
        taken.clear();
        queue.take_due(now_s, BATCH, &mut taken);
        if taken.is_empty() {
            now_s += BUCKET_S;
            continue;
        }
        for number in &taken {
            let interval = LADDER_S[draws.below(LADDER_S.len())];
            queue.state_mut(*number).due_s = now_s + interval;
            queue.put_back(*number);
            done += 1;
        }
    }
    done as f64 / begun.elapsed().as_secs_f64()
}

/// Spells out the visits that are due. Nothing answers: silent addresses are nearly all there is.
fn probes(queue: &mut DueQueue, wanted: u64) -> (f64, f64) {
    let hosts = sample(&CountryConfig::default(), 200_000);
    let hosts: Vec<&[u16]> = hosts.iter().map(Vec::as_slice).collect();
    let counts = PortCounts::of(hosts.iter().copied());
    let standard = counts.above(2);
    let experience = Experience {
        finding: finding_order(&hosts),
        opening: counts.shares(&standard),
        standard: standard.into_iter().collect(),
    };
    let config = PredictiveConfig { probes_per_day: 292.0, exploration: 0.03, answering: 0.025, sampled: 0.0 };
    let mut scheme = Scheme::Predictive(Box::new(Predictive::new(config, experience)));
    let begun = Instant::now();
    let (mut planned, mut visits, mut now_s) = (0_u64, 0_u64, LADDER_S[0]);
    let (mut taken, mut batch) = (Vec::with_capacity(BATCH), Vec::<(u32, u16)>::with_capacity(BATCH));
    while planned < wanted {
        taken.clear();
        queue.take_due(now_s, 1_024, &mut taken);
        if taken.is_empty() {
            now_s += BUCKET_S;
            continue;
        }
        for number in taken.drain(..) {
            let mut state = *queue.state(number);
            let visit = scheme.visit(&state, now_s);
            let ports = visit.sets.iter().flat_map(|set| set.iter()).chain(visit.more.iter().copied());
            batch.clear();
            batch.extend(ports.map(|port| (state.address, port)));
            planned += black_box(&batch).len() as u64;
            visits += 1;
            scheme.learn(&mut state, now_s, Found { open: &[], device: None });
            *queue.state_mut(number) = state;
            queue.put_back(number);
        }
    }
    (planned as f64 / begun.elapsed().as_secs_f64(), planned as f64 / visits.max(1) as f64)
}
