//! Learning from stored answers how busy networks are over the day, and which are alike: floors, profiles, clusters, which
//! are stored in the place of those that were there. Hours of the day are those of the watch's calendar. When it is done,
//! and how it is told, is the callers'.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::Serialize;

use crate::io::store::{ClusterRow, LearntCluster, Store, StoreError};
use crate::model::utc::UtcMicros;
use crate::network::cluster::{BINS, ClusterConfig, Clusters, Likeness, Member, keep_numbers};
use crate::network::congestion::load::estimate_day;
use crate::network::congestion::medium::Medium;
use crate::network::congestion::rate::{RateRule, highest_rate};
use crate::network::congestion::service::{PROBE_BYTES, ServiceTime};
use crate::network::congestion::throughput::others_throughput;
use crate::network::local_time::Offsets;
use crate::policy::clock_guard::ClockGuard;
use crate::policy::grid::DayGrid;
use crate::policy::learner::{Answer, Learner, LearnerConfig, LearnerCounts};
use crate::policy::planner::WallTime;
use crate::policy::profile::Profile;

/// Slots of a day, unless something else is asked for.
pub const SLOTS: u16 = 48;
/// Days in which an answer loses half its weight.
pub const HALF_LIFE_DAYS: f64 = 7.0;
/// Days after which an answer is not read any more.
pub const SINCE_DAYS: u16 = 42;

const DAY_US: i64 = 86_400_000_000;

/// How it is learnt.
#[derive(Clone, Debug)]
pub struct CongestionConfig {
    /// The day of networks that `offsets` has no offset of their own for.
    pub grid: DayGrid,
    /// Local times.
    pub offsets: Offsets,
    /// Kind of the networks without a stored estimate.
    pub medium: Medium,
    /// Days in which an answer loses half its weight.
    pub half_life_days: f64,
    /// Older answers are not read, days.
    pub since_days: u16,
    /// What one more cluster must be worth, in networks' whole objective.
    pub price: f64,
}

/// What was learnt. Stable field names.
#[derive(Clone, Debug, Serialize)]
pub struct CongestionLearnt {
    /// With an address of which it is known how fast it can be.
    pub networks: usize,
    /// Networks whose kind is an estimate; of the others it is what was said.
    pub estimated_media: usize,
    /// Addresses of which it is known how fast they can be.
    pub addresses: usize,
    /// Clusters now.
    pub clusters: usize,
    /// Clusters that were there before.
    pub kept: usize,
    /// Slots of clusters with answers.
    pub cells: usize,
    /// Bytes of a profile in memory, ...
    pub profile_bytes: usize,
    /// ... and per answering address besides.
    pub address_bytes: f64,
    /// Answers left out because the clock was stepped on their day.
    pub stepped_clock: u64,
    /// Answers of addresses that answered too seldom to know how fast they can be.
    pub too_few: u64,
    /// What became of the others.
    #[serde(flatten)]
    pub answers: LearnerCounts,
}

