//! A session: the data plane attached once and kept running, fed with errands instead of a plan. What the daemon and studies
//! run on. The caller decides what is probed, hears every reply and of every errand that is over, and calls
//! [`tick`](Session::tick) once a second; everything else - sending within the limits, exclusions before the wire, storing -
//! goes on by itself.

mod feed;
mod record;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use prober_common::cookie::Key;
use prober_common::counter::Counter;
use prober_common::event::{ReplyEvent, ReplyKind};
use ringbuf::traits::Split;
use ringbuf::{HeapCons, HeapRb};

use self::feed::{Fed, INLET_ORDERS, Order};
use self::record::Recorded;
use super::counts::Reading;
use super::grabbing::{self, BannerSink, Grabbing};
use super::open::{self, Secrets, TemplateSet};
use super::receiver::Tap;
use super::shared::UNLIMITED_PPS;
use super::threads::{self, Threads};
use crate::io::clock::utc_now;
use crate::io::grab::{Feed, is_askable};
use crate::io::instance::Instance;
use crate::io::store::{EVENT_QUEUE, Store, StoreError, Writer, WriterConfig};
use crate::io::sys::monotonic_ns;
use crate::model::banner::Transport;
use crate::model::link::{Link, LinkRequest};
use crate::model::request::{EngineChoice, GrabLimits, ProbeStyle, RateLimit, Record};
use crate::model::scan::{ScanId, ScanMeta, ScanStatus};
use crate::model::status::{GrabStatus, ReplyCounts};
use crate::model::utc::ClockOffset;
use crate::target::brakes::Brakes;
use crate::target::errand::{Errand, ErrandDone};
use crate::target::errand_queue::{ErrandCounts, ErrandQueue};
use crate::target::ports::ProbePort;
use crate::target::shared_exclusions::SharedExclusions;
use prober_common::address::V4;

/// Replies that may wait for whoever listens (32 bytes each): what comes on top is counted as missed.
const TAP_EVENTS: usize = 1 << 18;
/// How long the planner may take to answer.
const PLANNER_PATIENCE: Duration = Duration::from_secs(5);

/// How a session is set up.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// What for, as stored: `watch`, `study`.
    pub purpose: &'static str,
    /// How many addresses it is over.
    pub addresses: u64,
    /// How to find the way out.
    pub link: LinkRequest,
    /// Which transmit engine.
    pub engine: EngineChoice,
    /// Transmit threads; 0: one per transmit queue.
    pub sender_threads: u32,
    /// What probes look like.
    pub style: ProbeStyle,
    /// Every kind of probe that errands may ask for; one TCP port stands for all.
    pub kinds: Vec<ProbePort>,
    /// Limit of the whole session.
    pub rate: RateLimit,
    /// Limit for each /24, packets/s; 0: none.
    pub rate_per_slash24_pps: f64,
    /// Banners of the ports given to [`Session::ask`]; none are asked without.
    pub grab: Option<GrabLimits>,
    /// What is written down about it.
    pub record: Record,
}

/// The caller's ends of the queues.
pub struct SessionEnds {
    /// Takes errands.
    pub errands: Errands,
    /// Every errand that went in, once it is over. As many may wait as went in.
    pub done: Receiver<ErrandDone>,
    /// Every accepted reply, duplicates included; bounded, see [`SessionSample::missed`].
    pub replies: HeapCons<ReplyEvent>,
}

/// Hands errands to a session; can be cloned.
#[derive(Clone, Debug)]
pub struct Errands {
    orders: SyncSender<Order>,
}

/// The session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the planning thread has ended; the session is over")]
pub struct SessionOver;

impl Errands {
    /// Hands them over; waits while as many wait as there is room for.
    pub fn send(&self, errands: Vec<Errand>) -> Result<(), SessionOver> {
        self.orders.send(Order::Errands(errands)).map_err(|_| SessionOver)
    }

