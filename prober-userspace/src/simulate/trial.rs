//! A trial of the schemes of watching: one country, what the store knew before it, and each scheme's outcome. The published
//! sizes of the port sets are kept, so that the published traffic can be compared.

use std::collections::BTreeMap;

use serde::Serialize;

use super::country::{Country, CountryConfig, make, sample};
use super::watch::{Outcome, Standard, standard, watch, watch_and_renew};
use crate::model::watch::{SchemeConfig, SchemeKind};
use crate::policy::derive::{Gain, PortCounts, finding_order};
use crate::policy::port_bits::PortBits;
use crate::policy::sample::share_of;
use crate::policy::scheme::Scheme;
use crate::policy::scheme::efficient::{Efficient, PortSets};
use crate::policy::scheme::predictive::{Experience, Predictive, PredictiveConfig};
use crate::policy::starter::Known;

/// Answering hosts in a country's store: as many as answered of the published 10 million addresses.
pub const STORED_HOSTS: usize = 280_000;
/// Sizes of the standard set and of those for addresses that answer and that do not (METHODS section 10).
const STANDARD_PORTS: usize = 11_700;
const ANSWERING_PORTS: usize = 5_500;
const SILENT_PORTS: usize = 500;

/// Which scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Every port of the standard set every 12 hours.
    Standard,
    /// The published one.
    Efficient,
    /// Each port as often as it is expected to find something.
    Predictive,
}

impl Policy {
    const fn kind(self) -> SchemeKind {
        match self {
            Self::Standard => SchemeKind::Standard,
            Self::Efficient => SchemeKind::Efficient,
            Self::Predictive => SchemeKind::Predictive,
        }
    }
}

/// Settings.
#[derive(Clone, Debug)]
pub struct TrialConfig {
    /// The country.
    pub country: CountryConfig,
    /// How many times fewer probes than the standard scheme the predictive one may send.
    pub reduction: f64,
    /// Part of them for exploration, 0 to 1.
    pub exploration: f64,
    /// Of the answers, those lost on the way, 0 to 1.
    pub loss: f64,
    /// Answering hosts that the store knows before the watch begins, at most [`STORED_HOSTS`]. 0: a cold start, with nothing
    /// but the list of ports in numerical order; what it finds then decides on its ports, night by night.
    pub stored: usize,
    /// After a cold start: answering addresses of the sample that is visited thoroughly.
    pub sample: u32,
}

/// What the store knew before, and what the standard scheme would find. Stable field names.
#[derive(Clone, Debug, Serialize)]
pub struct Background {
    /// Open ports of a host that answers, on average.
    pub ports_per_host: f64,
    /// Of all open ports, those on the 500 most frequent ports, 0 to 1.
    pub top_500_share: f64,
    /// Ports that find 95 % of the addresses that answer.
    pub ports_for_95_percent_of_addresses: usize,
    /// Ports of the standard set.
    pub standard_ports: usize,
    /// Of the addresses, those that answer at the beginning, 0 to 1.
    pub answering: f64,
    /// (address, port) pairs that the standard scheme detects.
    pub standard_pairs: usize,
    /// Its probes.
    pub standard_probes: u64,
}

/// A trial's figures. Stable field names.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// The country's seed.
    pub seed: u64,
    /// Its churn.
    pub churn: f64,
    /// Its tail.
    pub tail: f64,
    /// What it rests on.
    pub background: Background,
    /// By scheme.
    pub policies: BTreeMap<Policy, Outcome>,
}

