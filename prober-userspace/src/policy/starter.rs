//! Schemes out of what is known before the watch begins: the open ports of a store, or, on day one, a list of ports with the
//! likeliest first.

use super::derive::{Gain, PortCounts, finding_order};
use super::port_bits::PortBits;
use super::sample;
use super::scheme::Scheme;
use super::scheme::efficient::{Efficient, PortSets};
use super::scheme::predictive::{Experience, Predictive, PredictiveConfig};
use crate::model::watch::{SchemeConfig, SchemeKind};
use prober_common::address::V4;

/// Answering addresses that a store must hold for its ports to be believed: fewer would miss too much of what there is.
const ENOUGH: usize = 1_000;
/// Of a list, the part for addresses that answer and the part for silent ones (METHODS section 10: 5,500 and 500 of 11,700).
const ANSWERING: f64 = 5_500.0 / 11_700.0;
const SILENT: f64 = 500.0 / 11_700.0;
/// Exponent and shift of the law by which open ports fall on a list (METHODS section 10: 500 ports hold 84 to 85 %).
const EXPONENT: f64 = 1.3;
const SHIFT: f64 = 3.0;

/// What is known before the watch begins.
#[derive(Clone, Debug)]
pub struct Known {
    /// The standard set, the likeliest first.
    pub standard: Vec<u16>,
    /// The ports that hold most of what there is.
    pub answering: Vec<u16>,
    /// The ports that find most addresses.
    pub silent: Vec<u16>,
    /// The order of ports that finds addresses soonest.
    pub finding: Vec<Gain>,
    /// How open ports fall on the ports.
    pub opening: Vec<Gain>,
    /// The share of the addresses that is visited thoroughly, 0 to 1.
    pub sampled: f64,
}

impl Known {
    /// Out of the open ports of a store's addresses if they are enough, else out of the starter list. How frequent ports are is
    /// told by the sample, if the watch has one, as soon as that is enough.
    pub fn of(config: &SchemeConfig, stored: &[(u32, Vec<u16>)]) -> Self {
        let known =
            if is_enough(stored.len()) { Self::of_store(config, stored) } else { Self::of_list(&config.starter_ports) };
        Self { sampled: config.sampled, ..known }
    }

    fn of_store(config: &SchemeConfig, stored: &[(u32, Vec<u16>)]) -> Self {
        let all: Vec<&[u16]> = stored.iter().map(|(_, ports)| ports.as_slice()).collect();
        let drawn = sample::drawn(config.sampled);
        let of_sample = stored.iter().filter(|(address, _)| drawn.holds(V4(*address)));
        let hosts: Vec<&[u16]> = of_sample.map(|(_, ports)| ports.as_slice()).collect();
        let hosts = if is_enough(hosts.len()) { hosts } else { all.clone() };
        let counts = PortCounts::of(hosts.iter().copied());
        let mut standard = PortCounts::of(all).above(2);
        let answering = counts.covering(&standard, config.coverage);
        let mut opening = counts.shares(&standard);
        // Whatever the operator names is looked for, whether or not it was ever open.
        let known: PortBits = standard.iter().copied().collect();
        let named: Vec<u16> = config.starter_ports.iter().copied().filter(|port| !known.holds(*port)).collect();
        let mut finding = finding_order(&hosts);
        let mut found = 0.0;
        let silent = finding.iter().take_while(|gain| {
            let is_wanted = found < config.coverage;
            found += gain.share;
            is_wanted
        });
        let silent = silent.map(|gain| gain.port).collect();
        let found: PortBits = finding.iter().map(|gain| gain.port).collect();
        let share = counts.unseen_share() / named.len().max(1) as f64;
        let unseen = |port: &u16| Gain { port: *port, share };
        opening.extend(named.iter().map(unseen));
        finding.extend(named.iter().filter(|port| !found.holds(**port)).map(unseen));
        standard.extend(named);
        Self { silent, standard, answering, finding, opening, sampled: 0.0 }
    }

