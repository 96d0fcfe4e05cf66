//! The sample of a watch: addresses, drawn by their hash, whose first visit probes the whole standard set, whatever is known;
//! a part of them comes again every four weeks. Where others are looked for by what was found before, what is only open on
//! other ports is never found, and the ports that find most cannot be told from such finds: the sample tells them as they are.
//! What it costs does not grow with the country: some thousands of answering addresses are enough.

use prober_common::address::V4;

use super::rollout::Share;
use crate::model::watch::{SchemeConfig, SchemeKind};

/// Of a scheme's budget, what visiting the sample again may take.
const AGAIN_BUDGET: f64 = 0.05;
/// Which hashes are meant: others than those of the watched share, or small shares would hold none of the sample.
const KEY: u64 = 0x0073_616d_706c_6500;

/// Who is in it.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    first: Share,
    again: Share,
}

/// The share (0 to 1) of `targets` addresses that a watch begins with. Nothing if enough `is_known` already to derive ports
/// from, or if the scheme visits everybody thoroughly anyway.
pub fn share_of(config: &SchemeConfig, targets: u64, is_known: bool) -> f64 {
    let wanted = f64::from(config.sample);
    if is_known || config.kind != SchemeKind::Predictive || wanted <= 0.0 {
        return 0.0;
    }
    let answering = config.answering * targets as f64;
    if answering > wanted { wanted / answering } else { 1.0 }
}

/// The addresses of a sample of this size, 0 to 1.
pub fn drawn(share: f64) -> Share {
    Share::new(KEY, share)
}

impl Sample {
    /// Of this share of the addresses, 0 to 1; `probes_per_day` is a scheme's budget for each address, a thorough visit takes
    /// `thorough` probes and comes again after `days`.
    pub fn new(share: f64, probes_per_day: f64, thorough: f64, days: f64) -> Self {
        let again = AGAIN_BUDGET * probes_per_day * days / thorough.max(1.0);
        // The smaller one is a part of the larger one.
        Self { first: drawn(share), again: drawn(share.min(again)) }
    }

    /// Its share of the addresses, 0 to 1.
    pub const fn size(&self) -> f64 {
        self.first.size()
    }

    /// And of those that are visited again.
    pub const fn size_again(&self) -> f64 {
        self.again.size()
    }

    /// Whether an address is in it.
    pub fn holds(&self, address: u32) -> bool {
        self.first.holds(V4(address))
    }

    /// Whether an address is among those that are visited again.
    pub fn holds_again(&self, address: u32) -> bool {
        self.again.holds(V4(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_size_is_that_of_what_is_wanted_and_not_of_the_country() {
        let config = SchemeConfig { sample: 10_000, ..SchemeConfig::usual(SchemeKind::Predictive, vec![80]) };
        let wanted = |targets: u64| share_of(&config, targets, false) * targets as f64 * config.answering;
        assert!((wanted(150_000_000) - 10_000.0).abs() < 1.0 && (wanted(1_000_000) - 10_000.0).abs() < 1.0);
        assert!((share_of(&config, 100_000, false) - 1.0).abs() < 1e-9, "there are no more than these");
        assert!(share_of(&config, 100_000, true).abs() < 1e-9);
        let standard = SchemeConfig { kind: SchemeKind::Standard, ..config };
        assert!(share_of(&standard, 100_000, false).abs() < 1e-9);
    }

    #[test]
    fn those_that_come_again_are_of_it_and_cost_a_small_part_of_the_budget() {
        let sample = Sample::new(0.5, 250.0, 10_000.0, 28.0);
        let held = |addresses: &dyn Fn(u32) -> bool| (0..100_000).filter(|number| addresses(*number)).count();
        let (first, again) =
            (held(&|address| sample.holds(address)), held(&|address| sample.holds_again(address)) as f64);
        assert!((48_000..52_000).contains(&first));
        assert!((0..100_000).all(|address| !sample.holds_again(address) || sample.holds(address)));
        let part_of_budget = again / 100_000.0 * 10_000.0 / 28.0 / 250.0;
        assert!((0.04..0.06).contains(&part_of_budget), "{part_of_budget}");
        assert!(!(0..1_000).any(|address| Sample::new(0.0, 250.0, 10_000.0, 28.0).holds_again(address)));
    }
}
