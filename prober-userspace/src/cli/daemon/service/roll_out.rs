//! The roll-out: what it is told of probes and errors, what follows when it grows or stops, and keeping its state.

use super::{Moment, Service, WHO, figures};
use crate::cli::daemon::kept_rollout::ROLLOUT;
use crate::model::utc::UtcMicros;
use crate::policy::rollout::RolloutChange;

/// Totals at the last look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    sent: u64,
    errors: u64,
    squares: f64,
}

impl Service {
    pub(super) fn look_at_errors(&mut self, now: Moment) {
        let passed = now.uptime.saturating_sub(self.looked_at);
        self.looked_at = now.uptime;
        let watched = &self.watched;
        let errors = figures::errors(&watched.probing);
        let counted = Counted { sent: watched.probing.sent, errors, squares: watched.squared_probes };
        let sent = counted.sent.saturating_sub(self.counted.sent);
        let errors = counted.errors.saturating_sub(self.counted.errors);
        let squares = counted.squares - self.counted.squares;
        self.counted = counted;
        if !self.holds().is_empty() || self.watched.link_down {
            return;
        }
        self.rollout.note_seen(figures::is_seen(&self.watched, self.watched_targets, self.rollout.share().size()));
        let change = self.rollout.watched(passed.as_secs_f64(), sent, errors, squares);
        self.follow(change, now.utc);
    }

    pub(super) fn follow(&mut self, change: Option<RolloutChange>, now: UtcMicros) {
        let Some(change) = change else { return };
        match change {
            RolloutChange::Grew { .. } => log::info!("{change}"),
            RolloutChange::Halted(_) => log::error!("{change}"),
        }
        self.note(now, WHO, "rollout.change", &serde_json::json!({ "what": change.to_string() }));
        self.keep_rollout(now);
    }

    pub(super) fn keep_rollout(&self, now: UtcMicros) {
        // With the share itself, for whoever looks without the configuration.
        let mut state = serde_json::to_value(self.rollout.state()).unwrap_or_default();
        state["share"] = self.rollout.share().size().into();
        let state = state.to_string();
        if let Err(cause) = self.store.keep_service_state(ROLLOUT, &state, now) {
            log::error!("{cause}");
        }
    }
}
