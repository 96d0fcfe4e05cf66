//! What the deciding thread knows of an address, for whoever asks.

use prober_common::address::V4;

use super::Watch;
use crate::io::sys::monotonic_ns;
use crate::model::outlook::Outlook;
use crate::policy::planner::WallTime;
use crate::policy::scheme::outlook::View;
use crate::policy::target_state::Standing;

impl Watch<'_> {
    /// `None` if it is no target. Some microseconds.
    pub(super) fn outlook(&self, address: V4) -> Option<Outlook> {
        let states = self.planner.states();
        // States are numbered in the order of their addresses.
        let number = states.binary_search_by_key(&address.0, |state| state.address).ok()?;
        let state = &states[number];
        let device = match state.standing() {
            Standing::Device(device) => self.devices.named().get(usize::from(device)).map(|(name, _)| name.as_str()),
            _ => None,
        };
        let view = View {
            scheme: self.config.scheme.kind.name(),
            wall: WallTime { began_at: self.clock.began_at(), scale: self.config.time_scale },
            now_s: self.clock.now_s(monotonic_ns()) as u32,
        };
        let under_way = self.visits.is_under_way(address) || self.asking.contains_key(&address);
        Some(Outlook { under_way, ..self.planner.scheme().outlook(state, device, view) })
    }
}
