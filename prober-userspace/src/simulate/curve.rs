//! What clusters save and what they lose: operations and objective for populations of several sizes, against planning
//! every network alone.

use std::time::Duration;

use serde::Serialize;

use super::population::{AccessNetwork, PopulationConfig, population};
use crate::network::cluster::{ClusterConfig, Clusters};
use crate::network::congestion::load::LoadEstimate;
use crate::network::congestion::rate::highest_rate;
use crate::network::congestion::service::ServiceTime;
use crate::policy::grid::{DayGrid, Place};
use crate::policy::plan::{Demand, Plan, PlanConfig, PlannedSlot};
use crate::policy::profile::Profile;

/// Networks that are planned alone for comparison, at most: the rest is like them.
const ALONE: usize = 400;
/// Part of the day that the probes need.
const QUIET_SHARE: f64 = 0.25;

/// One point of the curve.
#[derive(Clone, Debug, Serialize)]
pub struct CurvePoint {
    /// Networks.
    pub networks: u32,
    /// Clusters made of them.
    pub clusters: usize,
    /// Elementary steps of planning every network alone.
    pub operations_alone: u64,
    /// Steps of planning the clusters, adding up their members' profiles included.
    pub operations_planning: u64,
    /// Steps of making the clusters from nothing, their members' likenesses included; afterwards only changes are followed.
    pub operations_clustering: u64,
    /// Alone over planning: what every later plan saves.
    pub saved_planning: f64,
    /// Alone over planning and clustering: what the first plan saves.
    pub saved_first: f64,
    /// Objective: part of the probes that find their network free. Each network planned alone, from its own answers;
    /// in clusters, from the answers of all members; at random times; each alone as if its true load were known.
    pub objective_alone: f64,
    /// See `objective_alone`.
    pub objective_clusters: f64,
    /// See `objective_alone`.
    pub objective_random: f64,
    /// See `objective_alone`.
    pub objective_known: f64,
    /// Objective lost by clusters against planning alone, relative; below 0 clusters win, since they see more answers.
    pub lost: f64,
    /// The same against what nobody can have: plans from true loads, every network's chance fluctuations included.
    pub lost_to_known: f64,
    /// Time to make the clusters and plan them, s, on one core.
    pub planning_s: f64,
}

/// A point; `clock` says how much time has passed since any moment.
pub fn point(config: PopulationConfig, clusters: ClusterConfig, clock: &dyn Fn() -> Duration) -> CurvePoint {
    let networks = population(config);
    let plan_config = PlanConfig { exploration: 0.0, ..PlanConfig::default() };
    let members: Vec<_> = networks.iter().map(|network| network.member(config.grid)).collect();

    let begun = clock();
    let made = Clusters::make(clusters, &members);
    let (plans, pooled) = plan_clusters(&plan_config, config.grid, &networks, &made);
    let planning_s = clock().saturating_sub(begun).as_secs_f64();

    let step = (networks.len() / ALONE).max(1);
    let sample: Vec<(usize, &AccessNetwork)> = networks.iter().enumerate().step_by(step).collect();
    let mut sums = [0.0_f64; 4];
    let mut alone_operations = 0_u64;
    for (index, network) in &sample {
        let own = plan_one(&plan_config, config.grid, network, &network.profile);
        alone_operations += own.operations;
        let known = plan_exactly(&plan_config, config.grid, network);
        let cluster = &plans[made.of_members()[*index].0 as usize];
        let random = network.load.iter().map(|load| 1.0 - f64::from(*load)).sum::<f64>() / network.load.len() as f64;
        for (sum, value) in
            sums.iter_mut().zip([free(&known, network), free(&own, network), free(cluster, network), random])
        {
            *sum += value / sample.len() as f64;
        }
    }
    let [known, alone, in_clusters, random] = sums;
    let operations_alone = alone_operations / sample.len().max(1) as u64 * networks.len() as u64;
    let operations_planning = plans.iter().map(|plan| plan.operations).sum::<u64>() + pooled;
    // Every member's likeness is made of its slots.
    let operations_clustering = made.operations() + u64::from(config.grid.slots()) * networks.len() as u64;
    CurvePoint {
        networks: config.networks,
        clusters: made.len(),
        operations_alone,
        operations_planning,
        operations_clustering,
        saved_planning: operations_alone as f64 / operations_planning.max(1) as f64,
        saved_first: operations_alone as f64 / (operations_planning + operations_clustering).max(1) as f64,
        objective_alone: alone,
        objective_clusters: in_clusters,
        objective_random: random,
        objective_known: known,
        lost: 1.0 - in_clusters / alone,
        lost_to_known: 1.0 - in_clusters / known,
        planning_s,
    }
}

/// The plans, and the cells that were added up for them.
fn plan_clusters(
    config: &PlanConfig,
    grid: DayGrid,
    networks: &[AccessNetwork],
    clusters: &Clusters,
) -> (Vec<Plan>, u64) {
    let mut merged = 0;
    let mut pooled: Vec<Option<(Profile, &AccessNetwork)>> = vec![None; clusters.len()];
    for (network, cluster) in networks.iter().zip(clusters.of_members()) {
        match &mut pooled[cluster.0 as usize] {
            Some((profile, _)) => merged += profile.merge(&network.profile),
            none => *none = Some((network.profile.clone(), network)),
        }
    }
    let planned = pooled.iter().flatten().map(|(profile, like)| plan_one(config, grid, like, profile));
    (planned.collect(), merged)
}

/// A day's plan from what answers showed. All members of a cluster are of one medium, so that any one stands for all.
fn plan_one(config: &PlanConfig, grid: DayGrid, network: &AccessNetwork, profile: &Profile) -> Plan {
    let service = service(network);
    Plan::make(config, grid, first(), &service, profile, &[demand(config, grid, &service)])
}

/// The same as if the true loads were known.
fn plan_exactly(config: &PlanConfig, grid: DayGrid, network: &AccessNetwork) -> Plan {
    let service = service(network);
    let places = std::iter::successors(Some(first()), |place| Some(grid.after(*place)));
    let known = network.load.iter().map(|load| {
        let load = f64::from(*load);
        LoadEstimate { load, low: load, high: load, answers: 1e6 }
    });
    Plan::of_loads(config, grid.slot_s(), &service, places.zip(known), &[demand(config, grid, &service)])
}

/// So many probes that about a quarter of the day is needed for them at the rate of a quiet slot.
fn demand(config: &PlanConfig, grid: DayGrid, service: &ServiceTime) -> Demand {
    let quiet = LoadEstimate { load: 0.15, low: 0.1, high: 0.2, answers: 100.0 };
    let slots = f64::from(grid.slots());
    let probes = highest_rate(service, &quiet, &config.rule).pps * grid.slot_s() * slots * QUIET_SHARE;
    Demand { probes, due: usize::from(grid.slots()) - 1 }
}

fn service(network: &AccessNetwork) -> ServiceTime {
    ServiceTime::of(network.medium, super::access_point::PROBE_BYTES)
}

/// A Monday.
fn first() -> Place {
    Place { day: 20_000 - 20_000 % 7 + 4, slot: 0, weekend: false }
}

/// Part of the plan's probes that would truly find this network free.
fn free(plan: &Plan, network: &AccessNetwork) -> f64 {
    let total: f64 = plan.slots.iter().map(PlannedSlot::probes).sum();
    let free: f64 =
        plan.slots.iter().zip(&network.load).map(|(slot, load)| slot.probes() * (1.0 - f64::from(*load))).sum();
    free / total
}
