//! `prober simulate policy`: what watching costs and finds under each scheme, in simulated countries.

mod plot;

use std::path::PathBuf;

use super::super::UsageError;
use super::super::output::{put, put_json};
use super::super::table::Table;
use crate::cli::figure::grouped;
use crate::model::watch::USUAL_SAMPLE;
use crate::policy::starter::is_sample;
use crate::simulate::country::CountryConfig;
use crate::simulate::trial::{Policy, STORED_HOSTS, Trial, TrialConfig, trial};

/// What watching a country costs and finds under each scheme
///
/// Countries are made from seeds: hosts that come, go, move, sleep, open and close ports. The schemes are the very code
/// of the daemon; what they find is compared with what the standard scheme (all ports, every 12 hours) would find. They
/// are told beforehand which part of the addresses answers, on which ports every device is open, and what a store of
/// --stored hosts teaches of ports; a host that shows a device is taken to be told by a visit, without a banner. With
/// --json prints an array, one object per country, with `policies` by name: `traffic_ratio`, `ports_detected`,
/// `addresses_detected`, `opened_port_delay_hours` and more.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PolicyArgs {
    /// Schemes
    #[arg(long, value_enum, value_name = "NAME,...", value_delimiter = ',', default_values_t = [Policy::Efficient, Policy::Predictive])]
    policies: Vec<Policy>,
    /// Addresses of a country
    #[arg(long, value_name = "N", default_value_t = CountryConfig::default().addresses)]
    addresses: usize,
    /// Days of the watch
    #[arg(long, value_name = "N", default_value_t = CountryConfig::default().days)]
    days: u32,
    /// Seeds, one country each
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [1, 2])]
    seed: Vec<u64>,
    /// How restless hosts are, one country each; 1 as calibrated
    #[arg(long, value_name = "X,...", value_delimiter = ',', default_values_t = [1.0])]
    churn: Vec<f64>,
    /// Of open ports, those anywhere, one country each
    #[arg(long, value_name = "SHARE,...", value_delimiter = ',', default_values_t = [CountryConfig::default().tail])]
    tail: Vec<f64>,
    /// How many times fewer probes than standard the predictive scheme may send
    #[arg(long, value_name = "X", default_value_t = 80.0)]
    reduction: f64,
    /// Part of them that goes to any port at all
    #[arg(long, value_name = "SHARE", default_value_t = 0.03)]
    exploration: f64,
    /// Of the answers, those lost on the way
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    loss: f64,
    /// Answering hosts that the store knows before the watch begins; 0: a cold start, which learns its ports from what it
    /// finds, night by night
    #[arg(long, value_name = "N", default_value_t = STORED_HOSTS)]
    stored: usize,
    /// After a cold start: answering addresses, drawn by chance, that the predictive scheme visits on all ports; 0: none
    #[arg(long, value_name = "N", default_value_t = USUAL_SAMPLE)]
    sample: u32,
    /// Draw traffic and detection day by day: a page, if it ends in .html, else a folder with a page and SVG files
    #[arg(long, value_name = "PATH")]
    plot: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl PolicyArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.check()?;
        let mut trials = Vec::new();
        for (seed, churn, tail) in self.countries() {
            let country = CountryConfig {
                addresses: self.addresses,
                days: self.days,
                seed,
                churn,
                tail,
                ..CountryConfig::default()
            };
            let config = TrialConfig {
                country,
                reduction: self.reduction,
                exploration: self.exploration,
                loss: self.loss,
                stored: self.stored,
                sample: self.sample,
            };
            trials.push(trial(&config, &self.policies));
        }
        if let Some(path) = &self.plot {
            plot::write(path, &trials)?;
        }
        if self.json {
            return Ok(put_json(&trials)?);
        }
        Ok(put(&render(&trials, self.stored))?)
    }

    fn countries(&self) -> Vec<(u64, f64, f64)> {
        let of = |seed: u64| {
            self.churn.iter().flat_map(move |churn| self.tail.iter().map(move |tail| (seed, *churn, *tail)))
        };
        self.seed.iter().flat_map(|seed| of(*seed)).collect()
    }

    fn check(&self) -> Result<(), UsageError> {
        let share = |value: f64| (0.0..=0.5).contains(&value);
        let complaint = if !(256..=2_000_000).contains(&self.addresses) {
            "--addresses must be 256 to 2,000,000"
        } else if !(1..=400).contains(&self.days) {
            "--days must be 1 to 400"
        } else if !self.churn.iter().all(|churn| (0.01..=100.0).contains(churn)) {
            "--churn must be 0.01 to 100"
        } else if !self.tail.iter().all(|tail| share(*tail)) || !share(self.exploration) || !share(self.loss) {
            "--tail, --exploration and --loss must be 0 to 0.5"
        } else if !(1.0..=10_000.0).contains(&self.reduction) {
            "--reduction must be 1 to 10,000"
        } else if !is_sample(self.sample) {
            "--sample must be 0 or 1000 at least: ports cannot be derived from fewer addresses"
        } else if self.stored > STORED_HOSTS {
            "--stored must be at most 280,000, as many as the published standard set was derived from"
        } else {
            return Ok(());
        };
        Err(UsageError(complaint.to_owned()))
    }
}

