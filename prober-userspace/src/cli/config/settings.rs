//! Every setting of the daemon, typed: what a configuration file says after everything was looked at.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use prober_common::address::V4;
use prober_common::probe::tcp_syn::Profile;

use crate::cli::log_format::LogFormat;
use crate::engine::housekeeping::NightlyExport;
use crate::io::store::RetentionLimits;
use crate::model::attribution::ContactUri;
use crate::model::mac::Mac;
use crate::model::request::{EngineChoice, GrabLimits, RateLimit};
use crate::model::watch::SchemeConfig;
use crate::network::congestion::medium::Medium;
use crate::policy::rollout::RolloutConfig;
use crate::target::range::AddressRange;

/// All of it.
#[derive(Clone, Debug)]
pub struct DaemonSettings {
    /// Who probes.
    pub operator: OperatorSettings,
    /// Whom.
    pub targets: TargetSettings,
    /// Whom not.
    pub exclusions: ListSettings,
    /// What and how fast.
    pub probing: ProbingSettings,
    /// Limits of grabbing; `None`: no banners are asked for.
    pub banners: Option<GrabLimits>,
    /// Files and folders of signatures, besides the starter database.
    pub signatures: Vec<PathBuf>,
    /// What is learnt of networks.
    pub networks: NetworkSettings,
    /// How packets leave.
    pub way_out: WayOutSettings,
    /// The file.
    pub database: PathBuf,
    /// What a power cut may cost.
    pub checkpoint_interval: Duration,
    /// What the database may take of the memory.
    pub database_memory_bytes: u64,
    /// When the work of a night is done, since midnight UTC.
    pub nightly_at: Duration,
    /// How long rows stay.
    pub retention: RetentionLimits,
    /// Parquet copies of each day.
    pub export: Option<NightlyExport>,
    /// How the watched share grows.
    pub rollout: RolloutConfig,
    /// Where /metrics is served.
    pub metrics: Option<SocketAddr>,
    /// Where the public pages are served.
    pub pages: Option<SocketAddr>,
    /// For `prober control`.
    pub socket: PathBuf,
    /// While it exists, nothing is sent.
    pub kill_switch: PathBuf,
    /// Of log lines.
    pub log_format: LogFormat,
}

/// Who probes.
#[derive(Clone, Debug)]
pub struct OperatorSettings {
    /// The organisation.
    pub name: String,
    /// The preferred one first.
    pub contacts: Vec<ContactUri>,
    /// Where to ask not to be probed, if not at the first contact.
    pub opt_out: Option<ContactUri>,
    /// `https://host`.
    pub url: Option<String>,
    /// One line.
    pub description: String,
    /// Language tags.
    pub languages: Vec<String>,
    /// How long the description counts after it was read.
    pub valid_for: Duration,
}

/// Addresses, from the file itself and from lists.
#[derive(Clone, Debug, Default)]
pub struct ListSettings {
    /// In the file itself.
    pub ranges: Vec<AddressRange>,
    /// Files of them.
    pub files: Vec<PathBuf>,
}

/// Whom to watch.
#[derive(Clone, Debug, Default)]
pub struct TargetSettings {
    /// Which addresses.
    pub list: ListSettings,
    /// The IANA special ranges as well.
    pub allow_special: bool,
}

/// What is sent, and how fast.
#[derive(Clone, Debug)]
pub struct ProbingSettings {
    /// The scheme, with the ports to begin with.
    pub scheme: SchemeConfig,
    /// Seconds of the watch's clock per second.
    pub time_scale: f64,
    /// Most probes to an address, pps; 0: no limit.
    pub rate_per_address_pps: f64,
    /// Most probes per second.
    pub rate: RateLimit,
    /// Most of them into any /24, pps; 0: no limit.
    pub rate_per_24_pps: f64,
    /// Bits per second on the wire.
    pub line_bps: Option<f64>,
    /// For late replies.
    pub cooldown: Duration,
    /// Options of the SYN.
    pub profile: Profile,
    /// Initial TTL.
    pub ttl: Option<u8>,
}

/// What is learnt of networks.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// Whether anything is.
    pub learn: bool,
    /// Ahead of UTC, s, where no line of the file says.
    pub utc_offset_s: i32,
    /// File of local times.
    pub offsets: Option<PathBuf>,
    /// Without an estimate.
    pub medium: Medium,
}

/// How packets leave.
#[derive(Clone, Debug)]
pub struct WayOutSettings {
    /// Interface.
    pub interface: Option<String>,
    /// Address to send from.
    pub source_ip: Option<V4>,
    /// Station to send to.
    pub gateway_mac: Option<Mac>,
    /// Station to send from.
    pub source_mac: Option<Mac>,
    /// VLAN.
    pub vlan: Option<u16>,
    /// Transmit engine.
    pub engine: EngineChoice,
    /// 0: one per transmit queue.
    pub sender_threads: u32,
}
