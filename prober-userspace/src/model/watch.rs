//! The watch that a daemon keeps: how it is set up, what whoever oversees it may wish, and what it shows of itself. Where
//! the settings come from, and how status is shown, is elsewhere.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use prober_common::address::V4;
use serde::{Deserialize, Serialize};

use super::link::LinkRequest;
use super::outlook::Outlook;
use super::request::{EngineChoice, GrabLimits, ProbeStyle, RateLimit, Record};
use super::status::StatusSample;
use crate::device::database::Database;
use crate::policy::learnt_networks::LearntNetworks;
use crate::policy::starter::Known;
use crate::target::address_set::AddressSet;

/// A watch that is asked for, with everything decided.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// The database: states, replies, banners.
    pub database: PathBuf,
    /// Whom to watch.
    pub targets: AddressSet,
    /// On which ports, and when again.
    pub scheme: SchemeConfig,
    /// How to find the way out.
    pub link: LinkRequest,
    /// Which transmit engine.
    pub engine: EngineChoice,
    /// Transmit threads; 0: one per transmit queue.
    pub sender_threads: u32,
    /// What probes look like.
    pub style: ProbeStyle,
    /// Overall limit.
    pub rate: RateLimit,
    /// Limit for each /24, packets/s; 0: none.
    pub rate_per_slash24_pps: f64,
    /// Limit for each address, packets/s; 0: none.
    pub rate_per_address_pps: f64,
    /// How long after its last probe a visit waits for replies.
    pub reply_timeout: Duration,
    /// Banners of what is new; none are asked for without.
    pub grab: Option<GrabLimits>,
    /// What banners tell devices by.
    pub signatures: Arc<Database>,
    /// What a kill may repeat.
    pub save_interval: Duration,
    /// Seconds of the policy's clock per second; 1 but in a laboratory.
    pub time_scale: f64,
    /// What is written down about it.
    pub record: Record,
}

/// Which scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SchemeKind {
    /// Every port of the standard set every 12 hours.
    Standard,
    /// The published one: three port sets and a ladder of intervals.
    Efficient,
    /// Each port as often as it is expected to find something.
    Predictive,
}

impl SchemeKind {
    /// Every scheme.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Efficient, Self::Predictive];

    /// The name in files and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Efficient => "efficient",
            Self::Predictive => "predictive",
        }
    }
}

/// A scheme with its settings; stored with the watch, so that what it does can be explained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SchemeConfig {
    /// Which.
    pub kind: SchemeKind,
    /// Ports to begin with, the most telling first, for a store from which none can be derived: the standard set.
    pub starter_ports: Vec<u16>,
    /// What the derived sets are to find of what there is, 0 to 1.
    pub coverage: f64,
    /// Predictive: how many times fewer probes than every port of the standard set twice a day.
    #[serde(default = "usual_reduction")]
    pub reduction: f64,
    /// Predictive: part of them that goes to any port at all, 0 to 1.
    pub exploration: f64,
    /// Predictive: of the addresses, those that are thought to answer before anything is known, 0 to 1.
    pub answering: f64,
    /// Predictive: while nothing is known of ports, about so many answering addresses are drawn whose first visit probes the
    /// standard set; 0: none.
    #[serde(default)]
    pub sample: u32,
    /// The share of the addresses that was drawn, 0 to 1; told by the watch when it begins, and the same from then on.
    #[serde(default)]
    pub sampled: f64,
}

/// METHODS section 10: what the published scheme reaches, twice over.
pub const USUAL_REDUCTION: f64 = 80.0;

/// With as many answering addresses, derived ports find 98 % of what all of a country's do (`prober simulate policy --stored`).
pub const USUAL_SAMPLE: u32 = 10_000;

/// For watches that were stored with a budget of their own.
const fn usual_reduction() -> f64 {
    USUAL_REDUCTION
}

impl SchemeConfig {
    /// With what is usual besides scheme and ports.
    pub const fn usual(kind: SchemeKind, starter_ports: Vec<u16>) -> Self {
        Self {
            kind,
            starter_ports,
            coverage: 0.95,
            reduction: USUAL_REDUCTION,
            exploration: 0.03,
            answering: 0.025,
            sample: USUAL_SAMPLE,
            sampled: 0.0,
        }
    }

    /// Predictive: probes a day for each address, on average, with a standard set of so many ports.
    pub fn budget_per_day(&self, standard_ports: usize) -> f64 {
        2.0 * standard_ports as f64 / self.reduction
    }
}

