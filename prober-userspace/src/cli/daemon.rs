//! `prober daemon`: the service around the probing. Here is what turns it: signals, commands, a look
//! around ten times a second, and what the service manager is told.

pub mod advice_log;
pub mod exclusion_watch;
pub mod figures;
pub mod from_settings;
pub mod kept_exclusions;
pub mod kept_rollout;
mod listening;
pub mod patience;
pub mod service;
pub mod shown;
pub mod standing_orders;
#[cfg(test)]
mod tests;
pub mod trail;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use prober_common::address::V4;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::config::problem::Problems;
use super::config::settings::DaemonSettings;
use super::config::{Config, DEFAULT_FILE};
use super::log_format::{self, LogFormat};
use super::output::one_line;
use crate::engine;
use crate::io::clock::utc_now;
use crate::io::control::{ControlCommand, ControlEvent};
use crate::io::http::{Answer, HttpServer, metrics, pages};
use crate::io::privileges;
use crate::io::service_notice::{Notice, ServiceNotice};
use crate::io::store::Store;
use crate::model::link::LinkRequest;
use crate::model::request::{ProbeStyle, Record};
use crate::model::service_status::{STORE_BEHIND, ServiceStatus, UNANSWERED};
use crate::model::watch::{self, EndedEarly, Overseer, WatchConfig, WatchStatus, Wishes};
use crate::target::range::AddressRange;
use crate::target::shared_exclusions::SharedExclusions;
use exclusion_watch::ExclusionWatch;
use listening::Listening;
use patience::Patience;
use service::{Moment, Orders, Parts, Service, percent};

/// Keep watch as a service: configuration file, roll-out, reload, pages, nightly work
///
/// Plans, probes, asks for banners, names devices and stores what it finds, until it is stopped; a new start goes on where
/// the last one was. `prober config example` prints a configuration to start from.
#[derive(Debug, Args)]
pub struct DaemonCommand {
    /// Configuration file
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// How log lines look, whatever the configuration says
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
}

impl DaemonCommand {
    /// Watches until it is stopped.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let format = self.log_format.or_else(|| Config::log_format(&self.config)).unwrap_or_default();
        log_format::choose(format);
        match self.watch() {
            // A failure is a line like all others.
            Err(cause) if format == LogFormat::Json => {
                log::error!("{}", one_line(&cause));
                Ok(ExitCode::FAILURE)
            }
            outcome => outcome,
        }
    }

    fn watch(self) -> anyhow::Result<ExitCode> {
        let notice = ServiceNotice::from_environment().context("cannot reach the service manager")?;
        let notice = Arc::new(notice);
        let patience = Patience::begin(&notice, "starting: reading the configuration").context(NO_PATIENCE)?;
        let config = Config::load(&self.config).map_err(|cause| told(cause, &self.config))?;
        privileges::require_for_scan()?;
        let signals = Signals::register().context("cannot watch for signals")?;
        patience.note("starting: opening the database");
        let settings = &config.settings;
        let store = Store::open_behind(&settings.database)?;
        store.limit_memory(settings.database_memory_bytes)?;
        let watch = watch_exclusions(&store, settings)?;
        let exclusions = SharedExclusions::new(watch.exclusions());
        let watch_config = watch_config(&config)?;
        let parts = Parts {
            file: self.config,
            store: store.another()?,
            config,
            exclusions: Arc::clone(&exclusions),
            watch,
            log_format: self.log_format,
            fresh_key: getrandom::u64().context("cannot draw a key from the kernel")?,
        };
        let service = Service::new(parts, utc_now())?;
        let mut steward = Steward::new(service, signals, notice, patience);
        let outcome = engine::watch::run_on(store, &watch_config, &exclusions, &mut steward);
        let why = match &outcome {
            Ok(_) => steward.failure.as_ref().map_or("asked for".to_owned(), |cause| format!("{cause:#}")),
            Err(cause) if cause.is::<EndedEarly>() => "asked for while it started".to_owned(),
            Err(cause) => format!("{cause:#}"),
        };
        steward.stops();
        steward.service.end(utc_now(), &why);
        if let Err(cause) = &outcome
            && cause.is::<EndedEarly>()
        {
            log::info!("{cause}");
            return Ok(ExitCode::SUCCESS);
        }
        let last = outcome?;
        if let Some(failure) = steward.failure {
            return Err(failure);
        }
        log::info!("ended: {} probes sent, {} visits", last.probing.sent, last.visits);
        Ok(ExitCode::SUCCESS)
    }
}

/// Tells each problem on a line of its own; what is left is the one line of the failure.
fn told(cause: anyhow::Error, file: &Path) -> anyhow::Error {
    match cause.downcast::<Problems>() {
        Ok(Problems(problems)) => {
            for problem in &problems {
                log::error!("{problem}");
            }
            let count = problems.len();
            let what = if count == 1 { "problem" } else { "problems" };
            anyhow::anyhow!("{} cannot be used: {count} {what}, told above", file.display())
        }
        Err(cause) => cause,
    }
}

