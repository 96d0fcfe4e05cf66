//! How well others' throughput is estimated on access networks that nothing was fitted on: whole kinds of network, of
//! traffic and of queue, each with its own figures.

use super::access_point::{AccessPoint, Jitter, Observed, PROBE_BYTES, Probing};
use super::draws::Draws;
use super::queue::{Dropping, Server};
use super::traffic::{Pattern, Sizes};
use crate::network::congestion::load::{LoadEstimate, SlotDelays, estimate_day};
use crate::network::congestion::medium::Medium;
use crate::network::congestion::service::ServiceTime;
use crate::network::congestion::throughput::others_throughput;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct AccuracyConfig {
    /// Access networks of each medium.
    pub access_points: u32,
    /// Slots of each, every one with another load.
    pub slots: u32,
    /// Probes per slot.
    pub probes: u32,
    /// Sized probes of each size, once per access network; 0: only the medium is known.
    pub sized: u32,
    /// Seed.
    pub seed: u64,
}

impl Default for AccuracyConfig {
    fn default() -> Self {
        Self { access_points: 48, slots: 6, probes: 200, sized: 16, seed: 1 }
    }
}

/// One slot of one access network.
#[derive(Clone, Debug)]
pub struct Case {
    /// Kind of network.
    pub medium: Medium,
    /// Kind of traffic.
    pub traffic: &'static str,
    /// Kind of queue.
    pub queue: &'static str,
    /// Truth, bits/s.
    pub true_bits_s: f64,
    /// Truth: share of time that the others kept the bottleneck busy.
    pub true_load: f64,
    /// Estimate, bits/s.
    pub bits_s: f64,
    /// Estimated load.
    pub estimate: LoadEstimate,
    /// Whether the truth lies between the estimate's 5 % and 95 % points.
    pub covered: bool,
}

impl Case {
    /// Relative error of the throughput, without sign.
    pub fn error(&self) -> f64 {
        (self.bits_s / self.true_bits_s - 1.0).abs()
    }
}

/// Figures over some of the cases.
#[derive(Clone, Debug, serde::Serialize)]
pub struct GroupAccuracy {
    /// Which: all, or a medium, traffic, queue or range of load.
    pub group: String,
    /// How many.
    pub cases: usize,
    /// Relative error of the throughput: median and 90 % point.
    pub median_error: f64,
    /// See `median_error`.
    pub p90_error: f64,
    /// Relative error of the load, median.
    pub median_load_error: f64,
    /// Estimated less true load, median.
    pub bias: f64,
    /// Share of cases with the truth between the 5 % and 95 % points.
    pub covered: f64,
}

/// All, then by medium, traffic, queue and load.
pub fn groups(cases: &[Case]) -> Vec<GroupAccuracy> {
    let mut by_name: Vec<(String, Vec<&Case>)> = vec![("all".to_owned(), cases.iter().collect())];
    let mut add = |name: String, case| match by_name.iter_mut().find(|(known, _)| *known == name) {
        Some((_, list)) => list.push(case),
        None => by_name.push((name, vec![case])),
    };
    for case in cases {
        add(format!("medium {}", case.medium), case);
    }
    for case in cases {
        add(format!("traffic {}", case.traffic), case);
    }
    for case in cases {
        add(format!("queue {}", case.queue), case);
    }
    for fifth in 0..5 {
        for case in cases.iter().filter(|case| ((case.true_load * 5.0) as usize).min(4) == fifth) {
            add(format!("load {:.1} to {:.1}", fifth as f64 / 5.0, (fifth + 1) as f64 / 5.0), case);
        }
    }
    by_name.into_iter().map(|(group, cases)| accuracy(group, &cases)).collect()
}

fn accuracy(group: String, cases: &[&Case]) -> GroupAccuracy {
    let point = |value: &dyn Fn(&Case) -> f64, share: f64| {
        let mut values: Vec<f64> = cases.iter().map(|case| value(case)).collect();
        values.sort_by(f64::total_cmp);
        values.get(((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1))).copied().unwrap_or(0.0)
    };
    GroupAccuracy {
        group,
        cases: cases.len(),
        median_error: point(&Case::error, 0.5),
        p90_error: point(&Case::error, 0.9),
        median_load_error: point(&|case| (case.estimate.load / case.true_load - 1.0).abs(), 0.5),
        bias: point(&|case| case.estimate.load - case.true_load, 0.5),
        covered: cases.iter().filter(|case| case.covered).count() as f64 / cases.len().max(1) as f64,
    }
}

