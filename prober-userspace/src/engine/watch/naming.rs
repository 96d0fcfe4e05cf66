//! What a watch does about devices: asks new ports who they are, and names the device once their banners are in.

use std::time::{Duration, Instant};

use super::devices::{Estimated, Said};
use super::keeper::Order;
use super::{ASKED, SAMPLE_EVERY, Watch};
use crate::device::score::ScoreSettings;
use crate::io::clock::utc_now;
use crate::io::grab::Asked;
use crate::io::store::{EstimateBatch, EstimationRecord};
use crate::model::banner::Transport;
use crate::model::request::GrabLimits;
use crate::policy::scheme::Found;
use crate::policy::target_state::{Standing, TargetState};
use crate::policy::visits::Visit;
use crate::target::splitmix;

/// How often an address is asked all over again, s of the watch's clock: one whose device is known, and one that is not.
const NAMED_AGAIN_S: u32 = 28 * 86_400;
const UNNAMED_AGAIN_S: u32 = 7 * 86_400;

/// A visit waits no longer than this for its turn, s: those that wait take the places of others.
const MOST_QUEUE_S: f64 = 60.0;

/// A visit that waits for banners.
pub(super) struct Asking {
    pub(super) visit: Visit,
    pub(super) texts: Vec<Vec<u8>>,
    /// Ports that were asked and have not been heard.
    pub(super) left: Vec<u16>,
    pub(super) until: Instant,
}

impl Asking {
    /// A port has been dealt with. What one says that was asked before this visit counts as well, but is not what this one
    /// waits for.
    fn note(&mut self, asked: Asked) {
        self.left.retain(|port| *port != asked.port);
        self.texts.extend(asked.banners.into_iter().map(|banner| banner.text).filter(|text| !text.is_empty()));
    }
}