    /// Hands them over unless there is no room; gives them back then.
    pub fn try_send(&self, errands: Vec<Errand>) -> Result<Option<Vec<Errand>>, SessionOver> {
        match self.orders.try_send(Order::Errands(errands)) {
            Ok(()) => Ok(None),
            Err(TrySendError::Full(Order::Errands(errands))) => Ok(Some(errands)),
            Err(_) => Err(SessionOver),
        }
    }

    /// Limits groups of addresses, packets/s; 0: no limit.
    pub fn limit_groups(&self, rates: Vec<(u32, f64)>) -> Result<(), SessionOver> {
        if rates.is_empty() {
            return Ok(());
        }
        self.orders.send(Order::GroupRates(rates)).map_err(|_| SessionOver)
    }
}

/// How a session goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionSample {
    /// Probes sent since the beginning.
    pub sent: u64,
    /// Probes sent in the last second or so, packets/s.
    pub rate_pps: f64,
    /// Rate aimed at, packets/s; 0 if unlimited.
    pub target_pps: f64,
    /// Replies that the kernel accepted.
    pub accepted: u64,
    /// Replies stored, by kind.
    pub replies: ReplyCounts,
    /// Replies that had come before.
    pub duplicates: u64,
    /// Replies that were lost, and probes stopped before the wire, by reason.
    pub drops: BTreeMap<String, u64>,
    /// Replies that whoever listens missed; they are stored all the same.
    pub missed: u64,
    /// Errands and their probes.
    pub errands: ErrandCounts,
    /// Banners.
    pub grab: Option<GrabStatus>,
}

/// A running session.
pub struct Session {
    threads: threads::Running<Fed>,
    orders: SyncSender<Order>,
    writer: Writer,
    grabbing: Option<Grabbing>,
    feed: Arc<Feed>,
    exclusions: Arc<SharedExclusions>,
    missed: Arc<AtomicU64>,
    scan: ScanId,
    link: Link,
    engine: &'static str,
    frame_len: usize,
    last: SessionSample,
    last_reading: Reading,
    recorded: Recorded,
    last_at: Instant,
    _instance: Instance,
}

impl Session {
    /// Opens everything and starts the threads. Needs the privileges of a scan and gives up those that are not needed any
    /// more. `banners` is told of what services say.
    pub fn open(
        config: &SessionConfig,
        store: Store,
        exclusions: Arc<SharedExclusions>,
        banners: Option<BannerSink>,
    ) -> anyhow::Result<(Self, SessionEnds)> {
        let link = Link::discover(&config.link)?;
        let instance = Instance::claim(&link.name)?;
        let set = TemplateSet::new(&link, &config.style, &config.kinds)?;
        let secrets = Secrets { key: Key([open::random()?, open::random()?]), pass: open::random()? | 1 };
        let senders = open::sender_count(config.sender_threads, &link);
        let attached = open::receiver(&link, secrets.key, secrets.pass, &set, senders)?;
        let (kind, engines) = open::transmit(config.engine, &link, &set, &attached, secrets, senders)?;
        open::drop_privileges(kind)?;

        let rate_pps = config.rate.pps(set.mean_len()).unwrap_or(UNLIMITED_PPS);
        let meta = meta(config, &link, kind.name(), rate_pps, &exclusions);
        let scan = store.begin_session(&meta, config.purpose)?;
        let (events_in, events_out) = HeapRb::new(EVENT_QUEUE).split();
        let now_ns = monotonic_ns();
        let writer_config = WriterConfig::new(ClockOffset::between(utc_now(), now_ns), now_ns);
        let writer = Writer::spawn(store, scan, events_out, writer_config)?;
        let (tap_in, replies) = HeapRb::new(TAP_EVENTS).split();
        let missed = Arc::new(AtomicU64::new(0));
        let brakes = Arc::new(Brakes::default());
        let mut queue = ErrandQueue::new(exclusions.reader(), config.rate_per_slash24_pps);
        queue.obey(Arc::clone(&brakes));
        let (orders, inbox) = sync_channel(INLET_ORDERS);
        let (source, done) = Fed::new(queue, inbox);
        let threads = Threads {
            rate_pps,
            limit_per_slash24_pps: config.rate_per_slash24_pps,
            brakes,
            exclusions: Arc::clone(&exclusions),
            templates: set.clone(),
            source,
            events: events_in,
            tap: Some(Tap { queue: tap_in, dropped: Arc::clone(&missed) }),
        };
        let threads = threads.start(attached, engines)?;
        let feed = grabbing::feed();
        // Last: its way to the writer has to be closed before the writer can end.
        let grabbing = match &config.grab {
            None => None,
            Some(limits) => {
                let (exclusions, feed) = (Arc::clone(&exclusions), Arc::clone(&feed));
                Some(Grabbing::start(limits, &config.style.contact, exclusions, feed, writer.inlet()?, banners)?)
            }
        };
        let session = Self {
            threads,
            orders: orders.clone(),
            writer,
            grabbing,
            feed,
            exclusions,
            missed,
            scan,
            link,
            engine: kind.name(),
            frame_len: set.mean_len(),
            last: SessionSample::default(),
            last_reading: Reading::default(),
            recorded: Recorded::default(),
            last_at: Instant::now(),
            _instance: instance,
        };
        Ok((session, SessionEnds { errands: Errands { orders }, done, replies }))
    }

