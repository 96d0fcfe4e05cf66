//! Everything about the running daemon but the probing itself: what holds sending back, reloading, exclusions, roll-out,
//! commands and what is shown. One owner of this state, turned by the daemon's loop; what it wants of the probing it says
//! as orders.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::exclusion_watch::{ExclusionWatch, Seen};
use super::figures;
use super::from_settings::{attribution, is_live, nightly_work};
use super::kept_rollout::{ROLLOUT, take_up};
use super::shown::Shown;
use crate::cli::config::Config;
use crate::cli::config::problem::Problems;
use crate::cli::log_format;
use crate::device::database::Database;
use crate::engine::housekeeping::Housekeeping;
use crate::io::control::{ControlCommand, ControlReply};
use crate::io::store::{Store, StoredExclusion};
use crate::model::request::RateLimit;
use crate::model::service_status::{
    ExclusionStatus, Hold, RolloutStatus, ServiceStatus, SignatureStatus, SourceStatus,
};
use crate::model::utc::UtcMicros;
use crate::model::watch::WatchStatus;
use crate::policy::rollout::{Rollout, RolloutChange, Share};
use crate::target::list::parse_address_argument;
use crate::target::range::AddressRange;
use crate::target::shared_exclusions::SharedExclusions;

/// How often the roll-out looks at errors, and keeps its state.
const ROLLOUT_LOOK: Duration = Duration::from_secs(5);
const ROLLOUT_KEEP: Duration = Duration::from_secs(30);
/// Who did it, in the audit trail.
const WHO: &str = "prober daemon";

/// What the service wants of the probing from now on.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Hold all sending back.
    pub hold: bool,
    /// Change the overall limit.
    pub rate: Option<RateLimit>,
    /// Watch this share of the targets.
    pub share: Share,
    /// Tell devices by these from now on.
    pub signatures: Option<Arc<Database>>,
    /// End it cleanly.
    pub stop: bool,
}

/// Times of one turn.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Since the start.
    pub uptime: Duration,
    /// On the wall.
    pub utc: UtcMicros,
}

/// The state.
pub struct Service {
    watched: WatchStatus,
    rate: Option<RateLimit>,
    signatures: Option<Arc<Database>>,
    file: PathBuf,
    config: Config,
    exclusions: Arc<SharedExclusions>,
    watch: ExclusionWatch,
    rollout: Rollout,
    store: Store,
    nightly: Option<Housekeeping>,
    shown: Arc<Shown>,
    paused: bool,
    killed: bool,
    ending: bool,
    problems: Vec<String>,
    loaded_at: UtcMicros,
    exclusions_loaded_at: UtcMicros,
    counted: Counted,
    looked_at: Duration,
    kept_at: Duration,
}

/// Totals at the last look.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    sent: u64,
    errors: u64,
}

/// What the service is made of.
pub struct Parts {
    /// The configuration file.
    pub file: PathBuf,
    /// What it says.
    pub config: Config,
    /// What is checked before the wire.
    pub exclusions: Arc<SharedExclusions>,
    /// The exclusion files.
    pub watch: ExclusionWatch,
    /// A connection of its own.
    pub store: Store,
    /// What happens at night.
    pub nightly: Option<Housekeeping>,
    /// Key of the roll-out if there is no state yet.
    pub fresh_key: u64,
}

impl Service {
    /// Takes up where the last run ended.
    pub fn new(parts: Parts, now: UtcMicros) -> anyhow::Result<Self> {
        let Parts { file, config, exclusions, watch, store, nightly, fresh_key } = parts;
        let rollout = take_up(&store, &config, fresh_key)?;
        let shown = Shown {
            attribution: RwLock::new(attribution(&config.settings, now)),
            status: RwLock::new(ServiceStatus::default()),
        };
        let mut service = Self {
            watched: WatchStatus::default(),
            rate: None,
            signatures: None,
            file,
            config,
            exclusions,
            watch,
            rollout,
            store,
            nightly,
            shown: Arc::new(shown),
            paused: false,
            killed: false,
            ending: false,
            problems: Vec::new(),
            loaded_at: now,
            exclusions_loaded_at: now,
            counted: Counted::default(),
            looked_at: Duration::ZERO,
            kept_at: Duration::ZERO,
        };
        let detail =
            serde_json::json!({ "configuration": service.config.record, "share": service.rollout.share().size() });
        service.note(now, WHO, "daemon.start", &detail);
        service.look_at_kill_switch(now);
        Ok(service)
    }

