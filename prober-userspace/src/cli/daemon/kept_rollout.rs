//! The roll-out from one start of the daemon to the next, with the complaints that came while none ran.

use super::service::{WHO, percent};
use crate::cli::config::Config;
use crate::io::store::Store;
use crate::model::utc::UtcMicros;
use crate::policy::rollout::{Rollout, RolloutChange, RolloutState, Share};
use prober_common::address::V4;

/// Under which its state is kept.
pub const ROLLOUT: &str = "rollout";

/// Why an address is not visited, if it is not in the watched share.
pub fn outside(share: Share, address: V4) -> Option<String> {
    let size = percent(share.size());
    (!share.holds(address)).then(|| format!("outside of the {size} of the targets that are watched so far"))
}

/// The roll-out as it was kept, with the complaints that came while no daemon ran.
pub(super) fn take_up(store: &Store, config: &Config, fresh_key: u64, now: UtcMicros) -> anyhow::Result<Rollout> {
    let (state, kept_at) = match store.service_state(ROLLOUT)? {
        Some((text, at)) => (serde_json::from_str(&text)?, Some(at)),
        None => (RolloutState { key: fresh_key, ..RolloutState::default() }, None),
    };
    let mut rollout = Rollout::new(config.settings.rollout.clone(), state);
    if let Some(kept_at) = kept_at {
        let complaints = store.complaints_since(kept_at)?;
        if complaints > 0
            && let Some(halt) = rollout.complained(complaints)
        {
            let change = RolloutChange::Halted(halt).to_string();
            log::error!("{change}");
            store.audit(now, WHO, "rollout.change", &serde_json::json!({ "what": change }))?;
        }
    }
    if let Some(halt) = rollout.halt() {
        log::warn!("the roll-out is stopped ({halt}); `prober control resume` goes on one step smaller");
    }
    Ok(rollout)
}
