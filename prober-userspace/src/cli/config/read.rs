//! What each key's text means. One function for each section; what does not go together is told by `contradiction`.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use prober_common::event::ProbeKind;

use super::document::Document;
use super::reader::Reader;
use super::settings::{
    DaemonSettings, ListSettings, NetworkSettings, OperatorSettings, ProbingSettings, TargetSettings, WayOutSettings,
};
use crate::cli::log_format::LogFormat;
use crate::cli::settings::parse;
use crate::engine::housekeeping::NightlyExport;
use crate::io::store::RetentionLimits;
use crate::model::attribution::{base_url, language_tag, one_line};
use crate::model::request::GrabLimits;
use crate::model::watch::{SchemeConfig, SchemeKind};
use crate::network::local_time::utc_offset;
use crate::policy::rollout::RolloutConfig;
use crate::policy::starter::is_sample;
use crate::target::list::parse_address_argument;
use crate::target::ports::PortList;

/// The longest that a description may count (RFC 9116, section 2.5.5).
const YEAR: Duration = Duration::from_hours(366 * 24);
const DAY: Duration = Duration::from_hours(24);

/// Reads every key; what is wrong is noted in the document, and the values are then of no use.
pub fn read(document: &mut Document) -> DaemonSettings {
    let reader = &mut Reader::new(document);
    let settings = DaemonSettings {
        operator: operator(reader),
        targets: TargetSettings {
            list: list(reader, "targets"),
            allow_special: reader.value("targets", "allow-special", parse::switch),
        },
        exclusions: list(reader, "exclusions"),
        probing: probing(reader),
        banners: banners(reader),
        signatures: reader.many("banners", "signatures", absolute_path),
        networks: networks(reader),
        way_out: way_out(reader),
        database: reader.value("store", "database", absolute_path),
        checkpoint_interval: reader.value("store", "checkpoint-interval", parse::interval),
        database_memory_bytes: reader.value("store", "memory", memory),
        nightly_at: reader.value("store", "nightly-at", time_of_day),
        retention: retention(reader),
        export: export(reader),
        rollout: rollout(reader),
        metrics: reader.optional("http", "metrics", socket_address),
        pages: reader.optional("http", "pages", socket_address),
        socket: reader.value("control", "socket", absolute_path),
        kill_switch: reader.value("control", "kill-switch", absolute_path),
        log_format: reader.value("control", "log-format", parse::from_str::<LogFormat>),
    };
    super::contradiction::note(&settings, reader);
    settings
}

fn operator(reader: &mut Reader<'_>) -> OperatorSettings {
    OperatorSettings {
        name: reader.optional("operator", "name", one_line).unwrap_or_default(),
        contacts: reader.many("operator", "contact", parse::from_str),
        opt_out: reader.optional("operator", "opt-out", parse::from_str),
        url: reader.optional("operator", "url", base_url),
        description: reader.value("operator", "description", one_line),
        languages: reader.many("operator", "languages", language_tag),
        valid_for: reader.value("operator", "valid-for", |text| {
            let time = parse::duration(text)?;
            if (DAY..=YEAR).contains(&time) { Ok(time) } else { Err(format!("\"{text}\" is not from 1d to 366d")) }
        }),
    }
}

fn list(reader: &mut Reader<'_>, section: &'static str) -> ListSettings {
    let ranges = reader.many(section, "ranges", |text| parse_address_argument(text).map_err(|cause| cause.to_string()));
    ListSettings { ranges: ranges.concat(), files: reader.many(section, "files", absolute_path) }
}

fn probing(reader: &mut Reader<'_>) -> ProbingSettings {
    ProbingSettings {
        scheme: scheme(reader),
        time_scale: reader.value("probing", "time-scale", |text| {
            let number = text.trim().parse().ok().filter(|number: &f64| (1e-3..=1e6).contains(number));
            number.ok_or_else(|| format!("\"{text}\" is not a number from 0.001 to 1000000"))
        }),
        rate: reader.value("probing", "rate", parse::rate),
        rate_per_address_pps: reader.value("probing", "rate-per-address", parse::per_slash24),
        rate_per_24_pps: reader.value("probing", "rate-per-24", parse::per_slash24),
        line_bps: reader.optional("probing", "line", parse::bits),
        cooldown: reader.value("probing", "cooldown", parse::interval),
        profile: reader.value("probing", "profile", parse::profile),
        ttl: reader.optional("probing", "ttl", parse::ttl),
    }
}

fn scheme(reader: &mut Reader<'_>) -> SchemeConfig {
    let mut starter_ports = reader.many("probing", "ports", tcp_ports).concat();
    let mut seen = HashSet::new();
    starter_ports.retain(|port| seen.insert(*port));
    SchemeConfig {
        kind: reader.value("probing", "scheme", |text| {
            let found = SchemeKind::ALL.into_iter().find(|scheme| scheme.name() == text.trim());
            found.ok_or_else(|| format!("\"{text}\" is no scheme; choose from standard, efficient, predictive"))
        }),
        starter_ports,
        coverage: reader.value("probing", "coverage", share),
        reduction: reader.value("probing", "reduction", |text| {
            let number = text.trim().parse().ok().filter(|number: &f64| (1.0..=1e4).contains(number));
            number.ok_or_else(|| format!("\"{text}\" is not a number from 1 to 10000"))
        }),
        exploration: reader.value("probing", "exploration", share),
        answering: reader.value("probing", "answering", share),
        sample: reader.value("probing", "sample", |text| {
            let number = text.trim().parse().ok().filter(|number| is_sample(*number));
            number.ok_or_else(|| {
                format!("\"{text}\" is neither 0 nor a number from 1000 on: ports cannot be derived from fewer")
            })
        }),
        sampled: 0.0,
    }
}