    /// Out of a list, the likeliest first.
    pub fn of_list(ports: &[u16]) -> Self {
        let part = |share: f64| ports[..((ports.len() as f64 * share).ceil() as usize).min(ports.len())].to_vec();
        let weights: Vec<f64> = (0..ports.len()).map(|rank| (rank as f64 + SHIFT).powf(-EXPONENT)).collect();
        let total: f64 = weights.iter().sum();
        let gains: Vec<Gain> =
            ports.iter().zip(&weights).map(|(port, weight)| Gain { port: *port, share: weight / total }).collect();
        Self {
            standard: ports.to_vec(),
            answering: part(ANSWERING),
            silent: part(SILENT),
            finding: gains.clone(),
            opening: gains,
            sampled: 0.0,
        }
    }

    /// The scheme.
    pub fn scheme(self, config: &SchemeConfig) -> Scheme {
        match config.kind {
            SchemeKind::Standard => Scheme::Standard(bits(self.standard)),
            SchemeKind::Efficient => Scheme::Efficient(Efficient::new(self.port_sets())),
            SchemeKind::Predictive => {
                let (settings, experience) = self.prediction(config);
                Scheme::Predictive(Box::new(Predictive::new(settings, experience)))
            }
        }
    }

    /// Lets a scheme that is in use go on with this. What it knows of addresses, classes and devices stays.
    pub fn renew(self, config: &SchemeConfig, scheme: &mut Scheme, now_s: u32) {
        match scheme {
            Scheme::Standard(set) => *set = bits(self.standard),
            Scheme::Efficient(efficient) => efficient.renew(self.port_sets()),
            Scheme::Predictive(predictive) => {
                let (settings, experience) = self.prediction(config);
                predictive.renew(settings, experience, now_s);
            }
        }
    }

    fn port_sets(self) -> PortSets {
        let (standard, answering) = (bits(self.standard), bits(self.answering));
        PortSets { standard, answering, silent: bits(self.silent), devices: Vec::new() }
    }

    fn prediction(self, config: &SchemeConfig) -> (PredictiveConfig, Experience) {
        let settings = PredictiveConfig {
            probes_per_day: config.budget_per_day(self.standard.len()),
            exploration: config.exploration,
            answering: config.answering,
            sampled: self.sampled,
        };
        (settings, Experience { standard: bits(self.standard), finding: self.finding, opening: self.opening })
    }
}

/// Whether ports can be derived from so many addresses with open ports.
pub const fn is_enough(hosts: usize) -> bool {
    hosts >= ENOUGH
}

/// Whether a sample may be of so many answering addresses: none, or enough to derive ports from.
pub const fn is_sample(hosts: u32) -> bool {
    hosts == 0 || is_enough(hosts as usize)
}

