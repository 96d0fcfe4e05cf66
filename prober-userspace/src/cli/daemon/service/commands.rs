//! What operators tell the running daemon over its control socket.

use super::{Moment, Service, percent};
use crate::io::control::{ControlCommand, ControlReply};
use crate::io::store::StoredExclusion;
use crate::model::request::RateLimit;
use crate::model::utc::UtcMicros;
use crate::policy::rollout::RolloutChange;
use crate::target::list::parse_address_argument;
use crate::target::range::AddressRange;

impl Service {
    /// Carries out a command; questions are for [`answer`](Self::answer).
    /// `who` asks, as the control socket says.
    pub fn command(&mut self, command: ControlCommand, who: &str, now: Moment) -> ControlReply {
        let refusal = match command {
            ControlCommand::Status => None,
            ControlCommand::Rate { pps } => {
                self.set_rate(RateLimit::Packets(pps), who, now.utc);
                None
            }
            ControlCommand::Bandwidth { bps } => {
                self.set_rate(RateLimit::Bits(bps), who, now.utc);
                None
            }
            ControlCommand::Unlimited => {
                self.set_rate(RateLimit::Unlimited, who, now.utc);
                None
            }
            ControlCommand::Pause => {
                self.orders.paused = true;
                self.keep_orders(now.utc);
                self.note(now.utc, who, "daemon.pause", &serde_json::json!({}));
                None
            }
            ControlCommand::Resume => {
                self.resume(who, now.utc);
                None
            }
            ControlCommand::Stop => {
                self.ending = true;
                self.note(now.utc, who, "daemon.stop_asked", &serde_json::json!({}));
                None
            }
            ControlCommand::Nightly => self.begin_night(who, now.utc).err(),
            ControlCommand::Reload => self.reload(who, now.utc).err(),
            ControlCommand::Exclude { ranges, reason, who } => self.exclude(&ranges, &reason, &who, now.utc).err(),
            ControlCommand::Complain { text, who } => self.complain(&text, &who, now.utc).err(),
            ControlCommand::Unexclude { ranges, who } => self.unexclude(&ranges, &who, now.utc).err(),
            ControlCommand::Why { .. }
            | ControlCommand::Exclusions
            | ControlCommand::Excluded { .. }
            | ControlCommand::Complaints
            | ControlCommand::Forget { .. }
            | ControlCommand::Query { .. }
            | ControlCommand::Look { .. } => Some("a question is not answered at once".to_owned()),
        };
        match refusal {
            Some(reason) => ControlReply::refused(reason),
            None => ControlReply::Service(Box::new(self.status(now))),
        }
    }

    fn set_rate(&mut self, rate: RateLimit, who: &str, now: UtcMicros) {
        self.rate = Some(rate);
        self.orders.set_rate(rate, self.config.settings.probing.rate);
        self.keep_orders(now);
        self.note(now, who, "daemon.rate", &serde_json::json!({ "rate": rate }));
    }

    fn resume(&mut self, who: &str, now: UtcMicros) {
        self.orders.paused = false;
        self.keep_orders(now);
        let share = self.rollout.resume();
        if let Some(share) = share {
            log::info!("the roll-out goes on with {} of the targets", percent(share.size()));
        }
        self.keep_rollout(now);
        self.note(now, who, "daemon.resume", &serde_json::json!({ "share": self.rollout.share().size() }));
    }

    fn begin_night(&self, who: &str, now: UtcMicros) -> Result<(), String> {
        let nightly = self.nightly.as_ref().ok_or("the daemon is still starting; try again in a moment")?;
        if !nightly.begin() {
            return Err("the nightly work is under way already; `prober status` shows when it is not".to_owned());
        }
        log::info!("the nightly work is done now: {who} asked for it");
        self.note(now, who, "daemon.nightly", &serde_json::json!({}));
        Ok(())
    }

    fn exclude(&mut self, ranges: &[String], reason: &str, who: &str, now: UtcMicros) -> Result<(), String> {
        let parsed = parsed(ranges)?;
        // In force even if the store fails: then it is asked for again.
        let exclusions = self.watch.store(parsed.iter().copied());
        self.exclude_only(exclusions, now);
        let entry = |range: &AddressRange| StoredExclusion {
            first: range.first(),
            last: range.last(),
            reason: reason.to_owned(),
            added_at: now,
            added_by: who.to_owned(),
        };
        let entries: Vec<_> = parsed.iter().map(entry).collect();
        let kept = self.store.add_exclusions(&entries);
        kept.map_err(|cause| format!("excluded until the daemon ends, but not stored: {cause}; try again"))?;
        log::info!("{who} excluded {} ranges: {reason}", parsed.len());
        Ok(())
    }

    fn unexclude(&mut self, ranges: &[String], who: &str, now: UtcMicros) -> Result<(), String> {
        let parsed = parsed(ranges)?;
        self.store.remove_exclusions(&parsed, now, who).map_err(|cause| cause.to_string())?;
        let stored: Vec<_> = self.watch.stored().to_vec();
        let left = self.watch.keep_stored(stored.into_iter().filter(|range| !parsed.contains(range)));
        self.exclude_only(left, now);
        log::info!("{who} removed {} stored exclusions", parsed.len());
        Ok(())
    }

    fn complain(&mut self, text: &str, who: &str, now: UtcMicros) -> Result<(), String> {
        log::warn!("complaint entered by {who}: {text}");
        let halt = self.rollout.complained(1);
        self.follow(halt.map(RolloutChange::Halted), now);
        self.keep_rollout(now);
        self.store.add_complaint(now, who, text).map_err(|cause| format!("counted, but not stored: {cause}"))
    }
}

pub(super) fn parsed(ranges: &[String]) -> Result<Vec<AddressRange>, String> {
    let parsed: Result<Vec<_>, _> = ranges.iter().map(|text| parse_address_argument(text)).collect();
    parsed.map(|parsed| parsed.concat()).map_err(|cause| cause.to_string())
}