/// The TCP ports of an expression. Sets may hold others, which are left out; to name another by itself is a mistake.
fn tcp_ports(text: &str) -> Result<Vec<u16>, String> {
    let list: PortList = parse::from_str(text)?;
    let other = list.ports().iter().find(|port| port.kind != ProbeKind::TcpSyn).filter(|_| !text.contains('@'));
    if let Some(other) = other {
        return Err(format!("{other}: only TCP ports are watched; leave it out"));
    }
    Ok(list.ports().iter().filter(|port| port.kind == ProbeKind::TcpSyn).map(|port| port.port).collect())
}

fn banners(reader: &mut Reader<'_>) -> Option<GrabLimits> {
    let limits = GrabLimits {
        rate: reader.value("banners", "rate", parse::connections),
        rate_per_24: reader.value("banners", "rate-per-24", parse::connections),
        concurrency: reader.value("banners", "concurrency", parse::concurrency).into(),
        timeout: reader.value("banners", "timeout", parse::patience),
    };
    reader.value("banners", "grab", parse::switch).then_some(limits)
}

fn networks(reader: &mut Reader<'_>) -> NetworkSettings {
    NetworkSettings {
        learn: reader.value("networks", "learn", parse::switch),
        utc_offset_s: reader.value("networks", "utc-offset", |text| utc_offset(text.trim())),
        offsets: reader.optional("networks", "offsets", absolute_path),
        medium: reader.value("networks", "medium", parse::from_str),
    }
}

fn way_out(reader: &mut Reader<'_>) -> WayOutSettings {
    WayOutSettings {
        interface: reader.optional("way-out", "interface", one_line),
        source_ip: reader.optional("way-out", "source-ip", parse::address),
        gateway_mac: reader.optional("way-out", "gateway-mac", parse::from_str),
        source_mac: reader.optional("way-out", "source-mac", parse::from_str),
        vlan: reader.optional("way-out", "vlan", parse::vlan),
        engine: reader.value("way-out", "engine", parse::engine),
        sender_threads: reader.value("way-out", "sender-threads", parse::threads),
    }
}

fn retention(reader: &mut Reader<'_>) -> RetentionLimits {
    RetentionLimits {
        replies: reader.value("retention", "replies", or_forever),
        banners: reader.value("retention", "banners", or_forever),
        estimates: reader.value("retention", "estimates", or_forever),
        audit: reader.value("retention", "audit", or_forever),
    }
}

fn export(reader: &mut Reader<'_>) -> Option<NightlyExport> {
    let keep = reader.value("export", "keep", or_forever);
    let folder = reader.optional("export", "folder", absolute_path)?;
    Some(NightlyExport { folder, keep })
}

fn rollout(reader: &mut Reader<'_>) -> RolloutConfig {
    RolloutConfig {
        steps: reader.many("roll-out", "steps", share),
        step_time: reader.value("roll-out", "step-time", parse::interval),
        most_errors: reader.value("roll-out", "errors", share),
        most_complaints: reader.value("roll-out", "complaints", |text| {
            text.trim().parse().map_err(|_| format!("\"{text}\" is not a whole number"))
        }),
    }
}

/// `forever`, or a number of days of at least one.
fn or_forever(text: &str) -> Result<Option<Duration>, String> {
    if text.trim() == "forever" {
        return Ok(None);
    }
    let time = parse::duration(text)?;
    if time >= DAY { Ok(Some(time)) } else { Err(format!("\"{text}\" is less than a day; write like 90d, or forever")) }
}

/// `03:30`.
fn time_of_day(text: &str) -> Result<Duration, String> {
    let number = |text: &str, below: u64| {
        Some(text).filter(|text| text.len() == 2)?.parse::<u64>().ok().filter(|number| *number < below)
    };
    let read = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        Some(Duration::from_secs(number(hour, 24)? * 3600 + number(minute, 60)? * 60))
    };
    read(text.trim()).ok_or_else(|| format!("\"{text}\" is not a time of day; write like 03:30 (UTC)"))
}

/// `1G`; with less than this the database cannot even write what it has.
fn memory(text: &str) -> Result<u64, String> {
    parse::bytes(text)
        .ok()
        .filter(|bytes| *bytes >= 256_000_000)
        .ok_or_else(|| format!("\"{text}\" is not an amount of memory; write bytes like 1G or 800M, at least 256M"))
}

/// `5%`, above 0 and up to 100.
fn share(text: &str) -> Result<f64, String> {
    let percent: Option<f64> = text.trim().strip_suffix('%').and_then(|number| number.trim().parse().ok());
    let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
    percent
        .map(|percent| percent / 100.0)
        .ok_or_else(|| format!("\"{text}\" is not a share; write above 0% and up to 100%"))
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .trim()
        .parse()
        .map_err(|_| format!("\"{text}\" is not an address and port; write like 127.0.0.1:9477 or [::1]:9477"))?;
    if address.port() == 0 { Err(format!("\"{text}\" has no port")) } else { Ok(address) }
}

/// A service has no folder of its own to start from.
fn absolute_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err(format!("\"{text}\" is not an absolute path; write it from / on")) }
}
