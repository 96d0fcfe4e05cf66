//! How fast answers go into profiles of congestion, on one core, and what an address costs. Prints one JSON object.
//! Usage: `profile [ANSWERS] [ADDRESSES] [NETWORKS]`.

use std::time::Instant;

use prober_userspace::model::utc::UtcMicros;
use prober_userspace::network::congestion::medium::Medium;
use prober_userspace::network::congestion::service::ServiceTime;
use prober_userspace::policy::clock_guard::ClockGuard;
use prober_userspace::policy::grid::DayGrid;
use prober_userspace::policy::learner::{Answer, Learner, LearnerConfig};
use prober_userspace::policy::profile::Profile;

const MONDAY: UtcMicros = UtcMicros(1_794_787_200_000_000);

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let answers = arguments.next().unwrap_or(30_000_000);
    let addresses = arguments.next().unwrap_or(1_000_000).max(1);
    let networks = arguments.next().unwrap_or(20_000).max(1);
    let grid = DayGrid::new(48, 32_400).expect("48 slots divide a day");
    let services = vec![ServiceTime::of(Medium::Wlan, 60.0); networks as usize];
    let config = LearnerConfig { grid, half_life_days: 7.0 };
    let mut learner = Learner::new(config, &services, ClockGuard::new(MONDAY, 0));
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let day_ns = 86_400_000_000_000;
    // Made beforehand: what is measured is learning.
    let made: Vec<Answer> = (0..answers.min(1 << 22))
        .map(|index| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let address = (random % addresses) as u32;
            let monotonic_ns = index * day_ns / answers.min(1 << 22);
            Answer {
                address,
                network: (u64::from(address) * networks / addresses) as u32,
                at: UtcMicros(MONDAY.0 + (monotonic_ns / 1000) as i64),
                monotonic_ns,
                delay_s: 0.02 + (random >> 40) as f32 / 1e9,
            }
        })
        .collect();
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let mut learnt = 0;
    while learnt < answers {
        learner.learn_all(&made);
        learnt += made.len() as u64;
    }
    let (seconds, cpu_seconds) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let counts = learner.counts();
    println!(
        "{}",
        serde_json::json!({
            "answers": learnt, "seconds": seconds, "answers_per_s": learnt as f64 / seconds,
            "cpu_seconds": cpu_seconds, "answers_per_cpu_s": learnt as f64 / cpu_seconds, "learnt": counts.learnt,
            "addresses": addresses, "networks": networks, "bytes_per_address": learner.bytes_per_address(),
            "bytes_per_profile": Profile::bytes(grid),
            "bytes_per_address_with_profiles":
                learner.bytes_per_address() + (Profile::bytes(grid) as u64 * networks) as f64 / addresses as f64,
        })
    );
}

/// Time that this thread has had a processor, s: others may want it as well.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).map_or(f64::NAN, |ns| ns / 1e9)
}