    /// What the HTTP server shows.
    pub fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown)
    }

    /// Its connection.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The configuration in force.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Looks around and says what is wanted; to be called ten times a second. `watched` is how the watch goes.
    pub fn turn(&mut self, now: Moment, watched: &WatchStatus) -> Orders {
        if watched.link_down != self.watched.link_down {
            let what = if watched.link_down { "link.down" } else { "link.up" };
            let detail = serde_json::json!({ "visits_interrupted": watched.visits_interrupted });
            self.note(now.utc, WHO, what, &detail);
        }
        self.watched.clone_from(watched);
        self.look_at_kill_switch(now.utc);
        self.look_at_exclusions(now);
        if now.uptime >= self.looked_at + ROLLOUT_LOOK {
            self.look_at_errors(now);
            *self.shown.attribution.write().unwrap_or_else(PoisonError::into_inner) =
                attribution(&self.config.settings, now.utc);
        }
        if now.uptime >= self.kept_at + ROLLOUT_KEEP {
            self.kept_at = now.uptime;
            self.keep_rollout(now.utc);
        }
        let status = self.status(now);
        *self.shown.status.write().unwrap_or_else(PoisonError::into_inner) = status;
        Orders {
            hold: !self.holds().is_empty(),
            rate: self.rate.take(),
            share: self.rollout.share(),
            signatures: self.signatures.take(),
            stop: self.ending,
        }
    }

    /// Carries out a command.
    pub fn command(&mut self, command: ControlCommand, now: Moment) -> ControlReply {
        let refusal = match command {
            ControlCommand::Status => None,
            ControlCommand::Rate { pps } => {
                self.set_rate(RateLimit::Packets(pps), now.utc);
                None
            }
            ControlCommand::Bandwidth { bps } => {
                self.set_rate(RateLimit::Bits(bps), now.utc);
                None
            }
            ControlCommand::Unlimited => {
                self.set_rate(RateLimit::Unlimited, now.utc);
                None
            }
            ControlCommand::Pause => {
                self.paused = true;
                self.note(now.utc, WHO, "daemon.pause", &serde_json::json!({}));
                None
            }
            ControlCommand::Resume => {
                self.resume(now.utc);
                None
            }
            ControlCommand::Stop => {
                self.ending = true;
                None
            }
            ControlCommand::Reload => self.reload(now.utc).err(),
            ControlCommand::Exclude { ranges, reason, who } => self.exclude(&ranges, &reason, &who, now.utc).err(),
            ControlCommand::Complain { text, who } => self.complain(&text, &who, now.utc).err(),
        };
        match refusal {
            Some(reason) => ControlReply::refused(reason),
            None => ControlReply::Service(Box::new(self.status(now))),
        }
    }

    /// Reads configuration and lists again. If anything is wrong with them all stays as it is, and the reason is given.
    pub fn reload(&mut self, now: UtcMicros) -> Result<(), String> {
        let loaded = Config::load(&self.file).and_then(|config| {
            let settings = &config.settings;
            let (list, special) = (settings.exclusions.clone(), settings.targets.allow_special);
            let watch = ExclusionWatch::new(list, special, self.watch.stored().to_vec());
            Ok((watch.map_err(|problem| Problems(vec![problem]))?, config))
        });
        let (watch, config) = match loaded {
            Ok(loaded) => loaded,
            Err(cause) => {
                self.problems = match cause.downcast_ref::<Problems>() {
                    Some(problems) => problems.0.iter().map(ToString::to_string).collect(),
                    None => vec![format!("{cause:#}")],
                };
                for problem in &self.problems {
                    log::error!("not reloaded: {problem}");
                }
                self.note(now, WHO, "config.refused", &serde_json::json!({ "problems": self.problems }));
                return Err(format!("not reloaded, all stays as it was: {}", self.problems.join("; ")));
            }
        };
        // Exclusions first: nothing newly watched may be probed without them.
        self.watch = watch;
        self.exclusions.replace(self.watch.exclusions());
        self.exclusions_loaded_at = now;
        self.problems = Vec::new();
        self.loaded_at = now;
        self.rollout.reconfigure(config.settings.rollout.clone());
        if config.settings.probing.rate != self.config.settings.probing.rate {
            self.rate = Some(config.settings.probing.rate);
        }
        let (version, devices) = (config.signatures.version(), config.signatures.devices().len());
        if version != self.config.signatures.version() {
            self.signatures = Some(Arc::clone(&config.signatures));
            log::info!("{devices} devices are told from now on, by signatures {version}");
        }
        log_format::choose(config.settings.log_format);
        let changed = config.changed_since(&self.config);
        let later: Vec<_> = changed.iter().filter(|setting| !is_live(setting)).collect();
        for setting in &later {
            log::warn!("{setting} was changed; it takes effect at the next start");
        }
        let detail = serde_json::json!({ "changed": changed, "at_next_start": later, "configuration": config.record,
            "signatures": version.to_string(), "devices": devices });
        self.config = config;
        let work = nightly_work(&self.config);
        if self.nightly.as_ref().is_some_and(|nightly| !nightly.change(work)) {
            log::warn!("the nightly work is busy; what changed of it takes effect at the next reload");
        }
        *self.shown.attribution.write().unwrap_or_else(PoisonError::into_inner) =
            attribution(&self.config.settings, now);
        self.look_at_kill_switch(now);
        self.note(now, WHO, "config.reload", &detail);
        let excluded = self.exclusions.current().addresses().len();
        log::info!("reloaded: {} settings changed, {excluded} addresses excluded", changed.len());
        Ok(())
    }

    /// Keeps what has to be kept; after it the service is of no more use.
    pub fn end(&mut self, now: UtcMicros, why: &str) {
        self.keep_rollout(now);
        self.note(now, WHO, "daemon.stop", &serde_json::json!({ "why": why }));
    }

    fn set_rate(&mut self, rate: RateLimit, now: UtcMicros) {
        self.rate = Some(rate);
        self.note(now, WHO, "daemon.rate", &serde_json::json!({ "rate": rate }));
    }

    fn resume(&mut self, now: UtcMicros) {
        self.paused = false;
        let share = self.rollout.resume();
        if let Some(share) = share {
            log::info!("the roll-out goes on with {} % of the targets", share.size() * 100.0);
        }
        self.keep_rollout(now);
        self.note(now, WHO, "daemon.resume", &serde_json::json!({ "share": self.rollout.share().size() }));
    }

    fn exclude(&mut self, ranges: &[String], reason: &str, who: &str, now: UtcMicros) -> Result<(), String> {
        let parsed: Result<Vec<_>, _> = ranges.iter().map(|text| parse_address_argument(text)).collect();
        let parsed: Vec<AddressRange> = parsed.map_err(|cause| cause.to_string())?.concat();
        // In force even if the store fails: then it is asked for again.
        self.exclusions.replace(self.watch.store(parsed.iter().copied()));
        self.exclusions_loaded_at = now;
        let entry = |range: &AddressRange| StoredExclusion {
            first: range.first(),
            last: range.last(),
            reason: reason.to_owned(),
            added_at: now,
            added_by: who.to_owned(),
        };
        let entries: Vec<_> = parsed.iter().map(entry).collect();
        let kept = self.store.add_exclusions(&entries);
        kept.map_err(|cause| format!("excluded until the daemon ends, but not stored: {cause}; try again"))?;
        log::info!("{who} excluded {} ranges: {reason}", parsed.len());
        Ok(())
    }

    fn complain(&mut self, text: &str, who: &str, now: UtcMicros) -> Result<(), String> {
        log::warn!("complaint entered by {who}: {text}");
        let change = self.rollout.complained(1);
        self.follow(change, now);
        self.keep_rollout(now);
        self.store.add_complaint(now, who, text).map_err(|cause| format!("counted, but not stored: {cause}"))
    }

    fn look_at_kill_switch(&mut self, now: UtcMicros) {
        let path = &self.config.settings.kill_switch;
        // What cannot be looked at does not hold sending back; whether it can is checked at the start.
        let is_there = path.symlink_metadata().is_ok();
        if is_there == std::mem::replace(&mut self.killed, is_there) {
            return;
        }
        if is_there {
            log::warn!("kill switch: {} is there, nothing is sent until it is removed", path.display());
        } else {
            log::info!("kill switch: {} is gone", path.display());
        }
        let detail = serde_json::json!({ "file": path, "stops": is_there });
        self.note(now, WHO, "daemon.kill_switch", &detail);
    }

    fn look_at_exclusions(&mut self, now: Moment) {
        match self.watch.look(now.uptime) {
            Seen::Same => {}
            Seen::Changed(exclusions) => {
                let excluded = exclusions.addresses();
                let detail = serde_json::json!({ "addresses": excluded.len(), "ranges": excluded.range_count() });
                log::info!("exclusions changed: {} addresses in {} ranges", excluded.len(), excluded.range_count());
                self.exclusions.replace(exclusions);
                self.exclusions_loaded_at = now.utc;
                self.note(now.utc, WHO, "exclusions.reload", &detail);
            }
            Seen::Kept(problem) => {
                log::error!("exclusions not taken over, the old ones stay in force: {problem}");
                self.note(now.utc, WHO, "exclusions.refused", &serde_json::json!({ "problem": problem }));
            }
        }
    }

    fn look_at_errors(&mut self, now: Moment) {
        let passed = now.uptime.saturating_sub(self.looked_at);
        self.looked_at = now.uptime;
        let counted = Counted { sent: self.watched.probing.sent, errors: figures::errors(&self.watched.probing) };
        let sent = counted.sent.saturating_sub(self.counted.sent);
        let errors = counted.errors.saturating_sub(self.counted.errors);
        self.counted = counted;
        if !self.holds().is_empty() || self.watched.link_down {
            return;
        }
        let change = self.rollout.watched(passed.as_secs_f64(), sent, errors);
        self.follow(change, now.utc);
    }

    fn follow(&mut self, change: Option<RolloutChange>, now: UtcMicros) {
        let Some(change) = change else { return };
        match change {
            RolloutChange::Grew { .. } => log::info!("{change}"),
            RolloutChange::Halted(_) => log::error!("{change}"),
        }
        self.note(now, WHO, "rollout.change", &serde_json::json!({ "what": change.to_string() }));
        self.keep_rollout(now);
    }

    fn holds(&self) -> Vec<Hold> {
        let holds = [
            (Hold::Operator, self.paused),
            (Hold::KillSwitch, self.killed),
            (Hold::Rollout, self.rollout.halt().is_some()),
        ];
        holds.into_iter().filter(|(_, holds)| *holds).map(|(hold, _)| hold).collect()
    }

    fn keep_rollout(&self, now: UtcMicros) {
        let state = serde_json::to_string(self.rollout.state()).unwrap_or_default();
        if let Err(cause) = self.store.keep_service_state(ROLLOUT, &state, now) {
            log::error!("{cause}");
        }
    }

    /// A line in the trail; a failure is logged and does not stop anything.
    fn note(&self, at: UtcMicros, who: &str, what: &str, detail: &serde_json::Value) {
        if let Err(cause) = self.store.audit(at, who, what, detail) {
            log::error!("{cause}");
        }
    }

    /// How everything stands.
    pub fn status(&self, now: Moment) -> ServiceStatus {
        let exclusions = self.exclusions.current();
        let state = self.rollout.state();
        ServiceStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: now.uptime.as_secs_f64(),
            holds: self.holds().into_iter().chain(self.watched.link_down.then_some(Hold::LinkDown)).collect(),
            configuration: SourceStatus {
                file: self.file.display().to_string(),
                loaded_at: self.loaded_at.to_string(),
                problems: self.problems.clone(),
            },
            exclusions: ExclusionStatus {
                addresses: exclusions.addresses().len(),
                ranges: exclusions.addresses().range_count(),
                loaded_at: self.exclusions_loaded_at.to_string(),
                problem: self.watch.problem().map(str::to_owned),
            },
            signatures: SignatureStatus {
                devices: self.config.signatures.devices().len(),
                version: self.config.signatures.version().to_string(),
            },
            rollout: RolloutStatus {
                share: self.rollout.share().size(),
                step: state.step + 1,
                steps: self.config.settings.rollout.steps.len(),
                errors: state.recent.share(),
                complaints: state.complaints,
                halt: state.halt.map(|halt| halt.to_string()),
            },
            watch: self.watched.clone(),
        }
    }
}
