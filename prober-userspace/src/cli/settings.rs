//! Settings of a scan from four layers: defaults < file < environment < flags. One table (`options`) names them all;
//! here they become one struct of typed values, and a bad one is an error that says where it was written.

mod layers;
mod options;
pub(in crate::cli) mod parse;
mod probing;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use prober_common::address::V4;
use prober_common::probe::tcp_syn::Profile;
use serde::Serialize;

pub(in crate::cli) use layers::texts_of;
pub use layers::{Layers, Origin, SettingsError};
pub use options::SettingFlags;
pub use parse::{address as parse_address, bandwidth as parse_bandwidth, rate as parse_rate};

use crate::model::mac::Mac;
use crate::model::request::{EngineChoice, RateLimit};
use crate::model::text::as_optional_text;
use crate::target::shard::Shard;

/// The file that is read if no other is named, and may be missing.
pub const DEFAULT_FILE: &str = "/etc/prober.toml";

/// Every setting of a scan, typed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Addresses, prefixes and ranges from the command line.
    pub targets: Vec<String>,
    /// Files of targets.
    pub allowlist_files: Vec<PathBuf>,
    /// File of (address, port) pairs, instead of targets and ports.
    pub pairs_file: Option<PathBuf>,
    /// Port expression; empty if none was given.
    pub target_ports: String,
    /// Files of exclusions, those of every layer together.
    pub blocklist_files: Vec<PathBuf>,
    /// Do not exclude the IANA special ranges.
    pub allow_special: bool,
    /// Overall limit.
    pub rate: RateLimit,
    /// Limit for each /24, packets/s; 0: none.
    pub rate_per_24: f64,
    /// Most targets.
    pub max_targets: Option<MaxTargets>,
    /// Longest time of sending.
    #[serde(serialize_with = "optional_seconds")]
    pub max_runtime: Option<Duration>,
    /// Most results.
    pub max_results: Option<u64>,
    /// Probes per target.
    pub probes: u32,
    /// Time between them.
    #[serde(serialize_with = "seconds")]
    pub probe_spacing: Duration,
    /// Wait for late replies.
    #[serde(serialize_with = "seconds")]
    pub cooldown_time: Duration,
    /// Seed of the order; `None`: drawn at the start.
    pub seed: Option<u64>,
    /// Share of the plan.
    pub shard: Shard,
    /// Ask open ports for their banners meanwhile.
    pub grab: bool,
    /// Connections per second for banners; 0: no limit.
    pub grab_rate: f64,
    /// Of these into a /24; 0: no limit.
    pub grab_rate_per_24: f64,
    /// Hosts asked at the same time.
    pub grab_concurrency: u16,
    /// Patience with one connection.
    #[serde(serialize_with = "seconds")]
    pub grab_timeout: Duration,
    /// Folders of signatures besides the starter database.
    pub signatures: Vec<PathBuf>,
    /// Interface to send by.
    pub interface: Option<String>,
    /// Address to send from.
    #[serde(serialize_with = "as_optional_text")]
    pub source_ip: Option<V4>,
    /// Station to send to.
    pub gateway_mac: Option<Mac>,
    /// Station to send from.
    pub source_mac: Option<Mac>,
    /// VLAN id.
    pub vlan: Option<u16>,
    /// Transmit engine.
    pub engine: EngineChoice,
    /// Transmit threads; 0: one per queue.
    pub sender_threads: u32,
    /// Options of the SYN.
    #[serde(serialize_with = "profile_name")]
    pub profile: Profile,
    /// Initial TTL.
    pub ttl: Option<u8>,
    /// Database.
    pub db: PathBuf,
    /// Time between checkpoints.
    #[serde(serialize_with = "seconds")]
    pub checkpoint_interval: Duration,
    /// Where status objects go.
    pub status_json: Option<PathBuf>,
    /// No progress line.
    pub quiet: bool,
    /// Who runs the scan.
    pub operator: String,
    /// Free text.
    pub notes: String,
    /// How to reach the operator.
    pub contact: String,
    /// Control socket; `None`: the interface's default.
    pub control_socket: Option<PathBuf>,
}

/// A limit on targets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTargets {
    /// So many.
    Count(u64),
    /// So much of the shard, in percent.
    Percent(f64),
}

impl Settings {
    /// The typed values of all layers; the first bad one is the error.
    pub fn resolve(layers: &Layers) -> Result<Self, SettingsError> {
        let rate = if layers.bandwidth_rules()? {
            layers.one("bandwidth", parse::bandwidth)?.unwrap_or(RateLimit::Unlimited)
        } else {
            layers.must("rate", parse::rate)?
        };
        Ok(Self {
            targets: layers.texts("targets").to_vec(),
            allowlist_files: layers.paths("allowlist-file"),
            pairs_file: layers.path("pairs-file"),
            target_ports: layers.texts("target-ports").join(","),
            blocklist_files: layers.paths("blocklist-file"),
            allow_special: layers.switch("allow-special")?,
            rate,
            rate_per_24: layers.must("rate-per-24", parse::per_slash24)?,
            max_targets: layers.one("max-targets", parse::max_targets)?,
            max_runtime: layers.one("max-runtime", parse::duration)?,
            max_results: layers.one("max-results", parse::count)?,
            probes: layers.must("probes", parse::probes)?,
            probe_spacing: layers.must("probe-spacing", parse::duration)?,
            cooldown_time: layers.must("cooldown-time", parse::duration)?,
            seed: layers.one("seed", parse::seed)?,
            shard: layers.shard()?,
            grab: layers.switch("grab")?,
            grab_rate: layers.must("grab-rate", parse::connections)?,
            grab_rate_per_24: layers.must("grab-rate-per-24", parse::connections)?,
            grab_concurrency: layers.must("grab-concurrency", parse::concurrency)?,
            grab_timeout: layers.must("grab-timeout", parse::patience)?,
            signatures: layers.paths("signatures"),
            interface: layers.text("interface"),
            source_ip: layers.one("source-ip", parse::address)?,
            gateway_mac: layers.one("gateway-mac", parse::from_str)?,
            source_mac: layers.one("source-mac", parse::from_str)?,
            vlan: layers.one("vlan", parse::vlan)?,
            engine: layers.must("engine", parse::engine)?,
            sender_threads: layers.must("sender-threads", parse::threads)?,
            profile: layers.must("profile", parse::profile)?,
            ttl: layers.one("ttl", parse::ttl)?,
            db: layers.path("db").unwrap_or_default(),
            checkpoint_interval: layers.must("checkpoint-interval", parse::interval)?,
            status_json: layers.path("status-json"),
            quiet: layers.switch("quiet")?,
            operator: layers.text("operator").unwrap_or_default(),
            notes: layers.text("notes").unwrap_or_default(),
            contact: layers.text("contact").unwrap_or_default(),
            control_socket: layers.path("control-socket"),
        })
    }
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn optional_seconds<S: serde::Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
fn profile_name<S: serde::Serializer>(profile: &Profile, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(profile.name())
}