/// Kinds of traffic, in the order in which access networks get them.
pub const TRAFFICS: [&str; 4] = ["poisson", "bursts", "tcp", "mixed"];

/// Simulates and estimates.
pub fn cases(config: AccuracyConfig) -> Vec<Case> {
    let mut cases = Vec::new();
    for medium in [Medium::Wired, Medium::Wlan, Medium::Lte, Medium::Wisun, Medium::Lora] {
        for number in 0..config.access_points {
            let draws = Draws::new(config.seed, u64::from(number) << 8 | medium.index() as u64);
            access_point_cases(config, medium, number as usize, draws, &mut cases);
        }
    }
    cases
}

fn access_point_cases(config: AccuracyConfig, medium: Medium, number: usize, mut draws: Draws, cases: &mut Vec<Case>) {
    let base = draw_access_point(medium, &mut draws);
    let (dropping, queue) = draw_queue(number / TRAFFICS.len(), &base, &mut draws);
    let traffic = TRAFFICS[number % TRAFFICS.len()];
    let mean_s = mean_service_s(&base);
    let probing = Probing {
        probes: config.probes,
        gap_s: (mean_s * 150.0).max(0.1),
        sized: config.sized,
        large_bytes: base.sizes.large.clamp(2.0 * PROBE_BYTES, 1460.0),
    };
    let observed: Vec<Observed> = (0..config.slots)
        .map(|_| {
            let load = draws.between(0.1, 0.95);
            let patterns = draw_patterns(traffic, load, &base, &mut draws);
            AccessPoint { dropping, patterns, ..base.clone() }.observe(probing, &mut draws)
        })
        .collect();
    // The quietest slot's sized probes have the cleanest floors.
    let floors = observed.iter().map(|one| one.floors).min_by(|a, b| a.large_s.total_cmp(&b.large_s));
    let service = match floors {
        Some(floors) if config.sized > 0 => {
            let small_s = observed.iter().map(|one| one.floors.small_s).fold(f64::INFINITY, f64::min);
            let probes = floors.probes * config.slots;
            ServiceTime::measured(
                medium,
                &crate::network::congestion::SizedFloors { small_s, probes, ..floors },
                PROBE_BYTES,
            )
        }
        _ => ServiceTime::of(medium, PROBE_BYTES),
    };
    let floor_s = observed.iter().flat_map(|one| &one.delays_s).copied().fold(f64::INFINITY, f64::min);
    let slots: Vec<SlotDelays> = observed.iter().map(|one| summed_up(&one.delays_s, floor_s, &service)).collect();
    let loads = estimate_day(&service, &slots);
    for (observed, estimate) in observed.iter().zip(loads) {
        let throughput = others_throughput(&service, &estimate, 1.0 / probing.gap_s);
        cases.push(Case {
            medium,
            traffic,
            queue,
            true_bits_s: observed.others_bits_s,
            true_load: observed.others_load,
            bits_s: throughput.bits_s,
            estimate,
            covered: (throughput.low_bits_s..=throughput.high_bits_s).contains(&observed.others_bits_s),
        });
    }
}

/// What a profile would hold of these delays.
pub fn summed_up(delays_s: &[f64], floor_s: f64, service: &ServiceTime) -> SlotDelays {
    let excess = || delays_s.iter().map(|delay| delay - floor_s);
    let answers = delays_s.len() as f64;
    let mean_s = excess().sum::<f64>() / answers;
    let variance = excess().map(|excess| (excess - mean_s).powi(2)).sum::<f64>() / answers;
    let below = service.steps_s().map(|step_s| excess().filter(|excess| *excess < step_s).count() as f64);
    SlotDelays { answers, below, mean_s, sd_s: variance.sqrt() }
}

fn mean_service_s(point: &AccessPoint) -> f64 {
    let (large, small) = (point.server.mean_s(point.sizes.large), point.server.mean_s(point.sizes.small));
    large * point.sizes.large_share + small * (1.0 - point.sizes.large_share)
}