impl Watch<'_> {
    /// A port has been dealt with.
    pub(super) fn note_asked(&mut self, asked: Asked) {
        match self.asking.get_mut(&asked.address) {
            Some(asking) => asking.note(asked),
            None => self.late.note(asked),
        }
    }

    /// Asks the ports of a visit that are new, or all of an address that is not known, was away or was not asked for long;
    /// which.
    pub(super) fn ask(&self, visit: &Visit) -> Vec<u16> {
        if self.config.grab.is_none() || visit.open.is_empty() {
            return Vec::new();
        }
        let state = self.planner.state(visit.number);
        let known = self.planner.scheme().open_ports(state.address);
        let is_all = asks_all(state, visit.began_s);
        // The standard scheme keeps no ports: that they are the same is all it knows.
        if !is_all && state.fingerprint == (Found { open: &visit.open, device: None }).fingerprint() {
            return Vec::new();
        }
        let new = visit.open.iter().filter(|port| is_all || known.binary_search(port).is_err()).copied();
        new.filter(|port| self.session.ask(visit.address, Transport::Tcp, *port)).take(ASKED).collect()
    }

    /// How long a visit waits for the banners of ports that were just asked for.
    pub(super) fn patience(&self) -> Option<Duration> {
        patience(&self.config.grab?, self.sample.grab.map_or(0, |grab| grab.waiting))
    }

    /// What answers as it did is what it was.
    pub(super) fn device_so_far(&self, visit: &Visit) -> Option<u16> {
        match self.planner.state(visit.number).standing() {
            Standing::Device(device) if !visit.open.is_empty() => Some(device),
            _ => None,
        }
    }

    /// Decides visits whose banners are in, or are waited for no longer.
    pub(super) fn name(&mut self, over: Vec<Asking>) -> anyhow::Result<()> {
        let now = Instant::now();
        let (visits, said): (Vec<Visit>, Vec<Said>) = over
            .into_iter()
            .map(|Asking { visit, texts, left, .. }| {
                let said = Said { address: visit.address, open: visit.open.clone(), texts };
                if !left.is_empty() {
                    self.late.owe(visit.number, said.clone(), left, now);
                }
                (visit, said)
            })
            .unzip();
        let estimated = self.devices.estimate(&said);
        for visit in &visits {
            let so_far = self.device_so_far(visit);
            let device = self.devices.number_among(&estimated, visit.address, &visit.open, so_far);
            self.decide(visit, device);
        }
        self.keep_estimates(estimated, visits.len())
    }

    /// Has the estimates of so many addresses stored, and the devices if they taught anything of them.
    pub(super) fn keep_estimates(&mut self, estimated: Estimated, looked_at: usize) -> anyhow::Result<()> {
        if !estimated.is_empty() {
            let batch = EstimateBatch {
                database: self.devices.signatures().version(),
                estimated_at: utc_now(),
                scan: Some(self.session.scan()),
            };
            let settings = ScoreSettings::default();
            let record = EstimationRecord { settings, complete: false, looked_at };
            let estimates = estimated.into_values().collect();
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

/// As long as the slowest attempts over both connections of a port may take, once it is its turn; `None` where so many ports
/// wait before it that a visit does not wait for it: what it says counts when it comes.
fn patience(limits: &GrabLimits, waiting: u64) -> Option<Duration> {
    let queue_s = if limits.rate > 0.0 { waiting as f64 / limits.rate } else { 0.0 };
    let queue = Some(queue_s).filter(|queue_s| *queue_s <= MOST_QUEUE_S).map(Duration::from_secs_f64)?;
    Some(queue + 4 * limits.timeout + SAMPLE_EVERY)
}

/// Whether all open ports are asked: of a host that may be another one, and from time to time of each, as firmware changes
/// and not every attempt succeeds. A device that is not known is asked again sooner. The turns follow from the address, so
/// that nothing has to be kept and not all come at once.
fn asks_all(state: &TargetState, now_s: u32) -> bool {
    let every_s = match state.standing() {
        Standing::New | Standing::Silent | Standing::Gone => return true,
        Standing::Device(_) | Standing::Honeypot => NAMED_AGAIN_S,
        Standing::Answering => UNNAMED_AGAIN_S,
    };
    let phase = (splitmix::mix(u64::from(state.address)) % u64::from(every_s)) as u32;
    let turn = |at_s: u32| at_s.saturating_add(phase) / every_s;
    state.visited_s == TargetState::NEVER || turn(state.visited_s) != turn(now_s)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prober_common::address::V4;

    use super::*;

    #[test]
    fn a_visit_waits_for_its_turn_unless_that_is_far_off() {
        let limits = |rate: f64| GrabLimits { rate, rate_per_24: 0.0, concurrency: 8, timeout: Duration::from_secs(5) };
        assert_eq!(patience(&limits(200.0), 0), Some(Duration::from_secs(21)));
        assert_eq!(patience(&limits(200.0), 10_000), Some(Duration::from_secs(71)), "its turn comes after 50 s");
        assert_eq!(patience(&limits(200.0), 131_072), None);
        assert_eq!(patience(&limits(0.0), 131_072), Some(Duration::from_secs(21)), "no limit");
    }

    #[test]
    fn a_visit_waits_for_the_ports_that_it_asked() {
        let (address, open) = (V4(0xc000_0207), vec![22, 80, 443]);
        let visit = Visit { address, number: 0, ports: Arc::new([22, 80, 443]), began_s: 0, began_ns: 0, open };
        let mut asking = Asking { visit, texts: Vec::new(), left: vec![80, 443], until: Instant::now() };
        let mut dealt_with = |port: u16| {
            asking.note(Asked { address, transport: Transport::Tcp, port, banners: Vec::new() });
            asking.left.clone()
        };
        assert_eq!(dealt_with(22), [80, 443], "asked by an earlier visit");
        assert_eq!((dealt_with(80), dealt_with(80)), (vec![443], vec![443]));
        assert_eq!(dealt_with(443), [0; 0], "it could not be asked");
    }

    #[test]
    fn everybody_is_asked_again_in_their_turn_and_strangers_at_once() {
        const DAY_S: u32 = 86_400;
        let asked = |standing: Standing, days: u32| -> u32 {
            let mut state = TargetState::new(0xc000_0207, 0);
            state.set_standing(standing);
            state.visited_s = 0;
            (1..=days)
                .map(|day| {
                    let is_asked = asks_all(&state, day * DAY_S);
                    state.visited_s = day * DAY_S;
                    u32::from(is_asked)
                })
                .sum()
        };
        assert_eq!((asked(Standing::Device(3), 56), asked(Standing::Answering, 56)), (2, 8));
        assert_eq!((asked(Standing::Gone, 3), asked(Standing::Silent, 3)), (3, 3));
        assert!(asks_all(&TargetState::new(1, 0), 5), "never visited");
    }
}
