//! What follows from the configuration alone: who probes, what is done at night, which changes count at once.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::cli::config::Config;
use crate::cli::config::settings::{DaemonSettings, OperatorSettings};
use crate::engine::congestion_learning::{CongestionConfig, HALF_LIFE_DAYS, SINCE_DAYS, SLOTS};
use crate::engine::housekeeping::NightlyWork;
use crate::model::attribution::{Attribution, ProbesShown};
use crate::model::utc::UtcMicros;
use crate::model::watch::SchemeConfig;
use crate::network::cluster::ClusterConfig;
use crate::policy::grid::DayGrid;
use crate::policy::interval::LADDER_S;

/// Sections and settings that a running daemon takes over.
const LIVE: [&str; 14] = [
    "operator.",
    // Those that leave; those that join are told by number.
    "targets.ranges",
    "targets.files",
    "exclusions.",
    "probing.rate",
    "banners.signatures",
    "networks.",
    "store.nightly-at",
    "retention.",
    "export.",
    "roll-out.",
    "control.kill-switch",
    "control.socket",
    "control.log-format",
];

/// Whether a running daemon takes over a change of this setting.
pub fn is_live(setting: &str) -> bool {
    LIVE.iter().any(|live| setting == *live || live.ends_with('.') && setting.starts_with(live))
}

/// What the configuration wants done at night, for a watch that goes by this scheme until it ends.
pub fn nightly_work(config: &Config, scheme: &SchemeConfig) -> NightlyWork {
    let settings = &config.settings;
    NightlyWork {
        at: settings.nightly_at,
        export: settings.export.clone(),
        retention: settings.retention,
        networks: settings.networks.learn.then(|| congestion(config)),
        scheme: Some(scheme.clone()),
        signatures: Some(Arc::clone(&config.signatures)),
    }
}

fn congestion(config: &Config) -> CongestionConfig {
    let networks = &config.settings.networks;
    CongestionConfig {
        grid: DayGrid::new(SLOTS, networks.utc_offset_s).expect("48 slots fill a day, and offsets are at most 14 h"),
        offsets: config.offsets.clone(),
        medium: networks.medium,
        half_life_days: HALF_LIFE_DAYS,
        since_days: SINCE_DAYS,
        price: ClusterConfig::default().price,
    }
}

/// What those who are probed see: by the settings of the start, as a running daemon takes over no others.
pub fn probes_shown(settings: &DaemonSettings) -> ProbesShown {
    let probing = &settings.probing;
    ProbesShown {
        sources: settings.way_out.source_ip.map(Into::into).into_iter().collect(),
        ports: probing.scheme.starter_ports.clone(),
        interval_s: (f64::from(LADDER_S[0]) / probing.time_scale) as u32,
        most_pps: probing.rate_per_address_pps.ceil() as u32,
    }
}

/// Who probes, as told from now on; `source` is the address that is probed from, once it is known.
pub fn attribution(
    operator: &OperatorSettings,
    probes: &ProbesShown,
    source: Option<Ipv4Addr>,
    now: UtcMicros,
) -> Attribution {
    let valid_us = i64::try_from(operator.valid_for.as_micros()).unwrap_or(i64::MAX);
    let first = operator.contacts.first().expect("a configuration without a contact is refused");
    Attribution {
        operator: operator.name.clone(),
        contacts: operator.contacts.clone(),
        opt_out: operator.opt_out.clone().unwrap_or_else(|| first.clone()),
        base_url: operator.url.clone(),
        description: operator.description.clone(),
        languages: operator.languages.clone(),
        probes: match source {
            Some(source) => ProbesShown { sources: vec![source], ..probes.clone() },
            None => probes.clone(),
        },
        expires: UtcMicros(now.0.saturating_add(valid_us)),
    }
}