/// Over the lists of the configuration and the database, with what the last run left out if they have lost most of it.
fn watch_exclusions(store: &Store, settings: &DaemonSettings) -> anyhow::Result<ExclusionWatch> {
    let stored = store.exclusions()?;
    let stored = stored.iter().map(|entry| AddressRange::between(entry.first, entry.last)).collect();
    let watch = ExclusionWatch::new(settings.exclusions.clone(), settings.targets.allow_special, stored);
    let mut watch = watch.map_err(|problem| Problems(vec![problem]))?;
    if let Some(problem) = watch.keep(&kept_exclusions::excluded_last(store)?) {
        log::error!("{problem}");
    }
    Ok(watch)
}

fn watch_config(config: &Config) -> anyhow::Result<WatchConfig> {
    let settings = &config.settings;
    let (probing, way_out) = (&settings.probing, &settings.way_out);
    let targets = (*config.lists.targets).clone();
    let watched = targets.subtract(config.lists.exclusions.addresses());
    let contact = settings.operator.contacts.first().map_or_else(String::new, ToString::to_string);
    Ok(WatchConfig {
        database: settings.database.clone(),
        link: LinkRequest {
            interface: way_out.interface.clone(),
            source_ip: way_out.source_ip,
            gateway_mac: way_out.gateway_mac,
            source_mac: way_out.source_mac,
            vlan: way_out.vlan,
            any_target: watched.nth(0),
            single_target: watched.len() == 1,
        },
        targets,
        scheme: probing.scheme.clone(),
        engine: way_out.engine,
        sender_threads: way_out.sender_threads,
        style: ProbeStyle { profile: probing.profile, ttl: probing.ttl, contact: contact.clone() },
        rate: probing.rate,
        rate_per_slash24_pps: probing.rate_per_24_pps,
        rate_per_address_pps: probing.rate_per_address_pps,
        reply_timeout: probing.cooldown,
        grab: settings.banners,
        signatures: Arc::clone(&config.signatures),
        save_interval: settings.checkpoint_interval,
        time_scale: probing.time_scale,
        record: Record {
            operator: settings.operator.name.clone(),
            notes: String::new(),
            contact,
            command: std::env::args().collect::<Vec<_>>().join(" "),
            settings: serde_json::to_string(&config.record).context("cannot record the settings")?,
            ports: format!("{} TCP ports to begin with", probing.scheme.starter_ports.len()),
        },
    })
}

const NO_PATIENCE: &str = "cannot start the thread that tells the service manager of slow starts and ends";

/// How often the service manager hears a line.
const STATUS_LINE: Duration = Duration::from_secs(10);

/// Signals that were received and not answered yet.
#[derive(Debug)]
pub struct Signals {
    end: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
}

impl Signals {
    /// Takes SIGHUP for reload, SIGTERM and SIGINT for the end.
    pub fn register() -> std::io::Result<Self> {
        let signals = Self { end: Arc::default(), reload: Arc::default() };
        signal_hook::flag::register(SIGHUP, Arc::clone(&signals.reload))?;
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&signals.end))?;
        }
        Ok(signals)
    }
}

/// The service with everything that turns it: signals, commands, the service manager. Oversees the watch.
pub struct Steward {
    service: Service,
    signals: Signals,
    notice: Arc<ServiceNotice>,
    servers: Option<Servers>,
    failure: Option<anyhow::Error>,
    start: Instant,
    alive: Every,
    line: Every,
    is_stopping: bool,
    /// At the start and at the end. Dropped last: the database is closed before.
    patience: Option<Patience>,
}

/// What others reach the daemon by.
struct Servers {
    listening: Listening,
    _http: Option<HttpServer>,
}

impl Steward {
    /// Not reachable yet: that is at the first turn, when privileges are given up.
    fn new(service: Service, signals: Signals, notice: Arc<ServiceNotice>, patience: Patience) -> Self {
        let alive = Every::new(notice.watchdog().map(|longest| longest / 3));
        let line = Every::new(Some(STATUS_LINE));
        let (start, patience) = (Instant::now(), Some(patience));
        Self {
            service,
            signals,
            notice,
            servers: None,
            failure: None,
            start,
            alive,
            line,
            is_stopping: false,
            patience,
        }
    }

