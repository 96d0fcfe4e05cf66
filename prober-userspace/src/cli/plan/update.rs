//! `prober plan update`: learns profiles of congestion from stored answers and makes clusters of the networks.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::UsageError;
use super::super::database::DatabaseArgs;
use super::super::output::{put, put_json};
use super::coming::PROBE_BYTES;
use super::medium::{medium, utc_offset};
use crate::cli::figure::grouped;
use crate::io::clock::utc_now;
use crate::io::store::{Access, ClusterRow, LearntCluster, Store};
use crate::model::utc::UtcMicros;
use crate::network::cluster::{BINS, ClusterConfig, Clusters, Likeness, Member};
use crate::network::congestion::load::estimate_day;
use crate::network::congestion::medium::Medium;
use crate::network::congestion::rate::{RateRule, highest_rate};
use crate::network::congestion::service::ServiceTime;
use crate::network::congestion::throughput::others_throughput;
use crate::policy::clock_guard::ClockGuard;
use crate::policy::grid::DayGrid;
use crate::policy::learner::{Answer, Learner, LearnerConfig, LearnerCounts};
use crate::policy::profile::Profile;

/// Learn from stored answers how busy networks are over the day, and which are alike
///
/// Replaces the clusters and profiles that were there. A network is a /24. With --json prints networks, addresses,
/// clusters, cells and what became of the answers (learnt, absurd, out_of_order, stepped_clock).
#[derive(Clone, Debug, clap::Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Slots of a day, a divisor of 86,400 up to 288
    #[arg(long, default_value_t = 48)]
    slots: u16,
    /// Offset of the networks' local time from UTC
    #[arg(long, value_name = "HH:MM", default_value = "+00:00", value_parser = utc_offset, allow_hyphen_values = true)]
    utc_offset: i32,
    /// Kind of the networks: wired, wlan, lte, wisun, lora or unknown
    #[arg(long, default_value = "unknown", value_parser = medium)]
    medium: Medium,
    /// Days in which an answer loses half its weight
    #[arg(long, value_name = "DAYS", default_value_t = 7.0)]
    half_life: f64,
    /// Answers older than this are not read
    #[arg(long, value_name = "DAYS", default_value_t = 42)]
    since: u16,
    /// What one more cluster must be worth, in networks' whole objective: more for fewer clusters
    #[arg(long, default_value_t = ClusterConfig::default().price)]
    price: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Done {
    networks: usize,
    addresses: usize,
    clusters: usize,
    cells: usize,
    /// Bytes of a profile in memory, and per answering address besides.
    profile_bytes: usize,
    address_bytes: f64,
    stepped_clock: u64,
    #[serde(flatten)]
    answers: LearnerCounts,
}

