//! Removing what is stored of those who asked for it, in the database of the running daemon.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::commands::parsed;
use super::questions::tell;
use super::{Moment, Service};
use crate::cli::config::settings::DaemonSettings;
use crate::engine::housekeeping::forgetting::ForgettingOrder;
use crate::io::control::{ControlReply, Forgotten};
use crate::io::store::exported_days;
use crate::model::watch::Forgetting;
use crate::target::address_set::AddressSet;

/// How long what is under way may take to the disk.
const ON_DISK: Duration = Duration::from_secs(3);

impl Service {
    /// Has it done, and sees to it that the client is told; refuses what is not excluded.
    pub(super) fn forget(&mut self, ranges: &[String], who: String, reply: &SyncSender<ControlReply>, now: Moment) {
        let addresses = match self.forgettable(ranges) {
            Ok(addresses) => Arc::new(addresses),
            Err(reason) => return tell(reply, ControlReply::refused(reason)),
        };
        let Some(nightly) = &self.nightly else {
            let reason = "the daemon is still starting; try again in a moment";
            return tell(reply, ControlReply::refused(reason));
        };
        let (done, states) = sync_channel(1);
        let excluded_us = now.utc.0.saturating_sub(self.exclusions_loaded_at.0).max(0).unsigned_abs();
        let wait = self.settling.saturating_sub(Duration::from_micros(excluded_us));
        let export = self.config.settings.export.as_ref().map(|export| export.folder.clone());
        let (named, client) = (addresses.len(), reply.clone());
        let answer = move |outcome: Result<Vec<(String, u64)>, String>| {
            let told = outcome.map(|rows| Forgotten {
                addresses: named,
                rows: rows.into_iter().collect(),
                exported_days: export.map(|folder| exported_days(&folder)).unwrap_or_default(),
            });
            tell(&client, told.map_or_else(ControlReply::refused, ControlReply::Forgotten));
        };
        let order = ForgettingOrder {
            addresses: Arc::clone(&addresses),
            not_before: Instant::now() + wait,
            states,
            who,
            answer: Box::new(answer),
        };
        if nightly.forget(order).is_some() {
            let reason = "the nightly work, or another removal, is under way; `prober status` shows when it is not";
            return tell(reply, ControlReply::refused(reason));
        }
        self.forgotten.push(Forgetting { addresses, done });
    }

    /// What the deciding thread is to forget; given out once.
    pub fn forgotten(&mut self) -> Vec<Forgetting> {
        std::mem::take(&mut self.forgotten)
    }

    fn forgettable(&self, ranges: &[String]) -> Result<AddressSet, String> {
        let addresses = AddressSet::from_ranges(parsed(ranges)?);
        let left = addresses.subtract(self.exclusions.current().addresses());
        match left.ranges().next() {
            None => Ok(addresses),
            Some(range) => Err(format!(
                "{range} is not excluded, so what is removed would come back; nothing was removed: `prober exclude add` first"
            )),
        }
    }
}

/// After an exclusion, how long replies and banners may still come of what was sent before.
pub(super) fn settling(settings: &DaemonSettings) -> Duration {
    // Over both connections of a port, as long as the slowest attempts may take.
    let banners = settings.banners.map_or(Duration::ZERO, |limits| 4 * limits.timeout);
    settings.probing.cooldown + banners + ON_DISK
}
