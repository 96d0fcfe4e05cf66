//! `prober plan update`: learns profiles of congestion from stored answers and makes clusters of the networks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hashbrown::HashMap;
use serde::Serialize;

use super::super::UsageError;
use super::super::database::DatabaseArgs;
use super::super::output::{put, put_json};
use super::coming::PROBE_BYTES;
use super::medium::{medium, utc_offset};
use super::offsets::Offsets;
use crate::cli::figure::grouped;
use crate::io::clock::utc_now;
use crate::io::store::{ClusterRow, LearntCluster, Store};
use crate::model::utc::UtcMicros;
use crate::network::cluster::{BINS, ClusterConfig, Clusters, Likeness, Member, keep_numbers};
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
/// Makes profiles and clusters anew; a cluster keeps its number while it shares most networks with what it was. A network
/// is a /24; its kind is what `prober network estimate` stored of its addresses. How fast an address can be is known after
/// eight answers in two different hours or more; answers of others are left out. With --json prints networks,
/// estimated_media (networks whose kind was estimated), addresses, clusters, kept (clusters that were there before),
/// cells and what became of the answers (learnt, absurd, out_of_order, stepped_clock, too_few).
#[derive(Clone, Debug, clap::Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Slots of a day, a divisor of 86,400 up to 288
    #[arg(long, default_value_t = 48)]
    slots: u16,
    /// Offset from UTC of the local time of networks that --offsets does not name
    #[arg(long, value_name = "HH:MM", default_value = "+00:00", value_parser = utc_offset, allow_hyphen_values = true)]
    utc_offset: i32,
    /// File of offsets: lines like 198.51.100.0/24,+09:00; the narrowest prefix counts
    #[arg(long, value_name = "FILE")]
    offsets: Option<PathBuf>,
    /// Kind of the networks without a stored estimate: wired, wlan, lte, wisun, lora or unknown
    #[arg(long, default_value = "unknown", value_parser = medium)]
    medium: Medium,
    /// Days in which an answer loses half its weight
    #[arg(long, value_name = "DAYS", default_value_t = 7.0)]
    half_life: f64,
    /// Answers older than this are not read
    #[arg(long, value_name = "DAYS", default_value_t = 42, value_parser = clap::value_parser!(u16).range(1..))]
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
    /// Networks whose kind is an estimate; of the others it is what was said.
    estimated_media: usize,
    addresses: usize,
    clusters: usize,
    /// Clusters that were there before.
    kept: usize,
    cells: usize,
    /// Bytes of a profile in memory, and per answering address besides.
    profile_bytes: usize,
    address_bytes: f64,
    stepped_clock: u64,
    /// Answers of addresses that answered too seldom to know how fast they can be.
    too_few: u64,
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
        let offsets = Offsets::read(self.offsets.as_deref(), self.utc_offset)?;
        let store = self.database.open_existing()?;
        let now = utc_now();
        let since = UtcMicros(now.0 - i64::from(self.since) * 86_400_000_000);
        let learnt = self.learn(&store, &offsets, grid, since, now)?;
        let before = store.cluster_members()?;
        let clusters = self.clusters(grid, &learnt, &before, now);
        if clusters.is_empty() && !before.is_empty() {
            let what = format!(
                "nothing was learnt of the last {} days ({} answers are of addresses that answered too seldom), so the clusters \
                 stay as they are; probe the networks at several hours of the day, or look further back with --since",
                self.since, learnt.too_few
            );
            return Err(UsageError(what).into());
        }
        store.replace_clusters(&clusters)?;
        let was_there = |cluster: &&LearntCluster| before.iter().any(|(_, number)| *number == cluster.row.cluster);
        let done = Done {
            networks: learnt.networks.len(),
            estimated_media: learnt.networks.iter().filter(|network| network.is_estimated).count(),
            addresses: learnt.networks.iter().map(|network| network.addresses as usize).sum(),
            clusters: clusters.len(),
            kept: clusters.iter().filter(was_there).count(),
            cells: clusters.iter().map(|cluster| cluster.cells.len()).sum(),
            profile_bytes: Profile::bytes(grid),
            address_bytes: learnt.learner.bytes_per_address(),
            stepped_clock: store.answers_of_stepped_clocks(since)?,
            too_few: learnt.too_few,
            answers: learnt.learner.counts(),
        };
        if self.json {
            return Ok(put_json(&done)?);
        }
        let left_out = done.stepped_clock + done.too_few + done.answers.absurd + done.answers.out_of_order;
        Ok(put(&format!(
            "{} networks ({} of an estimated kind) with {} addresses in {} clusters ({} of before), from {} answers ({} \
             left out: {} of scans whose clock was stepped, {} of addresses that answered too seldom, {} absurd, {} out of order)\n",
            grouped(done.networks as u64),
            grouped(done.estimated_media as u64),
            grouped(done.addresses as u64),
            grouped(done.clusters as u64),
            grouped(done.kept as u64),
            grouped(done.answers.learnt),
            grouped(left_out),
            grouped(done.stepped_clock),
            grouped(done.too_few),
            grouped(done.answers.absurd),
            grouped(done.answers.out_of_order),
        ))?)
    }

    fn learn(
        &self,
        store: &Store,
        offsets: &Offsets,
        grid: DayGrid,
        since: UtcMicros,
        now: UtcMicros,
    ) -> anyhow::Result<Learnt> {
        let estimated: BTreeMap<u32, Medium> = store.estimated_media()?.into_iter().collect();
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let mut networks: Vec<Network> = Vec::new();
        let mut floors = Vec::new();
        store.for_each_floor(since, |address, rtt_us| {
            let first = address & !255;
            let number = *numbers.entry(first).or_insert_with(|| {
                let medium = estimated.get(&first).copied();
                networks.push(Network {
                    first,
                    addresses: 0,
                    medium: medium.unwrap_or(self.medium),
                    is_estimated: medium.is_some(),
                    utc_offset_s: offsets.of(first),
                });
                networks.len() as u32 - 1
            });
            networks[number as usize].addresses += 1;
            floors.push((address, rtt_us as f32 / 1e6));
        })?;
        let services: Vec<_> = networks.iter().map(|network| ServiceTime::of(network.medium, PROBE_BYTES)).collect();
        let config = LearnerConfig { grid, half_life_days: self.half_life as f32 };
        // Stored times have been checked against each other already; there is one clock left.
        let mut learner = Learner::new(config, &services, ClockGuard::new(now, 0));
        for (address, delay_s) in floors {
            learner.set_floor(address, delay_s);
        }
        let mut answers = Vec::new();
        let mut too_few = 0;
        store.for_all_answers(since, |block| {
            answers.clear();
            answers.extend(block.iter().filter_map(|answer| {
                if !learner.has_floor(answer.address) {
                    too_few += 1;
                    return None;
                }
                let number = numbers.get(&(answer.address & !255)).copied().unwrap_or(u32::MAX);
                let offset_s = networks.get(number as usize).map_or(self.utc_offset, |network| network.utc_offset_s);
                // The grid has one offset: what another is ahead of it is put on the clock.
                let ahead_us = i64::from(offset_s - self.utc_offset) * 1_000_000;
                let at = UtcMicros(answer.at.0 + ahead_us);
                let delay_s = answer.rtt_us as f32 / 1e6;
                Some(Answer { address: answer.address, network: number, at, monotonic_ns: 0, delay_s })
            }));
            learner.learn_all_checked(&answers);
        })?;
        Ok(Learnt { networks, learner, too_few })
    }

    fn clusters(&self, grid: DayGrid, learnt: &Learnt, before: &[(u32, u32)], now: UtcMicros) -> Vec<LearntCluster> {
        let profiles = learnt.learner.profiles();
        let members: Vec<Member> = learnt
            .networks
            .iter()
            .zip(&profiles)
            .map(|(network, profile)| Member {
                medium: network.medium,
                utc_offset_s: network.utc_offset_s,
                likeness: Likeness::new(network.first, None, None, &busy_day(grid, profile)),
            })
            .collect();
        let made = Clusters::make(ClusterConfig { price: self.price, ..ClusterConfig::default() }, &members);
        let placed = || learnt.networks.iter().zip(made.of_members());
        let now_in: Vec<_> = placed().map(|(network, cluster)| (network.first, cluster.0 as usize)).collect();
        let numbers = keep_numbers(before, &now_in, made.len());
        let mut clusters: Vec<Option<(LearntCluster, Profile)>> = vec![None; made.len()];
        for ((network, cluster), profile) in placed().zip(&profiles) {
            let place = cluster.0 as usize;
            let service = ServiceTime::of(network.medium, PROBE_BYTES);
            let (cluster, pooled) = clusters[place].get_or_insert_with(|| {
                let row = ClusterRow {
                    cluster: numbers[place],
                    // Kinds and zones are never mixed: the first member's are everybody's.
                    medium: network.medium,
                    slots: grid.slots(),
                    utc_offset_s: network.utc_offset_s,
                    half_life_days: self.half_life,
                    networks: 0,
                    addresses: 0,
                    answers: 0.0,
                    updated_at: now,
                };
                let cluster = LearntCluster { row, members: Vec::new(), cells: Vec::new() };
                (cluster, Profile::new(grid, &service, self.half_life as f32))
            });
            let answers = profile.all_delays().iter().map(|delays| delays.answers).sum();
            cluster.members.push((network.first, network.addresses, answers));
            cluster.row.networks += 1;
            cluster.row.addresses += u64::from(network.addresses);
            cluster.row.answers += answers;
            pooled.merge(profile);
        }
        let mut clusters: Vec<_> = clusters.into_iter().flatten().collect();
        clusters.sort_by_key(|(cluster, _)| cluster.row.cluster);
        let with_service = |(cluster, profile): (LearntCluster, Profile)| {
            let service = ServiceTime::of(cluster.row.medium, PROBE_BYTES);
            with_cells(cluster, &profile, &service)
        };
        clusters.into_iter().map(with_service).collect()
    }
}

/// Networks in the order of their numbers, and their profiles.
struct Learnt {
    networks: Vec<Network>,
    learner: Learner,
    /// Answers of addresses that have no floor yet.
    too_few: u64,
}

/// What is known of a network besides its profile.
struct Network {
    /// Its first address.
    first: u32,
    /// Addresses that answered.
    addresses: u32,
    medium: Medium,
    /// Whether the medium was estimated, not only said.
    is_estimated: bool,
    utc_offset_s: i32,
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