    /// Under which number its replies are stored.
    pub fn scan(&self) -> ScanId {
        self.scan
    }

    /// The way out.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Name of the transmit engine.
    pub fn engine(&self) -> &'static str {
        self.engine
    }

    /// What must not be probed; replace it at any time.
    pub fn exclusions(&self) -> &Arc<SharedExclusions> {
        &self.exclusions
    }

    /// The thread that owns the database, for what else is to be stored.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// A limit in packets/s of its probes.
    pub fn rate_pps(&self, limit: RateLimit) -> f64 {
        limit.pps(self.frame_len).unwrap_or(UNLIMITED_PPS)
    }

    /// Changes the rate of the whole.
    pub fn set_rate(&self, limit: RateLimit) {
        self.threads.switches.set_rate_pps(self.rate_pps(limit));
    }

    /// Holds sending back, and new connections for banners, or lets them go on; replies are received all the while.
    pub fn pause(&self, paused: bool) {
        self.threads.switches.set_paused(paused);
        self.grabbing.iter().for_each(|grabbing| grabbing.hold(paused));
    }

    /// Whether the interface is down: nothing is sent until it is up again.
    pub fn is_link_down(&self) -> bool {
        self.threads.switches.link_down()
    }

    /// Whether sending is held back.
    pub fn is_paused(&self) -> bool {
        self.threads.switches.paused()
    }

    /// Lets an open port be asked who it is; whether it will be: not where there is nothing to ask or the queue is full.
    pub fn ask(&self, address: V4, transport: Transport, port: u16) -> bool {
        self.grabbing.is_some() && is_askable(transport, port) && self.feed.put(address, transport, port)
    }

    /// Records the last second and tells how it goes. An error ends the session: the store cannot be written, or an engine
    /// failed.
    pub fn tick(&mut self) -> anyhow::Result<SessionSample> {
        if let Some(error) = self.writer.status().failure() {
            return Err(error.into());
        }
        if let Some(ended) = self.threads.senders.iter().position(std::thread::JoinHandle::is_finished) {
            return Err(match self.threads.senders.swap_remove(ended).join() {
                Ok(Ok(())) => anyhow::anyhow!("a sending thread ended before the session"),
                Ok(Err(error)) => error.into(),
                Err(_) => anyhow::anyhow!("a sending thread ended unexpectedly"),
            });
        }
        self.sample();
        Ok(self.last.clone())
    }

    fn sample(&mut self) {
        let reading = Reading::take(&self.threads.counters, &self.threads.counts);
        let elapsed_s = self.last_at.elapsed().as_secs_f64().max(1e-3);
        let sent = reading.sent - self.last_reading.sent;
        let status = self.writer.status();
        let target_pps = self.threads.switches.rate_pps();
        let errands = self.ask_planner().unwrap_or(self.last.errands);
        self.last = SessionSample {
            sent: reading.sent,
            rate_pps: sent as f64 / elapsed_s,
            target_pps: if target_pps.is_finite() { target_pps } else { 0.0 },
            accepted: reading.kernel(Counter::Accepted),
            replies: ReplyCounts::new(ReplyKind::ALL.map(|kind| status.replies(kind))),
            duplicates: status.duplicates(),
            drops: reading.drops(status.store_failed()),
            missed: self.missed.load(Ordering::Relaxed),
            errands,
            grab: self.grabbing.as_ref().map(Grabbing::status),
        };
        let mut values = reading.values(self.threads.brakes.counts());
        values.extend(self.grabbing.iter().flat_map(Grabbing::values));
        // Whoever ticks must not wait for the database. A writer that is gone has reported why.
        self.recorded.tell(reading.sent, reading.lost(), values, |command| self.writer.try_send(command));
        self.last_reading = reading;
        self.last_at = Instant::now();
    }

    fn ask_planner(&self) -> Option<ErrandCounts> {
        let (answer, inbox) = sync_channel(1);
        self.threads.requests.try_send(answer).ok()?;
        inbox.recv_timeout(PLANNER_PATIENCE).ok()
    }

    /// Ends it: stops sending at once, waits `cooldown` for late replies, stores everything. Gives the last sample.
    pub fn close(mut self, cooldown: Duration, status: ScanStatus) -> Result<SessionSample, StoreError> {
        self.threads.switches.stop_sending();
        let _ = self.orders.try_send(Order::Close);
        for sender in self.threads.senders.drain(..) {
            match sender.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => log::error!("{error}"),
                Err(_) => log::error!("a sending thread ended unexpectedly"),
            }
        }
        std::thread::sleep(cooldown);
        self.threads.switches.stop_receiving();
        if self.threads.receiver.join().is_err() {
            log::error!("the receiving thread ended unexpectedly");
        }
        if let Some(grabbing) = &self.grabbing {
            grabbing.stop();
            grabbing.close();
        }
        let reading = Reading::take(&self.threads.counters, &self.threads.counts);
        let mut values = reading.values(self.threads.brakes.counts());
        let mut last = SessionSample { sent: reading.sent, accepted: reading.kernel(Counter::Accepted), ..self.last };
        drop(self.threads.requests);
        if self.threads.planner.join().is_err() {
            log::error!("the planning thread ended unexpectedly");
        }
        if let Some(grabbing) = self.grabbing {
            values.extend(grabbing.join());
        }
        // All of it, however long that takes.
        self.recorded.tell(reading.sent, reading.lost(), values, |command| self.writer.send(command).is_ok());
        let counts = Arc::clone(self.writer.status());
        let outcome = self.writer.finish(status, utc_now(), None);
        last.replies = ReplyCounts::new(ReplyKind::ALL.map(|kind| counts.replies(kind)));
        last.duplicates = outcome.duplicates;
        last.drops = reading.drops(outcome.store_failed);
        outcome.error.map_or(Ok(last), Err)
    }
}

fn meta(config: &SessionConfig, link: &Link, engine: &str, rate_pps: f64, exclusions: &SharedExclusions) -> ScanMeta {
    ScanMeta {
        started_at: utc_now(),
        operator: config.record.operator.clone(),
        host: std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: config.record.command.clone(),
        settings: config.record.settings.clone(),
        seed: 0,
        plan_fingerprint: 0,
        targets: config.addresses,
        ports: config.record.ports.clone(),
        probes_planned: 0,
        shard_index: 0,
        shard_count: 1,
        rate_pps,
        engine: engine.to_owned(),
        interface: link.name.clone(),
        source_address: Some(link.source),
        exclusions: exclusions.current().addresses().ranges().collect(),
    }
}
