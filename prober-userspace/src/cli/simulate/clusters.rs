//! `prober simulate clusters`: what planning by clusters saves and loses, for populations of several sizes.

use std::time::Instant;

use super::super::UsageError;
use super::super::output::{put, put_json};
use super::super::table::Table;
use crate::cli::figure::grouped;
use crate::network::cluster::ClusterConfig;
use crate::policy::grid::DayGrid;
use crate::simulate::curve::{CurvePoint, point};
use crate::simulate::population::PopulationConfig;

/// Operations saved and objective lost by planning networks in clusters, against planning each alone
///
/// Operations are elementary steps: points of the load's grid, comparisons, placements; one dimension of a
/// distance; one slot of a network's day, made comparable or added to its cluster's.
/// The objective is the part of the probes that find their network free. With --json prints an array, one object per
/// size, with the fields of the table.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ClustersArgs {
    /// Sizes of the populations
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [100, 1000, 10_000, 100_000])]
    networks: Vec<u32>,
    /// Answers per network and slot
    #[arg(long, default_value_t = 6)]
    answers: u32,
    /// What one more cluster must be worth, in networks' whole objective
    #[arg(long, default_value_t = ClusterConfig::default().price)]
    price: f64,
    /// Slots of a day
    #[arg(long, default_value_t = 48)]
    slots: u16,
    /// Seed of the populations
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ClustersArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let grid = DayGrid::new(self.slots, 32_400).map_err(|error| UsageError(error.to_string()))?;
        let sane = self.networks.iter().all(|networks| (1..=1_000_000).contains(networks));
        let is_price = self.price > 0.0 && self.price.is_finite();
        if !(sane && is_price && (1..=1000).contains(&self.answers)) {
            let text = "write 1 to 1,000,000 --networks, 1 to 1000 --answers and a --price above 0";
            return Err(UsageError(text.to_owned()).into());
        }
        let begun = Instant::now();
        let clusters = ClusterConfig { price: self.price, ..ClusterConfig::default() };
        let points: Vec<CurvePoint> = self
            .networks
            .iter()
            .map(|networks| {
                let population = PopulationConfig { networks: *networks, answers: self.answers, grid, seed: self.seed };
                point(population, clusters, &|| begun.elapsed())
            })
            .collect();
        if self.json {
            return Ok(put_json(&points)?);
        }
        Ok(put(&render(&points))?)
    }
}

fn render(points: &[CurvePoint]) -> String {
    let heads = [
        "networks>",
        "clusters>",
        "operations alone>",
        "planning>",
        "clustering>",
        "saved>",
        "first time>",
        "free, alone>",
        "clusters>",
        "random>",
        "loads known>",
        "lost>",
        "lost to known>",
        "s>",
    ];
    let mut table = Table::of(&heads);
    for point in points {
        let share = |value: f64| format!("{value:.3}");
        let percent = |value: f64| format!("{:+.2} %", value * 100.0);
        table.row([
            grouped(u64::from(point.networks)),
            point.clusters.to_string(),
            grouped(point.operations_alone),
            grouped(point.operations_planning),
            grouped(point.operations_clustering),
            format!("{:.0} x", point.saved_planning),
            format!("{:.0} x", point.saved_first),
            share(point.objective_alone),
            share(point.objective_clusters),
            share(point.objective_random),
            share(point.objective_known),
            percent(point.lost),
            percent(point.lost_to_known),
            format!("{:.2}", point.planning_s),
        ]);
    }
    table.render()
}
