//! What follows from the configuration alone: who probes, what is done at night, which changes count at once.

use std::sync::Arc;

use crate::cli::config::Config;
use crate::cli::config::settings::DaemonSettings;
use crate::engine::housekeeping::NightlyWork;
use crate::model::attribution::Attribution;
use crate::model::utc::UtcMicros;

/// Sections and settings that a running daemon takes over.
const LIVE: [&str; 10] = [
    "operator.",
    "exclusions.",
    "probing.rate",
    "banners.signatures",
    "store.nightly-at",
    "retention.",
    "export.",
    "roll-out.",
    "control.kill-switch",
    "control.log-format",
];

/// Whether a running daemon takes over a change of this setting.
pub fn is_live(setting: &str) -> bool {
    LIVE.iter().any(|live| setting == *live || live.ends_with('.') && setting.starts_with(live))
}

/// What the configuration wants done at night.
pub fn nightly_work(config: &Config) -> NightlyWork {
    let settings = &config.settings;
    NightlyWork {
        at: settings.nightly_at,
        export: settings.export.clone(),
        retention: settings.retention,
        signatures: Some(Arc::clone(&config.signatures)),
    }
}

/// Who probes, as told from now on.
pub fn attribution(settings: &DaemonSettings, now: UtcMicros) -> Attribution {
    let operator = &settings.operator;
    let valid_us = i64::try_from(operator.valid_for.as_micros()).unwrap_or(i64::MAX);
    let first = operator.contacts.first().expect("a configuration without a contact is refused");
    Attribution {
        operator: operator.name.clone(),
        contacts: operator.contacts.clone(),
        opt_out: operator.opt_out.clone().unwrap_or_else(|| first.clone()),
        base_url: operator.url.clone(),
        description: operator.description.clone(),
        languages: operator.languages.clone(),
        expires: UtcMicros(now.0.saturating_add(valid_us)),
    }
}