fn bits(ports: Vec<u16>) -> PortBits {
    ports.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::scheme::Found;
    use crate::policy::target_state::TargetState;

    fn config() -> SchemeConfig {
        SchemeConfig { exploration: 0.0, ..SchemeConfig::usual(SchemeKind::Efficient, vec![80, 443, 22, 23]) }
    }

    #[test]
    fn a_list_serves_until_the_store_knows_enough() {
        let few: Vec<(u32, Vec<u16>)> = (0..10).map(|number| (number, vec![8080])).collect();
        let known = Known::of(&config(), &few);
        assert_eq!((known.standard, known.answering, known.silent), (vec![80, 443, 22, 23], vec![80, 443], vec![80]));
        assert!((known.opening.iter().map(|gain| gain.share).sum::<f64>() - 1.0).abs() < 1e-9);
        let many: Vec<(u32, Vec<u16>)> =
            (0..2_000).map(|number| (number, vec![8080, 9000 + number as u16 % 2])).collect();
        let known = Known::of(&config(), &many);
        assert_eq!(known.standard[..3], [8080, 9000, 9001]);
        assert!(known.standard.contains(&23) && known.silent == [8080]);
        for gains in [&known.finding, &known.opening] {
            let named = gains.iter().find(|gain| gain.port == 23).expect("what is named is looked for");
            assert!(named.share > 0.0 && named.share < 1e-3, "{named:?}");
        }
    }

    #[test]
    fn a_scheme_in_use_takes_over_what_was_found_meanwhile_and_keeps_what_it_knows() {
        let many: Vec<(u32, Vec<u16>)> = (0..2_000).map(|number| (number, vec![8080])).collect();
        for kind in SchemeKind::ALL {
            let config = SchemeConfig { kind, ..config() };
            let mut states = [TargetState::new(7, 0), TargetState::new(8, 0)];
            let mut scheme = Known::of(&config, &[]).scheme(&config);
            scheme.teach_device(0, &[554]);
            for _ in 0..2 {
                scheme.learn(&mut states[0], 0, Found { open: &[443], device: Some(0) });
            }
            let due_s = states[0].due_s;
            let looks_for = |scheme: &Scheme, port: u16| {
                (0..400).any(|day| scheme.visit(&states[1], due_s + day * 86_400).holds(port))
            };
            assert!(!looks_for(&scheme, 8080), "{kind:?}");
            Known::of(&config, &many).renew(&config, &mut scheme, due_s);
            assert!(looks_for(&scheme, 8080), "{kind:?}");
            if kind != SchemeKind::Standard {
                assert_eq!(scheme.open_ports(7), [443], "{kind:?}");
                assert!(scheme.visit(&states[0], due_s).holds(554), "{kind:?}");
            }
        }
    }

    #[test]
    fn how_frequent_ports_are_is_told_by_the_sample() {
        // Half of the addresses: enough hosts are in it.
        let config = SchemeConfig { kind: SchemeKind::Predictive, sampled: 0.5, ..config() };
        let drawn = sample::drawn(0.5);
        // Those who open 9000 only are found nowhere else, and look four times rarer than they are.
        let opens = |address: u32| match address % 2 {
            0 => Some(vec![8080]),
            _ => drawn.holds(V4(address)).then(|| vec![9000]),
        };
        let stored: Vec<(u32, Vec<u16>)> = (0..8_000).filter_map(|address| Some((address, opens(address)?))).collect();
        let share = |known: &Known| known.finding.iter().find(|gain| gain.port == 9000).map_or(0.0, |gain| gain.share);
        let known = Known::of(&config, &stored);
        assert!((0.47..0.53).contains(&share(&known)), "{}", share(&known));
        let without = Known::of(&SchemeConfig { sampled: 0.0, ..config.clone() }, &stored);
        assert!(share(&without) < 0.36, "{}", share(&without));
        // As long as it is not enough, all there is has to do.
        let few = Known::of(&SchemeConfig { sampled: 0.01, ..config }, &stored);
        assert!((share(&few) - share(&without)).abs() < 1e-9);
    }

    #[test]
    fn first_visits_to_the_sample_probe_everything() {
        let config = SchemeConfig { kind: SchemeKind::Predictive, sampled: 0.5, ..config() };
        let drawn = sample::drawn(0.5);
        let mut scheme = Known::of(&config, &[]).scheme(&config);
        for number in 0..200 {
            let new = TargetState::new(number, 0);
            assert_eq!(scheme.visit(&new, 0).is_standard, drawn.holds(V4(number)));
        }
        let number = (0..100).find(|number| drawn.holds(V4(*number))).expect("half of them are in it");
        let mut found = TargetState::new(number, 0);
        scheme.learn(&mut found, 0, Found { open: &[22], device: None });
        assert_eq!(found.standing(), crate::policy::target_state::Standing::Answering, "once is enough");
        // Ports that are derived later change nothing about it.
        let many: Vec<(u32, Vec<u16>)> = (0..2_000).map(|number| (number, vec![8080])).collect();
        Known::of(&config, &many).renew(&config, &mut scheme, 0);
        assert!(scheme.visit(&TargetState::new(number, 0), 0).is_standard);
    }
}
