//! What a watch does about devices: asks new ports who they are, and names the device once their banners are in.

use std::time::Instant;

use prober_common::address::V4;

use super::devices::Said;
use super::keeper::Order;
use super::{ASKED, Watch};
use crate::device::score::ScoreSettings;
use crate::io::clock::utc_now;
use crate::io::store::{EstimateBatch, EstimationRecord};
use crate::model::banner::{Banner, Transport};
use crate::policy::target_state::{Standing, TargetState};
use crate::policy::visits::Visit;

/// A visit that waits for banners.
pub(super) struct Asking {
    pub(super) visit: Visit,
    pub(super) texts: Vec<Vec<u8>>,
    pub(super) left: usize,
    pub(super) until: Instant,
}

impl Watch<'_> {
    pub(super) fn note_banners(&mut self, banners: Vec<Banner>) {
        let Some(asking) = banners.first().and_then(|banner| self.asking.get_mut(&banner.address)) else { return };
        asking.left = asking.left.saturating_sub(1);
        asking.texts.extend(banners.into_iter().map(|banner| banner.text).filter(|text| !text.is_empty()));
    }

    /// Asks the ports of a visit that are new, or all of an address that is not known; how many.
    pub(super) fn ask(&self, visit: &Visit) -> usize {
        if self.config.grab.is_none() || visit.open.is_empty() {
            return 0;
        }
        let state = self.planner.state(visit.number);
        let known = self.planner.scheme().open_ports(state.address);
        let is_new = |port: &&u16| known.binary_search(port).is_err() || state.visited_s == TargetState::NEVER;
        let new = visit.open.iter().filter(is_new).copied();
        new.filter(|port| self.session.ask(visit.address, Transport::Tcp, *port)).take(ASKED).count()
    }

    /// What answers as it did is what it was.
    pub(super) fn device_so_far(&self, visit: &Visit) -> Option<u16> {
        match self.planner.state(visit.number).standing() {
            Standing::Device(device) if !visit.open.is_empty() => Some(device),
            _ => None,
        }
    }

    /// Decides visits whose banners are in.
    pub(super) fn name(&mut self, over: Vec<Asking>) -> anyhow::Result<()> {
        let (visits, said): (Vec<Visit>, Vec<Said>) = over
            .into_iter()
            .map(|asking| {
                let said = Said { address: asking.visit.address, open: asking.visit.open.clone(), texts: asking.texts };
                (asking.visit, said)
            })
            .unzip();
        let estimates = self.devices.estimate(&said);
        let of = |address: V4| estimates.iter().find(|estimates| estimates.address == address);
        for visit in &visits {
            let device = match of(visit.address) {
                Some(estimates) => self.devices.number_of(estimates, &visit.open),
                None => self.device_so_far(visit),
            };
            self.decide(visit, device);
        }
        if !estimates.is_empty() {
            let batch = EstimateBatch {
                database: self.devices.signatures().version(),
                estimated_at: utc_now(),
                scan: Some(self.session.scan()),
            };
            let settings = ScoreSettings::default();
            let record = EstimationRecord { settings, complete: false, looked_at: visits.len() };
            self.saving.keeper().order(Order::Estimates(batch, record, estimates))?;
        }
        if self.devices.take_changed() {
            for (number, (_, ports)) in (0..).zip(self.devices.named()) {
                self.planner.scheme_mut().teach_device(number, ports);
            }
            self.saving.keeper().order(Order::Devices(self.devices.named().to_vec()))?;
        }
        Ok(())
    }
}
