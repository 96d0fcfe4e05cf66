//! When each part of a night's work last went well, kept in the database from one start to the next.

use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

use crate::io::store::Store;
use crate::model::utc::UtcMicros;

/// Its name in the table of what is kept.
const NAME: &str = "night";

/// When each part last went well, s since 1970; 0: never.
#[derive(Debug, Default)]
pub struct Successes {
    pub(super) networks: AtomicI64,
    pub(super) export: AtomicI64,
    pub(super) retention: AtomicI64,
    /// All of a night.
    pub(super) night: AtomicI64,
}

/// As it is kept.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    networks: i64,
    export: i64,
    retention: i64,
    night: i64,
}

impl Successes {
    /// As the last run left them. What cannot be read counts as never.
    pub fn kept(store: &Store) -> Self {
        let text = store.service_state(NAME).ok().flatten();
        let kept: Kept = text.and_then(|(text, _)| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self {
            networks: kept.networks.into(),
            export: kept.export.into(),
            retention: kept.retention.into(),
            night: kept.night.into(),
        }
    }

    /// Keeps them; a failure only has the next start work what was worked.
    pub fn keep(&self, store: &Store, now: UtcMicros) {
        let of = |success: &AtomicI64| success.load(Ordering::Relaxed);
        let kept = Kept {
            networks: of(&self.networks),
            export: of(&self.export),
            retention: of(&self.retention),
            night: of(&self.night),
        };
        let text = serde_json::to_string(&kept).expect("numbers are JSON");
        if let Err(cause) = store.keep_service_state(NAME, &text, now) {
            log::warn!("that the night was worked could not be kept: {cause}");
        }
    }

    /// When a night was last worked of which every part went well.
    pub fn worked(&self) -> Option<UtcMicros> {
        at(&self.night).map(|at| UtcMicros(at * 1_000_000))
    }
}

pub(super) fn at(success: &AtomicI64) -> Option<i64> {
    Some(success.load(Ordering::Relaxed)).filter(|at| *at > 0)
}

pub(super) fn now_at(success: &AtomicI64, now: UtcMicros) {
    success.store(now.0.div_euclid(1_000_000), Ordering::Relaxed);
}