/// What whoever oversees a watch wants of it from now on.
#[derive(Clone, Default)]
pub struct Wishes {
    /// Hold sending back; replies are received all the while.
    pub hold: bool,
    /// Change the overall limit.
    pub rate: Option<RateLimit>,
    /// End it cleanly.
    pub stop: bool,
    /// Watch only the addresses of this share (of all: `None`); those outside wait.
    pub share: Option<Share>,
    /// Tell devices by these signatures from now on.
    pub signatures: Option<Arc<Database>>,
    /// Spare networks by what was learnt of them anew.
    pub networks: Option<Arc<LearntNetworks>>,
    /// Look for what there is on these ports from now on.
    pub known: Option<Arc<Known>>,
    /// Answer these.
    pub asked: Vec<Question>,
    /// Forget what is known of these.
    pub forgotten: Vec<Forgetting>,
}

/// Addresses that are excluded and of which nothing is to be known any more.
#[derive(Clone, Debug)]
pub struct Forgetting {
    /// Which.
    pub addresses: Arc<AddressSet>,
    /// Told how many rows of which tables of states that took off the disk.
    pub done: SyncSender<Vec<(String, u64)>>,
}

/// What is known of an address, and what comes next there.
#[derive(Clone)]
pub struct Question {
    /// Of which address.
    pub address: V4,
    /// Takes the answer, `None` if it is no target; must not wait.
    pub answer: Arc<dyn Fn(Option<Outlook>) + Send + Sync>,
}

/// A share of the addresses.
#[derive(Clone)]
pub struct Share {
    /// Those for which it is true.
    pub holds: Arc<dyn Fn(V4) -> bool + Send + Sync>,
    /// How large it is, 0 to 1.
    pub size: f64,
}

/// Whoever oversees a watch ended it before it had begun; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ended before the watch began")]
pub struct EndedEarly;

/// Oversees a watch: looked at about ten times a second, and asked what it wants.
pub trait Overseer {
    /// Hears what is done before the watch begins, again and again while it is done; whether it is to go on with that.
    fn opens(&mut self, what: &str) -> bool {
        let _ = what;
        true
    }

    /// Takes note of how it goes, and says what to do.
    fn oversee(&mut self, status: &WatchStatus) -> Wishes;
}

/// Addresses by what is known of them. Stable field names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingCounts {
    /// Not visited yet, or to be visited on the standard set.
    pub new: u64,
    /// Nothing answers.
    pub silent: u64,
    /// Silent now, but not for long.
    pub gone: u64,
    /// Answering, without a known device.
    pub answering: u64,
    /// With a known device.
    pub device: u64,
    /// Set apart as honeypots.
    pub honeypot: u64,
}

/// Whether the plan can be met. Stable field names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanStatus {
    /// Probes a second that visits to known addresses need, on average.
    pub needed_pps: f64,
    /// Probes a second that the limits allow.
    pub allowed_pps: f64,
    /// How far visits lag behind their due time, seconds of the policy.
    pub behind_s: u32,
    /// Visits that are due and wait.
    pub due_visits: u64,
    /// How long the first visits that are left take with what the others leave of the rate, seconds of the policy.
    #[serde(default)]
    pub first_round_s: f64,
    /// What to change if it cannot be met.
    pub advice: Option<String>,
}

/// How a watch goes. Stable field names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchStatus {
    /// The policy's clock, seconds since the watch began.
    pub clock_s: u32,
    /// Which scheme.
    pub scheme: String,
    /// The address that is probed from.
    pub source: Option<Ipv4Addr>,
    /// Watched addresses.
    pub targets: u64,
    /// By what is known of them.
    pub standings: StandingCounts,
    /// Whether the plan can be met.
    pub plan: PlanStatus,
    /// Visits under way.
    pub visits_under_way: u64,
    /// The interface is down: nothing is sent until it is up again.
    #[serde(default)]
    pub link_down: bool,
    /// Of the addresses known to answer none does, one after the other: the fault is on the way, and nothing is learnt from
    /// silence until one answers.
    #[serde(default)]
    pub is_unanswered: bool,
    /// Visits that an interface that went down, or an outage on the way, interrupted; they come again.
    #[serde(default)]
    pub visits_interrupted: u64,
    /// Visits decided since the start.
    pub visits: u64,
    /// Sum over these of their probes squared, by which it is told how far errors are of several addresses.
    pub squared_probes: f64,
    /// Visits given up because the address is excluded now.
    pub visits_excluded: u64,
    /// Of the visits, those that found something else than the last one.
    pub changes: u64,
    /// The database takes states too slowly: no visits are begun until it has taken those that wait.
    #[serde(default)]
    pub is_store_behind: bool,
    /// Changed states that wait to be handed to the database.
    #[serde(default)]
    pub states_waiting: u64,
    /// Changed states on disk since the start.
    pub states_saved: u64,
    /// Replies that belonged to no visit under way: late ones, and those of before a restart.
    pub replies_unmatched: u64,
    /// Replies that came faster than they could be looked at; they are stored all the same.
    pub replies_missed: u64,
    /// How the probing goes.
    pub probing: StatusSample,
}
