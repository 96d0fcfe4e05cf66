//! `prober simulate throughput`: how well the others' throughput is estimated on simulated access networks.

use super::super::UsageError;
use super::super::output::{put, put_json};
use super::super::table::Table;
use crate::simulate::accuracy::{AccuracyConfig, GroupAccuracy, cases, groups};

/// Estimate others' throughput on access networks simulated packet by packet, and compare with the truth
///
/// Networks, traffic (Poisson, bursts, TCP-like, mixed) and queues (short, long, CoDel, random drop) are drawn anew for
/// each seed; nothing is fitted. With --json prints an array of group, cases, median_error, p90_error (relative, of the
/// throughput), median_load_error, bias (of the load) and covered (share within the 90 % interval).
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ThroughputArgs {
    /// Access networks of each kind
    #[arg(long, default_value_t = AccuracyConfig::default().access_points)]
    access_points: u32,
    /// Slots of each, every one under another load
    #[arg(long, default_value_t = AccuracyConfig::default().slots)]
    slots: u32,
    /// Probes per slot
    #[arg(long, default_value_t = AccuracyConfig::default().probes)]
    probes: u32,
    /// Sized probes of each size that measure the bottleneck's rate once; 0: only its kind is known
    #[arg(long, default_value_t = AccuracyConfig::default().sized)]
    sized: u32,
    /// Seed
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ThroughputArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let sane = (1..=1000).contains(&self.access_points) && (1..=96).contains(&self.slots);
        if !sane || !(10..=10_000).contains(&self.probes) || self.sized > 1000 {
            let text = "write 1 to 1000 --access-points, 1 to 96 --slots, 10 to 10,000 --probes and up to 1000 --sized";
            return Err(UsageError(text.to_owned()).into());
        }
        let config = AccuracyConfig {
            access_points: self.access_points,
            slots: self.slots,
            probes: self.probes,
            sized: self.sized,
            seed: self.seed,
        };
        let groups = groups(&cases(config));
        if self.json {
            return Ok(put_json(&groups)?);
        }
        Ok(put(&render(&groups))?)
    }
}

fn render(groups: &[GroupAccuracy]) -> String {
    let heads = ["group", "cases>", "median error>", "90 % below>", "load error>", "bias>", "covered>"];
    let mut table = Table::of(&heads);
    for group in groups {
        let percent = |value: f64| format!("{:.1} %", value * 100.0);
        table.row([
            group.group.clone(),
            group.cases.to_string(),
            percent(group.median_error),
            percent(group.p90_error),
            percent(group.median_load_error),
            format!("{:+.3}", group.bias),
            percent(group.covered),
        ]);
    }
    table.render()
}