fn render(trials: &[Trial], stored: usize) -> String {
    let heads = [
        "seed>",
        "churn>",
        "tail>",
        "scheme",
        "probes>",
        "of standard>",
        "ports>",
        "addresses>",
        "devices>",
        "opened port, h>",
        "service, h>",
        "address, h>",
        "back, h>",
    ];
    let mut table = Table::of(&heads);
    let hours = |delay: Option<f64>| delay.map_or_else(|| "never".to_owned(), |hours| format!("{hours:.1}"));
    for trial in trials {
        for (policy, outcome) in &trial.policies {
            table.row([
                trial.seed.to_string(),
                trial.churn.to_string(),
                trial.tail.to_string(),
                format!("{policy:?}").to_lowercase(),
                grouped(outcome.probes),
                format!("1/{:.1}", outcome.traffic_reduction),
                format!("{:.2} %", 100.0 * outcome.ports_detected),
                format!("{:.2} %", 100.0 * outcome.addresses_detected),
                format!("{:.0} %", 100.0 * outcome.devices_estimated),
                hours(outcome.opened_port_delay_hours),
                hours(outcome.new_service_delay_hours),
                hours(outcome.new_address_delay_hours),
                hours(outcome.returned_port_delay_hours),
            ]);
        }
    }
    let Some(first) = trials.first() else { return String::new() };
    let background = &first.background;
    let told = match stored {
        0 => String::new(),
        hosts => format!(", the ports of every device, and what {} stored hosts teach of ports", grouped(hosts as u64)),
    };
    format!(
        "{:.1} % of the addresses answer at the beginning, with {:.2} open ports; 500 ports hold {:.0} % of them, {} find 95 % \
         of the addresses; standard: {} ports every 12 h, {} pairs\n\
         assumed: the schemes know which part answers{told}; devices are told by a visit, without banners\n\
         hours: until it is noticed, median, of newly opened ports; of these, services at a host that was there, and addresses \
         with a new host; of ports that come back with their host\n\n{}",
        100.0 * background.answering,
        background.ports_per_host,
        100.0 * background.top_500_share,
        grouped(background.ports_for_95_percent_of_addresses as u64),
        grouped(background.standard_ports as u64),
        grouped(background.standard_pairs as u64),
        table.render()
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::simulate::trial::Background;

    #[test]
    fn what_is_assumed_is_said() {
        let background = Background {
            ports_per_host: 2.0,
            top_500_share: 0.8,
            ports_for_95_percent_of_addresses: 500,
            standard_ports: 11_700,
            answering: 0.025,
            standard_pairs: 10,
            standard_probes: 100,
        };
        let trial = Trial { seed: 1, churn: 1.0, tail: 0.1, background, policies: BTreeMap::new() };
        let said = |stored: usize| {
            let text = render(std::slice::from_ref(&trial), stored);
            text.lines().nth(1).map(str::to_owned).expect("a line on what is assumed")
        };
        let warm = "assumed: the schemes know which part answers, the ports of every device, and what 2,000 stored hosts teach of \
                    ports; devices are told by a visit, without banners";
        assert_eq!(said(2_000), warm);
        assert_eq!(
            said(0),
            "assumed: the schemes know which part answers; devices are told by a visit, without banners"
        );
    }
}
