//! `prober plan update`: learns profiles of congestion from stored answers and makes clusters of the networks. How is
//! `engine::congestion_learning`'s.

use std::path::PathBuf;

use super::super::UsageError;
use super::super::database::DatabaseArgs;
use super::super::output::{put, put_json};
use super::offsets;
use crate::cli::figure::grouped;
use crate::engine::congestion_learning::{
    CongestionConfig, CongestionLearnt, HALF_LIFE_DAYS, LearningError, SINCE_DAYS, SLOTS, learn_congestion,
};
use crate::io::clock::utc_now;
use crate::network::cluster::ClusterConfig;
use crate::network::congestion::medium::Medium;
use crate::network::local_time::utc_offset;
use crate::policy::grid::DayGrid;

/// Learn from stored answers how busy networks are over the day, and which are alike
///
/// Makes profiles and clusters anew; a cluster keeps its number while it shares most networks with what it was. A network
/// is a /24; its kind is what `prober network estimate` stored of its addresses. How fast an address can be is known after
/// eight answers in two different hours or more; answers of others are left out. The daemon does all this every night. Hours
/// of a watch in compressed time are those of its own clock. With --json prints networks,
/// estimated_media (networks whose kind was estimated), addresses, clusters, kept (clusters that were there before),
/// cells and what became of the answers (learnt, absurd, out_of_order, stepped_clock, too_few).
#[derive(Clone, Debug, clap::Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Slots of a day, a divisor of 86,400 up to 288
    #[arg(long, default_value_t = SLOTS)]
    slots: u16,
    /// Offset from UTC of the local time of networks that --offsets does not name
    #[arg(long, value_name = "HH:MM", default_value = "+00:00", value_parser = utc_offset, allow_hyphen_values = true)]
    utc_offset: i32,
    /// File of offsets: lines like 198.51.100.0/24,+09:00; the narrowest prefix counts
    #[arg(long, value_name = "FILE")]
    offsets: Option<PathBuf>,
    /// Kind of the networks without a stored estimate: wired, wlan, lte, wisun, lora or unknown
    #[arg(long, default_value = "unknown")]
    medium: Medium,
    /// Days in which an answer loses half its weight
    #[arg(long, value_name = "DAYS", default_value_t = HALF_LIFE_DAYS)]
    half_life: f64,
    /// Answers older than this are not read
    #[arg(long, value_name = "DAYS", default_value_t = SINCE_DAYS, value_parser = clap::value_parser!(u16).range(1..))]
    since: u16,
    /// What one more cluster must be worth, in networks' whole objective: more for fewer clusters
    #[arg(long, default_value_t = ClusterConfig::default().price)]
    price: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl UpdateArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.config()?;
        let store = self.database.open_existing()?;
        let learnt = match learn_congestion(&store, &config, utc_now(), &|| false) {
            Ok(learnt) => learnt,
            Err(nothing @ LearningError::Nothing { .. }) => {
                let advice = "probe the networks at several hours of the day, or look further back with --since";
                return Err(UsageError(format!("{nothing}; {advice}")).into());
            }
            Err(cause) => return Err(cause.into()),
        };
        if self.json {
            return Ok(put_json(&learnt)?);
        }
        Ok(put(&line(&learnt))?)
    }

    fn config(&self) -> anyhow::Result<CongestionConfig> {
        let grid = DayGrid::new(self.slots, self.utc_offset).map_err(|error| UsageError(error.to_string()))?;
        for (name, value) in [("half-life", self.half_life), ("price", self.price)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(UsageError(format!("--{name} {value} makes no sense: write a number above 0")).into());
            }
        }
        Ok(CongestionConfig {
            grid,
            offsets: offsets::read(self.offsets.as_deref(), self.utc_offset)?,
            medium: self.medium,
            half_life_days: self.half_life,
            since_days: self.since,
            price: self.price,
        })
    }
}

fn line(learnt: &CongestionLearnt) -> String {
    let left_out = learnt.stepped_clock + learnt.too_few + learnt.answers.absurd + learnt.answers.out_of_order;
    format!(
        "{} networks ({} of an estimated kind) with {} addresses in {} clusters ({} of before), from {} answers ({} \
         left out: {} of days on which the clock was stepped, {} of addresses that answered too seldom, {} absurd, {} out of order)\n",
        grouped(learnt.networks as u64),
        grouped(learnt.estimated_media as u64),
        grouped(learnt.addresses as u64),
        grouped(learnt.clusters as u64),
        grouped(learnt.kept as u64),
        grouped(learnt.answers.learnt),
        grouped(left_out),
        grouped(learnt.stepped_clock),
        grouped(learnt.too_few),
        grouped(learnt.answers.absurd),
        grouped(learnt.answers.out_of_order),
    )
}
