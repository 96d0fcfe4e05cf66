//! What hosts are made of: families of devices with ports of their own, and hosts of no family.

use super::law::PortLaw;
use crate::simulate::draws::Draws;

/// Kinds of devices that have ports in common.
#[derive(Debug)]
pub(super) struct Families {
    ports: Vec<Vec<u16>>,
    cumulative: Vec<f64>,
    /// Of hosts, those whose banners show their family, 0 to 1.
    showing: f64,
}

/// A host.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) ports: Vec<u16>,
    /// Its family, if its banners show it.
    pub(super) device: Option<u16>,
}

/// Of hosts, those of a family.
const OF_FAMILY: f64 = 0.6;
/// A family's port is open at one of its hosts.
const IS_OPEN: f64 = 0.85;
/// Further ports of a host on average.
const FURTHER: f64 = 1.8;
/// Of open ports, those drawn one by one; the others are their families'.
pub(super) const DRAWN: f64 = 0.62;

impl Families {
    pub(super) fn new(count: usize, showing: f64, law: &PortLaw, draws: &mut Draws) -> Self {
        let mut sum = 0.0;
        let ports = (0..count).map(|_| (0..=draws.below(4)).map(|_| law.head(1.0, draws)).collect()).collect();
        let cumulative = (0..count)
            .map(|rank| {
                sum += 1.0 / (rank as f64 + 2.0);
                sum
            })
            .collect();
        Self { ports, cumulative, showing }
    }

    pub(super) fn ports(&self) -> &[Vec<u16>] {
        &self.ports
    }

    pub(super) fn host(&self, law: &PortLaw, draws: &mut Draws) -> Host {
        let mass = self.cumulative.last().copied().unwrap_or(1.0);
        let family = draws.chance(OF_FAMILY).then(|| {
            let at = draws.unit() * mass;
            self.cumulative.partition_point(|sum| *sum < at).min(self.ports.len() - 1)
        });
        let own = family.map_or(&[][..], |family| &self.ports[family]);
        let mut ports: Vec<u16> = own.iter().copied().filter(|_| draws.chance(IS_OPEN)).collect();
        let further = draws.exponential(FURTHER).floor() as usize + usize::from(ports.is_empty());
        ports.extend((0..further).map(|_| law.draw(draws)));
        ports.sort_unstable();
        ports.dedup();
        let device = family.filter(|_| draws.chance((self.showing / OF_FAMILY).min(1.0))).map(|family| family as u16);
        Host { ports, device }
    }
}
