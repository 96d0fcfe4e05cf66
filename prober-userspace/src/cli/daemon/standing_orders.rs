//! What operators told the daemon by hand and what therefore outlives a restart: a pause, and a rate instead of the
//! configured one.

use serde::{Deserialize, Serialize};

use crate::io::store::{Store, StoreError};
use crate::model::request::RateLimit;
use crate::model::utc::UtcMicros;

/// Under which they are kept.
const NAME: &str = "orders";

/// The orders in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StandingOrders {
    /// Sending is held back.
    pub paused: bool,
    rate: Option<StandingRate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct StandingRate {
    limit: RateLimit,
    /// What the configuration said then: a new value there counts again.
    instead_of: RateLimit,
}

impl StandingOrders {
    /// As they were kept; a rate only if the configured one is the same still.
    pub fn take_up(store: &Store, configured: RateLimit) -> anyhow::Result<Self> {
        let Some((text, _)) = store.service_state(NAME)? else { return Ok(Self::default()) };
        let mut orders: Self = serde_json::from_str(&text)?;
        orders.rate = orders.rate.filter(|rate| rate.instead_of == configured);
        Ok(orders)
    }

    /// Keeps them.
    pub fn keep(&self, store: &Store, now: UtcMicros) -> Result<(), StoreError> {
        store.keep_service_state(NAME, &serde_json::to_string(self).unwrap_or_default(), now)
    }

    /// The rate that was told, if one was.
    pub fn rate(&self) -> Option<RateLimit> {
        self.rate.map(|rate| rate.limit)
    }

    /// This rate from now on, instead of the configured one.
    pub fn set_rate(&mut self, limit: RateLimit, configured: RateLimit) {
        self.rate = (limit != configured).then_some(StandingRate { limit, instead_of: configured });
    }

    /// The configured rate counts again.
    pub fn forget_rate(&mut self) {
        self.rate = None;
    }
}