/// Why the clusters stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum LearningError {
    /// There are clusters, and answers enough for none.
    #[error(
        "nothing was learnt of the last {days} days ({too_few} answers are of addresses that answered too seldom, {stepped_clock} \
         of days on which the clock was stepped), so the clusters stay as they are"
    )]
    Nothing {
        /// That were looked at.
        days: u16,
        /// Answers that were left out.
        too_few: u64,
        /// And these.
        stepped_clock: u64,
    },
    /// The caller wants no more of it.
    #[error("given up")]
    GivenUp,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Learns from all answers that are not too old at `now`, and replaces all clusters. Time grows with the answers (about 2 us
/// each, most of it their reading), memory with those of a day, the answering addresses and the networks. `is_given_up` is
/// asked now and then.
pub fn learn_congestion(
    store: &Store,
    config: &CongestionConfig,
    now: UtcMicros,
    is_given_up: &dyn Fn() -> bool,
) -> Result<CongestionLearnt, LearningError> {
    let time = store.watch_time()?;
    let since = time.moment_of(UtcMicros(time.date_of(now).0 - i64::from(config.since_days) * DAY_US));
    let learnt = learn(store, config, &time, since, now, is_given_up)?;
    if is_given_up() {
        return Err(LearningError::GivenUp);
    }
    let before = store.cluster_members()?;
    let clusters = clusters(config, &learnt, &before, now);
    if clusters.is_empty() && !before.is_empty() {
        let stepped_clock = store.answers_of_stepped_clocks(since)?;
        return Err(LearningError::Nothing { days: config.since_days, too_few: learnt.too_few, stepped_clock });
    }
    store.replace_clusters(&clusters)?;
    let was_there = |cluster: &&LearntCluster| before.iter().any(|(_, number)| *number == cluster.row.cluster);
    Ok(CongestionLearnt {
        networks: learnt.networks.len(),
        estimated_media: learnt.networks.iter().filter(|network| network.is_estimated).count(),
        addresses: learnt.networks.iter().map(|network| network.addresses as usize).sum(),
        clusters: clusters.len(),
        kept: clusters.iter().filter(was_there).count(),
        cells: clusters.iter().map(|cluster| cluster.cells.len()).sum(),
        profile_bytes: Profile::bytes(config.grid),
        address_bytes: learnt.learner.bytes_per_address(),
        stepped_clock: store.answers_of_stepped_clocks(since)?,
        too_few: learnt.too_few,
        answers: learnt.learner.counts(),
    })
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

fn learn(
    store: &Store,
    config: &CongestionConfig,
    time: &WallTime,
    since: UtcMicros,
    now: UtcMicros,
    is_given_up: &dyn Fn() -> bool,
) -> Result<Learnt, StoreError> {
    let estimated: BTreeMap<u32, Medium> = store.estimated_media()?.into_iter().collect();
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    let mut networks: Vec<Network> = Vec::new();
    let mut floors = Vec::new();
    store.for_each_floor(since, time, |address, rtt_us| {
        let first = address & !255;
        let number = *numbers.entry(first).or_insert_with(|| {
            let medium = estimated.get(&first).copied();
            networks.push(Network {
                first,
                addresses: 0,
                medium: medium.unwrap_or(config.medium),
                is_estimated: medium.is_some(),
                utc_offset_s: config.offsets.of(first),
            });
            networks.len() as u32 - 1
        });
        networks[number as usize].addresses += 1;
        floors.push((address, rtt_us as f32 / 1e6));
    })?;
    let services: Vec<_> = networks.iter().map(|network| ServiceTime::of(network.medium, PROBE_BYTES)).collect();
    let learner = LearnerConfig { grid: config.grid, half_life_days: config.half_life_days as f32 };
    // Stored times have been checked against each other already; there is one clock left.
    let mut learner = Learner::new(learner, &services, ClockGuard::new(now, 0));
    for (address, delay_s) in floors {
        learner.set_floor(address, delay_s);
    }
    let usual_s = config.grid.utc_offset_s();
    let mut answers = Vec::new();
    let mut too_few = 0;
    store.for_all_answers(since, |block| {
        if is_given_up() {
            return;
        }
        answers.clear();
        answers.extend(block.iter().filter_map(|answer| {
            if !learner.has_floor(answer.address) {
                too_few += 1;
                return None;
            }
            let number = numbers.get(&(answer.address & !255)).copied().unwrap_or(u32::MAX);
            let offset_s = networks.get(number as usize).map_or(usual_s, |network| network.utc_offset_s);
            // The grid has one offset: what another is ahead of it is put on the clock.
            let ahead_us = i64::from(offset_s - usual_s) * 1_000_000;
            let at = UtcMicros(time.date_of(answer.at).0 + ahead_us);
            let delay_s = answer.rtt_us as f32 / 1e6;
            Some(Answer { address: answer.address, network: number, at, monotonic_ns: 0, delay_s })
        }));
        learner.learn_all_checked(&answers);
    })?;
    Ok(Learnt { networks, learner, too_few })
}

fn clusters(config: &CongestionConfig, learnt: &Learnt, before: &[(u32, u32)], now: UtcMicros) -> Vec<LearntCluster> {
    let grid = config.grid;
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
    let made = Clusters::make(ClusterConfig { price: config.price, ..ClusterConfig::default() }, &members);
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
                half_life_days: config.half_life_days,
                networks: 0,
                addresses: 0,
                answers: 0.0,
                updated_at: now,
            };
            let cluster = LearntCluster { row, members: Vec::new(), cells: Vec::new() };
            (cluster, Profile::new(grid, &service, config.half_life_days as f32))
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

#[cfg(test)]
mod tests;