    /// Does all there is to do and says what is wanted of the probing.
    fn turn(&mut self, watched: &WatchStatus) -> anyhow::Result<Orders> {
        if self.servers.is_none() {
            // Not before privileges are given up: threads keep theirs.
            self.service.start_nightly()?;
            self.servers = Some(self.open()?);
            self.patience = None;
            self.notice.tell(Notice::Ready);
            log::info!("ready; `prober status` shows how it goes");
        }
        while let Some(event) = self.next_command() {
            let reloads = event.command == ControlCommand::Reload;
            self.tell_if(reloads, Notice::Reloading);
            self.service.answer(event, self.moment());
            self.listen_as_configured();
            self.tell_if(reloads, Notice::Ready);
        }
        if self.signals.reload.swap(false, Ordering::Relaxed) {
            self.notice.tell(Notice::Reloading);
            // What is wrong was logged and noted.
            let _ = self.service.reload("SIGHUP", utc_now());
            self.listen_as_configured();
            self.notice.tell(Notice::Ready);
        }
        let mut orders = self.service.turn(self.moment(), watched);
        orders.stop |= self.signals.end.load(Ordering::Relaxed);
        if self.alive.is_due(self.start.elapsed()) {
            self.notice.tell(Notice::Watchdog);
        }
        if self.line.is_due(self.start.elapsed()) {
            self.notice.tell(Notice::Status(&status_line(&self.service.status(self.moment()))));
        }
        if orders.stop {
            self.stops();
        }
        Ok(orders)
    }

    /// Tells, once, that it ends, and asks for as long as it takes to store what is known.
    fn stops(&mut self) {
        if std::mem::replace(&mut self.is_stopping, true) {
            return;
        }
        self.service.give_up_night();
        // First nobody asks for the start any more.
        self.patience = None;
        self.notice.tell(Notice::Stopping);
        match Patience::begin(&self.notice, "ending: storing what is known") {
            Ok(patience) => self.patience = Some(patience),
            Err(cause) => log::warn!("{NO_PATIENCE}: {cause}"),
        }
    }

    /// A reload may name another socket.
    fn listen_as_configured(&mut self) {
        let socket = &self.service.config().settings.socket;
        match self.servers.as_mut().map(|servers| servers.listening.also_on(socket)) {
            None | Some(Ok(false)) => {}
            Some(Ok(true)) => log::info!("listening on {} as well", socket.display()),
            Some(Err(cause)) => log::error!("{cause}; commands are heard where they were before"),
        }
    }

    fn next_command(&self) -> Option<ControlEvent> {
        self.servers.as_ref()?.listening.next()
    }

    fn open(&self) -> anyhow::Result<Servers> {
        let settings = &self.service.config().settings;
        let listening = Listening::on(&settings.socket)?;
        let mut places: Vec<(SocketAddr, Answer)> = Vec::new();
        if let Some(address) = settings.metrics {
            let shown = self.service.shown();
            places.push((address, Arc::new(move |path: &str| (path == metrics::PATH).then(|| shown.metrics()))));
        }
        if let Some(address) = settings.pages {
            let shown = self.service.shown();
            places.push((address, Arc::new(move |path: &str| pages::page(&shown.attribution(), path))));
        }
        let http = if places.is_empty() { None } else { Some(HttpServer::start(places)?) };
        Ok(Servers { listening, _http: http })
    }

    fn moment(&self) -> Moment {
        Moment { uptime: self.start.elapsed(), utc: utc_now() }
    }

    fn tell_if(&self, is_told: bool, notice: Notice<'_>) {
        if is_told {
            self.notice.tell(notice);
        }
    }
}

impl Overseer for Steward {
    fn opens(&mut self, what: &str) -> bool {
        if let Some(patience) = &self.patience {
            patience.note(&format!("starting: {what}"));
        }
        !self.signals.end.load(Ordering::Relaxed)
    }

    fn oversee(&mut self, status: &WatchStatus) -> Wishes {
        if self.failure.is_some() {
            return Wishes { stop: true, ..Wishes::default() };
        }
        match self.turn(status) {
            Ok(Orders { hold, rate, share, signatures, networks, known, stop }) => {
                let part = |size| watch::Share { holds: Arc::new(move |address: V4| share.holds(address)), size };
                let share = Some(share.size()).filter(|size| *size < 1.0).map(part);
                let (asked, forgotten) = (self.service.asked(), self.service.forgotten());
                Wishes { hold, rate, stop, share, signatures, networks, known, asked, forgotten }
            }
            Err(cause) => {
                self.failure = Some(cause);
                Wishes { hold: true, stop: true, ..Wishes::default() }
            }
        }
    }
}

fn status_line(status: &ServiceStatus) -> String {
    match status.holds.first() {
        Some(hold) => format!("nothing is sent: {}", hold.shown()),
        None if status.watch.is_store_behind => STORE_BEHIND.to_owned(),
        None if status.watch.is_unanswered => format!("little is sent: {UNANSWERED}"),
        None => format!(
            "{:.0} probes/s, {} sent, {} of the targets",
            status.watch.probing.rate_pps,
            status.watch.probing.sent,
            percent(status.rollout.share)
        ),
    }
}

/// Something done now and then.
struct Every {
    period: Option<Duration>,
    last: Option<Duration>,
}

impl Every {
    const fn new(period: Option<Duration>) -> Self {
        Self { period, last: None }
    }

    fn is_due(&mut self, now: Duration) -> bool {
        let Some(period) = self.period else { return false };
        let is_due = self.last.is_none_or(|last| now >= last + period);
        if is_due {
            self.last = Some(now);
        }
        is_due
    }
}