impl UpdateArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let grid = DayGrid::new(self.slots, self.utc_offset).map_err(|error| UsageError(error.to_string()))?;
        for (name, value) in [("half-life", self.half_life), ("price", self.price)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(UsageError(format!("--{name} {value} makes no sense: write a number above 0")).into());
            }
        }
        let store = self.database.open(Access::Write)?;
        let now = utc_now();
        let since = UtcMicros(now.0 - i64::from(self.since) * 86_400_000_000);
        let learnt = self.learn(&store, grid, since, now)?;
        let clusters = self.clusters(grid, &learnt, now);
        store.replace_clusters(&clusters)?;
        let done = Done {
            networks: learnt.networks.len(),
            addresses: learnt.networks.iter().map(|(_, addresses)| *addresses as usize).sum(),
            clusters: clusters.len(),
            cells: clusters.iter().map(|cluster| cluster.cells.len()).sum(),
            profile_bytes: Profile::bytes(grid),
            address_bytes: learnt.learner.bytes_per_address(),
            stepped_clock: store.answers_of_stepped_clocks(since)?,
            answers: learnt.learner.counts(),
        };
        if self.json {
            return Ok(put_json(&done)?);
        }
        let left_out = done.stepped_clock + done.answers.absurd + done.answers.out_of_order;
        Ok(put(&format!(
            "{} networks with {} addresses in {} clusters, from {} answers ({} left out: {} of scans whose clock was \
             stepped, {} absurd, {} out of order)\n",
            grouped(done.networks as u64),
            grouped(done.addresses as u64),
            grouped(done.clusters as u64),
            grouped(done.answers.learnt),
            grouped(left_out),
            grouped(done.stepped_clock),
            grouped(done.answers.absurd),
            grouped(done.answers.out_of_order),
        ))?)
    }

    fn learn(&self, store: &Store, grid: DayGrid, since: UtcMicros, now: UtcMicros) -> anyhow::Result<Learnt> {
        let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
        let mut networks: Vec<(u32, u32)> = Vec::new();
        let mut floors = Vec::new();
        store.for_each_floor(since, |address, rtt_us| {
            let number = *numbers.entry(address & !255).or_insert_with(|| {
                networks.push((address & !255, 0));
                networks.len() as u32 - 1
            });
            networks[number as usize].1 += 1;
            floors.push((address, number, rtt_us as f32 / 1e6));
        })?;
        let service = ServiceTime::of(self.medium, PROBE_BYTES);
        let config = LearnerConfig { grid, half_life_days: self.half_life as f32 };
        // Stored times have been checked against each other already; there is one clock left.
        let mut learner = Learner::new(config, &vec![service; networks.len()], ClockGuard::new(now, 0));
        for (address, number, delay_s) in floors {
            learner.set_floor(address, number, delay_s);
        }
        store.for_each_answer(since, |answer| {
            let network = numbers.get(&(answer.address & !255)).copied().unwrap_or(u32::MAX);
            let delay_s = answer.rtt_us as f32 / 1e6;
            learner.learn_checked(&Answer {
                address: answer.address,
                network,
                at: answer.at,
                monotonic_ns: 0,
                delay_s,
            });
        })?;
        Ok(Learnt { service, networks, learner })
    }

    fn clusters(&self, grid: DayGrid, learnt: &Learnt, now: UtcMicros) -> Vec<LearntCluster> {
        let profiles = learnt.learner.profiles();
        let members: Vec<Member> = learnt
            .networks
            .iter()
            .zip(profiles)
            .map(|((network, _), profile)| Member {
                medium: self.medium,
                utc_offset_s: self.utc_offset,
                likeness: Likeness::new(*network, None, None, &busy_day(grid, profile)),
            })
            .collect();
        let made = Clusters::make(ClusterConfig { price: self.price, ..ClusterConfig::default() }, &members);
        let mut clusters: Vec<(LearntCluster, Profile)> = (0..made.len() as u32)
            .map(|cluster| {
                let row = ClusterRow {
                    cluster,
                    medium: self.medium,
                    slots: grid.slots(),
                    utc_offset_s: self.utc_offset,
                    half_life_days: self.half_life,
                    networks: 0,
                    addresses: 0,
                    answers: 0.0,
                    updated_at: now,
                };
                let profile = Profile::new(grid, &learnt.service, self.half_life as f32);
                (LearntCluster { row, members: Vec::new(), cells: Vec::new() }, profile)
            })
            .collect();
        for (((network, addresses), profile), cluster) in learnt.networks.iter().zip(profiles).zip(made.of_members()) {
            let (cluster, pooled) = &mut clusters[cluster.0 as usize];
            let answers = profile.all_delays().iter().map(|delays| delays.answers).sum();
            cluster.members.push((*network, *addresses, answers));
            cluster.row.networks += 1;
            cluster.row.addresses += u64::from(*addresses);
            cluster.row.answers += answers;
            pooled.merge(profile);
        }
        clusters.into_iter().map(|(cluster, profile)| with_cells(cluster, &profile, &learnt.service)).collect()
    }
}

/// Networks in the order of their numbers, each with its addresses, and their profiles.
struct Learnt {
    service: ServiceTime,
    networks: Vec<(u32, u32)>,
    learner: Learner,
}

fn with_cells(mut cluster: LearntCluster, profile: &Profile, service: &ServiceTime) -> LearntCluster {
    let delays = profile.all_delays();
    for (cell, (delays, load)) in delays.iter().zip(estimate_day(service, &delays)).enumerate() {
        if let Some(day) = profile.last_day(cell) {
            let others = others_throughput(service, &load, 0.0);
            let limit = highest_rate(service, &load, &RateRule::default());
            cluster.cells.push((cell, *delays, day, load, others.bits_s, limit.pps));
        }
    }
    cluster
}

/// Share of answers that had to wait and their number, by part of the day.
fn busy_day(grid: DayGrid, profile: &Profile) -> [(f32, f32); BINS] {
    let slots = usize::from(grid.slots());
    let mut busy = [(0.0_f32, 0.0_f32); BINS];
    for cell in 0..grid.cells() {
        let Some(share) = profile.busy_share(cell) else { continue };
        let answers = profile.delays(cell).answers as f32;
        let part = &mut busy[cell % slots * BINS / slots];
        part.0 += share * answers;
        part.1 += answers;
    }
    for part in &mut busy {
        part.0 /= part.1.max(f32::MIN_POSITIVE);
    }
    busy
}