/// Runs the schemes over one country. Seconds to a minute for 100,000 addresses and 4 weeks.
pub fn trial(config: &TrialConfig, policies: &[Policy]) -> Trial {
    let hosts = sample(&config.country, STORED_HOSTS);
    let hosts: Vec<&[u16]> = hosts.iter().map(Vec::as_slice).collect();
    let counts = PortCounts::of(hosts.iter().copied());
    let mut ports = counts.above(2);
    ports.truncate(STANDARD_PORTS);
    let standard_set: PortBits = ports.iter().copied().collect();
    let finding: Vec<Gain> = finding_order(&hosts).into_iter().filter(|gain| standard_set.holds(gain.port)).collect();
    let country = make(&config.country);
    let truth = standard(&country, &standard_set);
    let answering = country.places.iter().filter(|place| place.spans.iter().any(|span| span.is_open(0))).count();
    let background = Background {
        standard_pairs: truth.pairs.len(),
        standard_probes: truth.probes,
        answering: answering as f64 / country.places.len() as f64,
        ..stored(&hosts, &counts, &finding, ports.len())
    };
    if config.stored == 0 {
        let outcome = |policy: &Policy| (*policy, cold(config, *policy, &ports, &country, &truth));
        return Trial {
            seed: config.country.seed,
            churn: config.country.churn,
            tail: config.country.tail,
            policies: policies.iter().map(outcome).collect(),
            background,
        };
    }
    // Of the standard set, in the order of what is known.
    let known = &hosts[..config.stored.min(hosts.len())];
    let counts = PortCounts::of(known.iter().copied());
    let by_count = counts.covering(&ports, 1.0);
    let rest = |first: &[u16]| -> Vec<u16> {
        let first: PortBits = first.iter().copied().collect();
        ports.iter().copied().filter(|port| !first.holds(*port)).collect()
    };
    let ports = [by_count.clone(), rest(&by_count)].concat();
    let finding: Vec<Gain> = if known.len() == hosts.len() {
        finding
    } else {
        finding_order(known).into_iter().filter(|gain| standard_set.holds(gain.port)).collect()
    };
    let scheme = |policy: Policy| match policy {
        Policy::Standard => Scheme::Standard(standard_set.clone()),
        Policy::Efficient => Scheme::Efficient(Efficient::new(PortSets {
            standard: standard_set.clone(),
            answering: ports.iter().copied().take(ANSWERING_PORTS).collect(),
            silent: finding.iter().take(SILENT_PORTS).map(|gain| gain.port).collect(),
            devices: country.devices.iter().map(|ports| ports.iter().copied().collect()).collect(),
        })),
        Policy::Predictive => {
            let settings = PredictiveConfig {
                probes_per_day: 2.0 * f64::from(standard_set.len()) / config.reduction,
                exploration: config.exploration,
                answering: config.country.answering,
                sampled: 0.0,
            };
            let experience =
                Experience { standard: standard_set.clone(), finding: finding.clone(), opening: counts.shares(&ports) };
            let mut scheme = Scheme::Predictive(Box::new(Predictive::new(settings, experience)));
            for (device, ports) in (0..).zip(&country.devices) {
                scheme.teach_device(device, ports);
            }
            scheme
        }
    };
    let outcome = |policy: &Policy| (*policy, watch(&country, &mut scheme(*policy), &truth, config.loss));
    Trial {
        seed: config.country.seed,
        churn: config.country.churn,
        tail: config.country.tail,
        policies: policies.iter().map(outcome).collect(),
        background,
    }
}

/// A watch that knows nothing but which ports there are.
fn cold(config: &TrialConfig, policy: Policy, ports: &[u16], country: &Country, truth: &Standard) -> Outcome {
    let mut ports = ports.to_vec();
    ports.sort_unstable();
    let scheme = SchemeConfig {
        reduction: config.reduction,
        exploration: config.exploration,
        answering: config.country.answering,
        sample: config.sample,
        ..SchemeConfig::usual(policy.kind(), ports)
    };
    let sampled = share_of(&scheme, country.places.len() as u64, false);
    let scheme = SchemeConfig { sampled, ..scheme };
    let mut watching = Known::of(&scheme, &[]).scheme(&scheme);
    watch_and_renew(country, &mut watching, truth, config.loss, Some(&scheme))
}

fn stored(hosts: &[&[u16]], counts: &PortCounts, finding: &[Gain], standard_ports: usize) -> Background {
    let open: u64 = (0..=u16::MAX).map(|port| u64::from(counts.count(port))).sum();
    let top: u64 = counts.above(0).iter().take(500).map(|port| u64::from(counts.count(*port))).sum();
    let mut found = 0.0;
    let needed = finding.iter().take_while(|gain| {
        let is_wanted = found < 0.95;
        found += gain.share;
        is_wanted
    });
    Background {
        ports_per_host: open as f64 / hosts.len() as f64,
        top_500_share: top as f64 / open as f64,
        ports_for_95_percent_of_addresses: needed.count(),
        standard_ports,
        answering: 0.0,
        standard_pairs: 0,
        standard_probes: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(seed: u64, days: u32) -> Trial {
        let country = CountryConfig { addresses: 16_384, days, seed, ..CountryConfig::default() };
        trial(
            &TrialConfig { country, reduction: 80.0, exploration: 0.03, loss: 0.01, stored: STORED_HOSTS, sample: 0 },
            &[Policy::Standard, Policy::Efficient, Policy::Predictive],
        )
    }

    #[test]
    fn the_published_scheme_saves_what_was_published_and_the_predictive_one_more() {
        let trial = figures(1, 28);
        let [standard, efficient, predictive] =
            [Policy::Standard, Policy::Efficient, Policy::Predictive].map(|policy| &trial.policies[&policy]);
        // The scheme that defines the measure, through the same queue: all it can see, it sees.
        assert!((standard.traffic_ratio - 1.0).abs() < 0.02, "{standard:?}");
        assert!(standard.ports_detected > 0.999, "{standard:?}");
        assert!((28.0..48.0).contains(&efficient.traffic_reduction), "{efficient:?}");
        assert!((0.93..0.995).contains(&efficient.ports_detected), "{efficient:?}");
        assert!(predictive.traffic_reduction > 60.0 && predictive.ports_detected > 0.98, "{predictive:?}");
        for delay in [|of: &Outcome| of.opened_port_delay_hours, |of: &Outcome| of.new_service_delay_hours] {
            let (own, theirs) = (delay(predictive), delay(efficient).unwrap_or(f64::INFINITY));
            assert!(own.expect("most are noticed") <= theirs, "{predictive:?} {efficient:?}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_figures_again() {
        let json = |trial: &Trial| serde_json::to_string(trial).expect("figures are plain numbers");
        assert_eq!(json(&figures(3, 2)), json(&figures(3, 2)));
    }
}
