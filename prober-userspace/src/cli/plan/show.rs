//! `prober plan show`: a cluster's plan for the coming hours or days, slot by slot with reasons.

use std::fmt::Write;

use anyhow::bail;
use serde::Serialize;

use super::super::UsageError;
use super::super::look::LookArgs;
use super::super::output::{json_text, put};
use super::super::table::Table;
use super::coming::{Coming, coming};
use crate::cli::figure::grouped;
use crate::io::clock::utc_now;
use crate::io::store::{ClusterRow, Store};
use crate::model::look::{ClusterPlan, Sight};
use crate::policy::plan::{Explanation, PlanConfig};

/// Longest plan: the longest interval between two scans of a target.
const MOST_DAYS: f64 = 14.0;

/// Show when a cluster's networks are to be probed, and why
///
/// Probes and rates are per network. With --json prints cluster, load_met (on average over the probes), late, and slots:
/// begins, local, weekend, load, load_low, load_high, answers, limit_pps, probes, used (quiet, explored, forced, left),
/// reason.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    place: LookArgs,
    /// Number of the cluster, as `prober plan list` shows it
    #[arg(long, value_name = "C")]
    cluster: u32,
    /// Probes to each address within the interval
    #[arg(long, default_value_t = 500)]
    ports: u32,
    /// Every address is probed within so many hours
    #[arg(long, value_name = "HOURS", default_value_t = 24.0)]
    within: f64,
    /// Part of the probes that goes where little is known
    #[arg(long, value_name = "SHARE", default_value_t = PlanConfig::default().exploration)]
    exploration: f64,
    /// Never faster than this to one network, packets/s
    #[arg(long, value_name = "PPS")]
    most_pps: Option<f64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Shown {
    cluster: ClusterRow,
    probes: f64,
    load_met: Option<f64>,
    late: f64,
    slots: Vec<Explanation>,
}

impl ShowArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.check()?;
        let wanted = ClusterPlan {
            cluster: self.cluster,
            ports: self.ports,
            within_h: self.within,
            exploration: self.exploration,
            most_pps: self.most_pps,
        };
        Ok(put(&self.place.look(Sight::Plan(wanted), self.json)?.text)?)
    }

    fn check(&self) -> Result<(), UsageError> {
        if !(self.within > 0.0 && self.within <= MOST_DAYS * 24.0) {
            return Err(UsageError(format!("--within {} makes no sense: write 0.5 to 336 hours", self.within)));
        }
        if !(0.0..=1.0).contains(&self.exploration) {
            return Err(UsageError(format!("--exploration {} is no share: write 0 to 1", self.exploration)));
        }
        if self.most_pps.is_some_and(|pps| !(pps > 0.0 && pps.is_finite())) {
            return Err(UsageError("--most-pps must be a number above 0".to_owned()));
        }
        Ok(())
    }
}

/// A cluster's plan, ready to print.
pub(in crate::cli) fn cluster_plan(store: &Store, wanted: &ClusterPlan, json: bool) -> anyhow::Result<String> {
    let Some(cluster) = store.clusters(Some(wanted.cluster))?.pop() else {
        let all = store.clusters(None)?.len();
        bail!(match all {
            0 => "there are no clusters yet: scan, then run `prober plan update`".to_owned(),
            all => format!("there is no cluster {}: `prober plan list` shows all {all}", wanted.cluster),
        });
    };
    let config = PlanConfig {
        exploration: wanted.exploration,
        most_pps: wanted.most_pps.unwrap_or(f64::INFINITY),
        ..PlanConfig::default()
    };
    let now = store.watch_time()?.date_of(utc_now());
    let Coming { grid, probes, plan } = coming(store, &cluster, &config, wanted.ports, wanted.within_h, now)?;
    let shown =
        Shown { probes, load_met: plan.load_met(), late: plan.late.iter().sum(), slots: plan.explain(grid), cluster };
    Ok(if json { json_text(&shown)? } else { render(&shown) })
}

fn render(shown: &Shown) -> String {
    let cluster = &shown.cluster;
    let mut text = format!(
        "Cluster {}: {} {} networks, {} addresses. {} probes per network; they meet a load of {}.\n",
        cluster.cluster,
        grouped(u64::from(cluster.networks)),
        cluster.medium,
        grouped(cluster.addresses),
        grouped(shown.probes.round() as u64),
        shown.load_met.map_or_else(|| "-".to_owned(), |load| format!("{load:.2}")),
    );
    if shown.late > 0.5 {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} probes do not fit before their deadline at the highest rate.", shown.late.round());
    }
    let mut table = Table::of(&["local", "load>", "to>", "probes>", "pps limit>", "why"]);
    for slot in &shown.slots {
        table.row([
            slot.local.clone(),
            format!("{:.2}", slot.load),
            format!("{:.2}", slot.load_high),
            format!("{:.1}", slot.probes),
            format!("{:.3}", slot.limit_pps),
            slot.reason.clone(),
        ]);
    }
    text + &table.render()
}
