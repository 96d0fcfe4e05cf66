//! Everything about the running daemon but the probing itself: what holds sending back, reloading, exclusions, roll-out,
//! commands and what is shown. One owner of this state, turned by the daemon's loop; what it wants of the probing it says
//! as orders.

mod commands;
mod forgetting;
mod kill_switch;
mod questions;
mod roll_out;
mod standing;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;

use self::forgetting::settling;
use self::questions::Questions;
use self::roll_out::Counted;
use super::advice_log::AdviceLog;
use super::exclusion_watch::{ExclusionWatch, Seen};
use super::figures;
use super::from_settings::{attribution, is_live, nightly_work, probes_shown};
use super::kept_exclusions;
use super::kept_rollout::take_up;
use super::shown::Shown;
use super::standing_orders::StandingOrders;
use super::trail;
use crate::cli::config::Config;
use crate::cli::config::problem::Problems;
use crate::cli::log_format::{self, LogFormat};
use crate::device::database::Database;
use crate::engine::housekeeping::Housekeeping;
use crate::io::store::Store;
use crate::model::attribution::ProbesShown;
use crate::model::request::RateLimit;
use crate::model::service_status::{Hold, ServiceStatus};
use crate::model::utc::UtcMicros;
use crate::model::watch::{Forgetting, SchemeConfig, WatchStatus};
use crate::policy::learnt_networks::LearntNetworks;
use crate::policy::rollout::{Rollout, Share};
use crate::policy::starter::Known;
use crate::target::address_set::AddressSet;
use crate::target::exclusions::Exclusions;
use crate::target::shared_exclusions::SharedExclusions;

/// How often the roll-out looks at errors, and keeps its state.
const ROLLOUT_LOOK: Duration = Duration::from_secs(5);
const ROLLOUT_KEEP: Duration = Duration::from_secs(30);
/// Who did it, in the audit trail.
pub(super) const WHO: &str = "prober daemon";

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
    /// What was learnt of networks anew.
    pub networks: Option<Arc<LearntNetworks>>,
    /// Look for what there is on these ports from now on.
    pub known: Option<Arc<Known>>,
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
    /// What those who are probed see of it.
    probes: ProbesShown,
    /// How long after an exclusion something may still come.
    settling: Duration,
    log_format: Option<LogFormat>,
    /// The scheme of the start, which a reload does not change.
    scheme: SchemeConfig,
    /// The targets of the start: which states there are.
    started_with: Arc<AddressSet>,
    /// Of these, those that are not excluded now.
    watched_targets: u64,
    orders: StandingOrders,
    killed: bool,
    /// Why the kill switch cannot be looked at.
    switch_problem: Option<String>,
    advice: AdviceLog,
    ending: bool,
    problems: Vec<String>,
    started_at: UtcMicros,
    loaded_at: UtcMicros,
    exclusions_loaded_at: UtcMicros,
    counted: Counted,
    looked_at: Duration,
    kept_at: Duration,
    questions: Questions,
    /// What the deciding thread is to forget.
    forgotten: Vec<Forgetting>,
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
    /// How log lines look, whatever the configuration says.
    pub log_format: Option<LogFormat>,
    /// Key of the roll-out if there is no state yet.
    pub fresh_key: u64,
}

impl Service {
    /// Takes up where the last run ended.
    pub fn new(parts: Parts, now: UtcMicros) -> anyhow::Result<Self> {
        let Parts { file, config, exclusions, watch, store, log_format, fresh_key } = parts;
        let orders = StandingOrders::take_up(&store, config.settings.probing.rate)?;
        let rollout = take_up(&store, &config, fresh_key, now)?;
        let probes = probes_shown(&config.settings);
        let shown = Shown {
            attribution: RwLock::new(attribution(&config.settings.operator, &probes, None, now)),
            status: RwLock::new(ServiceStatus::default()),
        };
        let mut service = Self {
            watched: WatchStatus::default(),
            rate: orders.rate(),
            signatures: None,
            file,
            started_with: Arc::clone(&config.lists.targets),
            watched_targets: config.lists.targets.subtract(exclusions.current().addresses()).len(),
            scheme: config.settings.probing.scheme.clone(),
            settling: settling(&config.settings),
            config,
            exclusions,
            watch,
            rollout,
            store,
            nightly: None,
            shown: Arc::new(shown),
            probes,
            log_format,
            orders,
            killed: false,
            switch_problem: None,
            advice: AdviceLog::default(),
            ending: false,
            problems: Vec::new(),
            started_at: now,
            loaded_at: now,
            exclusions_loaded_at: now,
            counted: Counted::default(),
            looked_at: Duration::ZERO,
            kept_at: Duration::ZERO,
            questions: Questions::default(),
            forgotten: Vec::new(),
        };
        let detail = serde_json::json!({
            "configuration": service.config.record,
            "targets": trail::digest(&service.config.lists.targets),
            "share": service.rollout.share().size(),
            "orders": service.orders,
        });
        service.note(now, WHO, "daemon.start", &detail);
        for warning in &service.config.warnings {
            log::warn!("{warning}");
        }
        if service.orders.paused {
            log::warn!("paused by the operator before the last end; `prober control resume` goes on");
        }
        if let Some(rate) = service.rate {
            log::warn!("{rate:?} was told before the last end and counts instead of the configured rate");
        }
        service.look_at_kill_switch(now);
        service.keep_exclusions(now);
        Ok(service)
    }