/// An access network around its medium's figures, none of them as the estimator assumes.
fn draw_access_point(medium: Medium, draws: &mut Draws) -> AccessPoint {
    let model = medium.model();
    let rate_bits_s = draws.lognormal(model.rate_bits_s, model.rate_log_sd);
    let overhead_s = model.overhead_s * draws.between(0.6, 1.4);
    let (retry, random_part, idle_jitter_s) = match medium {
        Medium::Wlan => (draws.between(0.0, 0.2), 0.5, 0.3e-3),
        Medium::Lte => (draws.between(0.0, 0.1), 0.0, 3e-3),
        Medium::Wisun => (draws.between(0.0, 0.15), 0.6, 4e-3),
        Medium::Lora => (0.0, 0.0, 10e-3),
        _ => (0.0, 0.0, 0.15e-3),
    };
    AccessPoint {
        server: Server {
            rate_bits_s,
            fixed_s: overhead_s * (1.0 - random_part),
            backoff_s: overhead_s * random_part,
            retry,
        },
        dropping: Dropping::Tail(1000),
        sizes: Sizes {
            large: model.large_bytes,
            small: model.small_bytes * draws.between(0.6, 1.5),
            large_share: draws.between(0.4, 0.85),
        },
        patterns: Vec::new(),
        shared_channel: model.visits > 1,
        jitter_s: draws.lognormal(idle_jitter_s, 0.4),
        jitter: [Jitter::Uniform, Jitter::Exponential, Jitter::Gamma][draws.below(3)],
        responder_s: draws.between(0.05e-3, 1e-3),
    }
}

fn draw_queue(number: usize, point: &AccessPoint, draws: &mut Draws) -> (Dropping, &'static str) {
    let mean_s = mean_service_s(point);
    match number % 4 {
        0 => (Dropping::Tail(draws.between(15.0, 40.0) as usize), "short"),
        1 => (Dropping::Tail(draws.between(100.0, 600.0) as usize), "long"),
        2 => {
            let target_s = (1.5 * mean_s).max(5e-3);
            (Dropping::CoDel { target_s, interval_s: 20.0 * target_s }, "codel")
        }
        _ => (Dropping::Random((40.0 * mean_s).max(50e-3)), "random"),
    }
}

/// Traffic that would load the bottleneck about that much.
fn draw_patterns(traffic: &str, load: f64, point: &AccessPoint, draws: &mut Draws) -> Vec<Pattern> {
    let mean_s = mean_service_s(point);
    match traffic {
        "poisson" => vec![Pattern::Poisson(mean_s / load)],
        "bursts" => bursts(load, mean_s, draws),
        "tcp" => flows(load, point, draws),
        _ => {
            let mut patterns = flows(load / 3.0, point, draws);
            patterns.extend(bursts(load / 3.0, mean_s, draws));
            patterns.push(Pattern::Poisson(mean_s / (load / 3.0)));
            patterns
        }
    }
}

fn bursts(load: f64, mean_s: f64, draws: &mut Draws) -> Vec<Pattern> {
    let sources = 3 + draws.below(6);
    // Each sends at a part of what the bottleneck carries while it is on.
    let peak = draws.between(0.3, 0.9);
    let duty = (load / sources as f64 / peak).min(0.9);
    (0..sources)
        .map(|_| {
            let on_s = mean_s * draws.between(5.0, 40.0);
            Pattern::Bursts { gap_s: mean_s / peak, on_s, off_s: on_s * (1.0 - duty) / duty }
        })
        .collect()
}

fn flows(load: f64, point: &AccessPoint, draws: &mut Draws) -> Vec<Pattern> {
    let large_s = point.server.mean_s(point.sizes.large);
    let sources = 2 + draws.below(6);
    (0..sources)
        .map(|_| {
            let rtt_s = large_s.mul_add(draws.between(3.0, 20.0), draws.between(5e-3, 50e-3));
            let packets = draws.between(8.0, 60.0);
            // Slow start takes about log2(n) rounds; what is left of a cycle is pause.
            let cycle_s = packets * large_s * sources as f64 / load;
            let pause_s = (cycle_s - (packets / 4.0).log2().max(1.0) * 1.5 * rtt_s).max(0.1 * cycle_s);
            Pattern::Flow { rtt_s, packets, pause_s }
        })
        .collect()
}