    /// What the HTTP server shows.
    pub fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown)
    }

    /// Starts the work at night on a thread of its own.
    pub fn start_nightly(&mut self) -> anyhow::Result<()> {
        let nightly = Housekeeping::start(self.store.another()?, nightly_work(&self.config, &self.scheme));
        self.nightly = Some(nightly.context("cannot start the thread for nightly work")?);
        Ok(())
    }

    /// Has the work at night give up, if it is under way, and begin no more.
    pub fn give_up_night(&self) {
        if let Some(nightly) = &self.nightly {
            nightly.give_up();
        }
    }

    /// Its connection.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The configuration in force.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// How log lines look: as was said at the start, else as the configuration in force says.
    pub fn log_format(&self) -> LogFormat {
        self.log_format.unwrap_or(self.config.settings.log_format)
    }

    /// Looks around and says what is wanted; to be called ten times a second. `watched` is how the watch goes.
    pub fn turn(&mut self, now: Moment, watched: &WatchStatus) -> Orders {
        if watched.link_down != self.watched.link_down {
            let what = if watched.link_down { "link.down" } else { "link.up" };
            let detail = serde_json::json!({ "visits_interrupted": watched.visits_interrupted });
            self.note(now.utc, WHO, what, &detail);
        }
        if watched.is_unanswered != self.watched.is_unanswered {
            let what = if watched.is_unanswered { "answers.none" } else { "answers.again" };
            let detail = serde_json::json!({ "visits_interrupted": watched.visits_interrupted });
            self.note(now.utc, WHO, what, &detail);
        }
        self.watched.clone_from(watched);
        self.look_at_kill_switch(now.utc);
        self.look_at_exclusions(now);
        self.look_at_plan(now);
        if now.uptime >= self.looked_at + ROLLOUT_LOOK {
            self.look_at_errors(now);
            self.show_who_probes(now.utc);
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
            networks: self.nightly.as_ref().and_then(Housekeeping::take_learnt),
            known: self.nightly.as_ref().and_then(Housekeeping::take_known),
            stop: self.ending,
        }
    }

    /// Reads configuration and lists again. If anything is wrong with them all stays as it is, and the reason is given.
    pub fn reload(&mut self, who: &str, now: UtcMicros) -> Result<(), String> {
        let loaded = Config::load(&self.file).and_then(|config| {
            let settings = &config.settings;
            // Whether special ranges are probed was decided at the start.
            let watch = self.watch.over(settings.exclusions.clone());
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
                self.note(now, who, "config.refused", &serde_json::json!({ "problems": self.problems }));
                return Err(format!("not reloaded, all stays as it was: {}", self.problems.join("; ")));
            }
        };
        // Exclusions first: nothing newly watched may be probed without them.
        self.watch = watch;
        let targets = &config.lists.targets;
        let left = self.started_with.subtract(targets);
        self.watch.leave_out(left.ranges());
        let excluded = self.exclude_only(self.watch.exclusions(), now);
        let joining = targets.subtract(&self.started_with).len();
        if !left.is_empty() {
            log::info!("{} addresses are no targets any more and are left out from now on", left.len());
        }
        if joining > 0 {
            log::warn!("{joining} new targets are watched from the next start on");
        }
        self.problems = Vec::new();
        self.loaded_at = now;
        self.rollout.reconfigure(config.settings.rollout.clone());
        if config.settings.probing.rate != self.config.settings.probing.rate {
            self.rate = Some(config.settings.probing.rate);
            self.orders.forget_rate();
            self.keep_orders(now);
        }
        for warning in &config.warnings {
            log::warn!("{warning}");
        }
        let (version, devices) = (config.signatures.version(), config.signatures.devices().len());
        if version != self.config.signatures.version() {
            self.signatures = Some(Arc::clone(&config.signatures));
            log::info!("{devices} devices are told from now on, by signatures {version}");
        }
        let changed = config.changed_since(&self.config);
        let later: Vec<_> = changed.iter().filter(|setting| !is_live(setting)).collect();
        for setting in &later {
            log::warn!("{setting} was changed; it takes effect at the next start");
        }
        let detail = serde_json::json!({
            "changed": changed,
            "at_next_start": later,
            "configuration": config.record,
            "targets": trail::digest(targets),
            "targets_left_out": left.len(),
            "targets_at_next_start": joining,
            "exclusions": excluded,
            "signatures": version.to_string(),
            "devices": devices,
        });
        self.config = config;
        log_format::choose(self.log_format());
        let work = nightly_work(&self.config, &self.scheme);
        if self.nightly.as_ref().is_some_and(|nightly| !nightly.change(work)) {
            log::warn!("the nightly work is busy; what changed of it takes effect at the next reload");
        }
        self.show_who_probes(now);
        self.look_at_kill_switch(now);
        self.note(now, who, "config.reload", &detail);
        let excluded = self.exclusions.current().addresses().len();
        log::info!("reloaded: {} settings changed, {excluded} addresses excluded", changed.len());
        Ok(())
    }

    /// Keeps what has to be kept; after it the service is of no more use.
    pub fn end(&mut self, now: UtcMicros, why: &str) {
        self.keep_rollout(now);
        self.note(now, WHO, "daemon.stop", &serde_json::json!({ "why": why }));
    }

    fn show_who_probes(&self, now: UtcMicros) {
        let told = attribution(&self.config.settings.operator, &self.probes, self.watched.source, now);
        *self.shown.attribution.write().unwrap_or_else(PoisonError::into_inner) = told;
    }

    fn look_at_exclusions(&mut self, now: Moment) {
        match self.watch.look(now.uptime) {
            Seen::Same => {}
            Seen::Changed(exclusions) => {
                let (addresses, ranges) = (exclusions.addresses().len(), exclusions.addresses().range_count());
                // A file that was only touched leaves no trace.
                let Some(difference) = self.exclude_only(exclusions, now.utc) else { return };
                log::info!("exclusions changed: {addresses} addresses in {ranges} ranges");
                let detail = serde_json::json!({ "addresses": addresses, "ranges": ranges, "difference": difference });
                self.note(now.utc, WHO, "exclusions.reload", &detail);
            }
            Seen::Kept(problem) => {
                log::error!("exclusions not taken over, the old ones stay in force: {problem}");
                self.note(now.utc, WHO, "exclusions.refused", &serde_json::json!({ "problem": problem }));
            }
        }
    }

    /// Puts these in force; gives what that changes, if anything.
    fn exclude_only(&mut self, exclusions: Exclusions, now: UtcMicros) -> Option<serde_json::Value> {
        let difference = trail::difference(self.exclusions.current().addresses(), exclusions.addresses());
        self.watched_targets = self.started_with.subtract(exclusions.addresses()).len();
        self.exclusions.replace(exclusions);
        self.exclusions_loaded_at = now;
        self.keep_exclusions(now);
        difference
    }

    fn keep_exclusions(&self, now: UtcMicros) {
        if let Err(cause) = kept_exclusions::keep(&self.store, &self.watch.asked_for(), now) {
            log::error!("{cause}");
        }
    }

    fn look_at_plan(&mut self, now: Moment) {
        let advice = self.watched.plan.advice.as_deref();
        match self.advice.look(advice.is_some(), now.uptime) {
            Some(true) => log::warn!("{}", advice.unwrap_or_default()),
            Some(false) => log::info!("the plan can be met again"),
            None => return,
        }
        self.note(now.utc, WHO, "plan.advice", &serde_json::json!({ "advice": advice }));
    }

    fn holds(&self) -> Vec<Hold> {
        let holds = [
            (Hold::Operator, self.orders.paused),
            (Hold::KillSwitch, self.killed),
            (Hold::Rollout, self.rollout.halt().is_some()),
        ];
        holds.into_iter().filter(|(_, holds)| *holds).map(|(hold, _)| hold).collect()
    }

    fn keep_orders(&self, now: UtcMicros) {
        if let Err(cause) = self.orders.keep(&self.store, now) {
            log::error!("{cause}");
        }
    }

    /// A line in the trail; a failure is logged and does not stop anything.
    fn note(&self, at: UtcMicros, who: &str, what: &str, detail: &serde_json::Value) {
        if let Err(cause) = self.store.audit(at, who, what, detail) {
            log::error!("{cause}");
        }
    }
}

/// `10 %`, without the digits that only a binary fraction has.
pub fn percent(share: f64) -> String {
    format!("{} %", (share * 1e8).round() / 1e6)
}
