//! The watch: plan, probe, match, grab, estimate, store, plan - for years. One thread owns the planner and decides; the data
//! plane, the grabber and the keeper of states run beside it. Whoever oversees it is looked at ten times a second.

mod clock;
mod devices;
mod keeper;
mod quiet;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use prober_common::address::V4;
use prober_common::event::{ProbeKind, ReplyEvent, ReplyKind};
use ringbuf::traits::Consumer;

use self::clock::PolicyClock;
use self::devices::{Devices, Said};
use self::keeper::{Keeper, Order};
use super::session::{Session, SessionConfig, SessionEnds, SessionSample};
use crate::device::database::Database;
use crate::device::score::ScoreSettings;
use crate::device::starter;
use crate::io::clock::utc_now;
use crate::io::store::{Access, EstimateBatch, EstimationRecord, Store, StoredTarget, WatchClock};
use crate::io::sys::monotonic_ns;
use crate::model::banner::{Banner, Transport};
use crate::model::scan::ScanStatus;
use crate::model::status::{Phase, StatusSample};
use crate::model::watch::{Overseer, Share, WatchConfig, WatchStatus, Wishes};
use crate::policy::planner::{Admission, PlannedVisit, Planner, PlannerConfig, WallTime};
use crate::policy::scheme::Found;
use crate::policy::starter::Known;
use crate::policy::target_state::{Standing, TargetState};
use crate::policy::visits::{Visit, Visits};
use crate::target::errand::{Errand, ErrandDone, Probes};
use crate::target::errand_queue::NO_GROUP;
use crate::target::ports::ProbePort;
use crate::target::shared_exclusions::{ExclusionReader, SharedExclusions};

/// Rest of the deciding thread when nothing happens.
const REST: Duration = Duration::from_millis(2);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// How often the clusters' rates follow the time of day.
const RATES_EVERY: Duration = Duration::from_secs(30);
/// How far ahead of the wire visits are handed out, s of the wall clock.
const AHEAD_S: f64 = 0.25;
/// Visits under way at most: with 6 KB of ports each, some 400 MB.
const MOST_VISITS: usize = 1 << 16;
/// Probes of all visits under way at most, besides what the rate sends within the reply timeout.
const MOST_PROBES: u64 = 1 << 25;
/// Visits handed out together.
const TOGETHER: usize = 1_024;
/// Replies looked at together.
const REPLIES: usize = 4_096;
/// Changes that make up a batch of states.
const CHANGES: usize = 50_000;
/// All states are written anew when there are more changes than this, and than a quarter of the states.
const CHANGES_MOST: u64 = 200_000;
/// Ports asked for banners in one visit, at most.
const ASKED: usize = 8;
/// Width of a bucket of due times, s of the wall clock.
const BUCKET_S: f64 = 10.0;
/// Planned at most, whatever the limit says, packets/s.
const RATE_MOST_PPS: f64 = 1e7;
/// How long the last replies are waited for at the end.
const COOLDOWN: Duration = Duration::from_millis(500);

/// Keeps the watch until its overseer, an error or the store ends it. What it knew is taken over from the database.
pub fn run(
    config: &WatchConfig,
    exclusions: &Arc<SharedExclusions>,
    overseer: &mut dyn Overseer,
) -> anyhow::Result<WatchStatus> {
    run_on(Store::open(&config.database, Access::Write)?, config, exclusions, overseer)
}

/// The same over a database that is open already: within a process a file may be opened only once.
pub fn run_on(
    store: Store,
    config: &WatchConfig,
    exclusions: &Arc<SharedExclusions>,
    overseer: &mut dyn Overseer,
) -> anyhow::Result<WatchStatus> {
    let mut watch = Watch::open(config, store, exclusions)?;
    loop {
        let is_busy = watch.listen() | watch.decide_what_is_over()? | watch.plan()?;
        watch.save(false)?;
        if watch.looked.elapsed() >= LOOK_EVERY {
            watch.looked = Instant::now();
            watch.sample()?;
            let wishes = overseer.oversee(&watch.status);
            if wishes.stop {
                return watch.close(overseer);
            }
            watch.obey(wishes);
        }
        if !is_busy {
            std::thread::sleep(REST);
        }
    }
}

/// A visit that waits for banners.
struct Asking {
    visit: Visit,
    texts: Vec<Vec<u8>>,
    left: usize,
    until: Instant,
}

/// The state of the deciding thread.
struct Watch<'a> {
    config: &'a WatchConfig,
    clock: PolicyClock,
    /// Of the scheme, JSON.
    settings: String,
    planner: Planner,
    visits: Visits,
    asking: HashMap<V4, Asking>,
    devices: Devices,
    gate: Gate,
    session: Session,
    ends: SessionEnds,
    banners: Receiver<Vec<Banner>>,
    keeper: Keeper,
    changes: Vec<StoredTarget>,
    saved_at: Instant,
    looked: Instant,
    sampled: Instant,
    /// When the clusters' rates were last set.
    rated: Option<Instant>,
    started: Instant,
    sample: SessionSample,
    status: WatchStatus,
    is_held: bool,
    rate_pps: f64,
    planned: Vec<PlannedVisit>,
    replies: Box<[ReplyEvent]>,
}

/// Who may be visited.
struct Gate {
    exclusions: ExclusionReader,
    share: Option<Share>,
}

impl Admission for Gate {
    fn admits(&self, address: V4) -> bool {
        !self.exclusions.contains(address)
    }

    fn watches(&self, address: V4) -> bool {
        self.share.as_ref().is_none_or(|share| share(address))
    }
}

impl<'a> Watch<'a> {
    fn open(config: &'a WatchConfig, store: Store, exclusions: &Arc<SharedExclusions>) -> anyhow::Result<Self> {
        let stored = store.watch_clock()?;
        let clock = PolicyClock::start(stored.as_ref(), config.time_scale, utc_now(), monotonic_ns());
        let now_s = clock.now_s(monotonic_ns()) as u32;
        let begun = Instant::now();
        let (mut states, ports) = load(config, &store)?;
        let quiet = quiet::assign(&store, &mut states)?;
        let known = Known::of(&config.scheme, &store.open_tcp_ports()?);
        let mut scheme = known.scheme(&config.scheme, &states);
        for (number, ports) in &ports {
            scheme.restore(&states[*number as usize], ports);
        }
        if let Some(stored) = stored.filter(|stored| stored.scheme == config.scheme.kind.name()) {
            scheme.recall(&stored.learnt, now_s);
        }
        let named = store.watch_devices()?;
        for (number, (_, ports)) in (0..).zip(&named) {
            scheme.teach_device(number, ports);
        }
        let (signatures, _) = Database::load(starter::files());
        store.load_signatures(&signatures, utc_now())?;
        let devices = Devices::new(signatures, named);
        log::info!(
            "{} targets, {} of them with open ports, loaded in {:.1} s",
            states.len(),
            ports.len(),
            begun.elapsed().as_secs_f64()
        );

        let keeper = Keeper::start(store.another()?)?;
        let (banner_in, banners) = channel();
        let sink = config.grab.is_some().then(|| {
            let sink: super::grabbing::BannerSink = Box::new(move |banners: &[Banner]| {
                // As many as ports were asked; a watch that has ended listens no more.
                let _ = banner_in.send(banners.to_vec());
            });
            sink
        });
        let (session, ends) = Session::open(&session_config(config), store, Arc::clone(exclusions), sink)?;
        let rate_pps = session.rate_pps(config.rate).min(RATE_MOST_PPS);
        let planner = PlannerConfig {
            rate_pps: rate_pps / config.time_scale,
            ahead_s: AHEAD_S * config.time_scale,
            wall: WallTime { began_at: clock.began_at(), scale: config.time_scale },
            bucket_s: ((BUCKET_S * config.time_scale).min(600.0) as u32).max(1),
        };
        let mut planner = Planner::new(planner, scheme, states, 0, now_s);
        for (cluster, hours) in quiet {
            planner.set_quiet_hours(cluster, hours);
        }
        let status = WatchStatus { scheme: config.scheme.kind.name().to_owned(), ..WatchStatus::default() };
        let now = Instant::now();
        Ok(Self {
            planner,
            visits: Visits::new(config.reply_timeout.as_nanos() as u64),
            asking: HashMap::new(),
            devices,
            gate: Gate { exclusions: exclusions.reader(), share: None },
            session,
            ends,
            banners,
            keeper,
            changes: Vec::new(),
            saved_at: now,
            looked: now,
            sampled: now,
            rated: None,
            started: now,
            sample: SessionSample::default(),
            status,
            is_held: false,
            rate_pps,
            planned: Vec::with_capacity(TOGETHER),
            replies: vec![ReplyEvent::default(); REPLIES].into_boxed_slice(),
            settings: serde_json::to_string(&config.scheme).context("cannot record the scheme")?,
            clock,
            config,
        })
    }

    /// Takes in replies, errands that are over, and banners; whether there were any.
    fn listen(&mut self) -> bool {
        // Before the replies: a reply never comes before its probe was sent, but its errand may be reported first.
        let mut is_busy = false;
        while let Ok(done) = self.ends.done.try_recv() {
            self.note_done(done);
            is_busy = true;
        }
        loop {
            let count = self.ends.replies.pop_slice(&mut self.replies);
            for event in &self.replies[..count] {
                self.visits.reply(event);
            }
            is_busy |= count > 0;
            if count < REPLIES {
                break;
            }
        }
        while let Ok(banners) = self.banners.try_recv() {
            self.note_banners(banners);
            is_busy = true;
        }
        is_busy
    }

    fn note_done(&mut self, done: ErrandDone) {
        let address = V4(done.tag as u32);
        if !done.is_excluded {
            self.visits.sent(address, done.sent_ns);
        } else if let Some(visit) = self.visits.cancel(address) {
            self.status.visits_excluded += 1;
            self.planner.give_up(visit.number, self.clock.now_s(done.sent_ns) as u32);
        }
    }

    fn note_banners(&mut self, banners: Vec<Banner>) {
        let Some(asking) = banners.first().and_then(|banner| self.asking.get_mut(&banner.address)) else { return };
        asking.left = asking.left.saturating_sub(1);
        asking.texts.extend(banners.into_iter().map(|banner| banner.text).filter(|text| !text.is_empty()));
    }

    /// Decides the visits of which nothing more is awaited; whether there were any.
    fn decide_what_is_over(&mut self) -> anyhow::Result<bool> {
        let now_ns = monotonic_ns();
        let mut is_busy = false;
        while let Some(visit) = self.visits.pop_over(now_ns) {
            is_busy = true;
            let asked = self.ask(&visit);
            if asked == 0 {
                let device = self.device_so_far(&visit);
                self.decide(&visit, device);
            } else {
                let patience = self.config.grab.map_or(Duration::ZERO, |limits| limits.timeout);
                // As long as the slowest attempts over both connections of a port may take.
                let until = Instant::now() + 4 * patience + SAMPLE_EVERY;
                self.asking.insert(visit.address, Asking { visit, texts: Vec::new(), left: asked, until });
            }
        }
        let now = Instant::now();
        let over = self.asking.iter().filter(|(_, asking)| asking.left == 0 || asking.until <= now);
        let over: Vec<V4> = over.map(|(address, _)| *address).collect();
        if !over.is_empty() {
            let over = over.iter().filter_map(|address| self.asking.remove(address)).collect();
            self.name(over)?;
            is_busy = true;
        }
        Ok(is_busy)
    }

    /// Asks the ports of a visit that are new, or all of an address that is not known; how many.
    fn ask(&self, visit: &Visit) -> usize {
        if self.config.grab.is_none() || visit.open.is_empty() {
            return 0;
        }
        let state = self.planner.state(visit.number);
        let known = self.planner.scheme().open_ports(state.address);
        let is_new = |port: &&u16| known.binary_search(port).is_err() || state.visited_s == TargetState::NEVER;
        let new = visit.open.iter().filter(is_new).copied();
        new.filter(|port| self.session.ask(visit.address, Transport::Tcp, *port)).take(ASKED).count()
    }

    /// What answers as it did is what it was.
    fn device_so_far(&self, visit: &Visit) -> Option<u16> {
        match self.planner.state(visit.number).standing() {
            Standing::Device(device) if !visit.open.is_empty() => Some(device),
            _ => None,
        }
    }

    /// Decides visits whose banners are in.
    fn name(&mut self, over: Vec<Asking>) -> anyhow::Result<()> {
        let (visits, said): (Vec<Visit>, Vec<Said>) = over
            .into_iter()
            .map(|asking| {
                let said = Said { address: asking.visit.address, open: asking.visit.open.clone(), texts: asking.texts };
                (asking.visit, said)
            })
            .unzip();
        let estimates = self.devices.estimate(&said);
        let of = |address: V4| estimates.iter().find(|estimates| estimates.address == address);
        for visit in &visits {
            let device = match of(visit.address) {
                Some(estimates) => self.devices.number_of(estimates, &visit.open),
                None => self.device_so_far(visit),
            };
            self.decide(visit, device);
        }
        if !estimates.is_empty() {
            let batch = EstimateBatch {
                database: self.devices.signatures().version(),
                estimated_at: utc_now(),
                scan: Some(self.session.scan()),
            };
            let settings = ScoreSettings::default();
            let record = EstimationRecord { settings, complete: false, looked_at: visits.len() };
            self.keeper.order(Order::Estimates(batch, record, estimates))?;
        }
        if self.devices.take_changed() {
            for (number, (_, ports)) in (0..).zip(self.devices.named()) {
                self.planner.scheme_mut().teach_device(number, ports);
            }
            self.keeper.order(Order::Devices(self.devices.named().to_vec()))?;
        }
        Ok(())
    }

    fn decide(&mut self, visit: &Visit, device: Option<u16>) {
        let found = Found { open: &visit.open, device };
        self.status.changes += u64::from(self.planner.decide(visit.number, visit.began_s, found));
        self.status.visits += 1;
        self.changes.push(stored(&self.planner, visit.number));
    }

    /// Hands out what is due, unless sending is held back; whether there was any.
    fn plan(&mut self) -> anyhow::Result<bool> {
        let under_way = self.visits.len() + self.asking.len();
        if self.is_held || under_way >= MOST_VISITS || self.visits.probes() >= MOST_PROBES {
            return Ok(false);
        }
        self.gate.exclusions.refresh();
        let now_ns = monotonic_ns();
        let now_s = self.clock.now_s(now_ns);
        let most = TOGETHER.min(MOST_VISITS - under_way);
        let room = MOST_PROBES - self.visits.probes();
        self.planner.take(now_s, most, room, &self.gate, &mut self.planned);
        if self.planned.is_empty() {
            return Ok(false);
        }
        let spacing_ns = match self.config.rate_per_address_pps {
            pps if pps > 0.0 => (1e9 / pps) as u64,
            _ => 0,
        };
        let mut errands = Vec::with_capacity(self.planned.len());
        for visit in self.planned.drain(..) {
            self.visits.begin(&visit, now_s as u32, now_ns);
            errands.push(Errand {
                address: visit.address,
                probes: Probes::Tcp(visit.ports),
                not_before_ns: now_ns,
                spacing_ns,
                group: if visit.cluster == 0 { NO_GROUP } else { u32::from(visit.cluster) },
                tag: u64::from(visit.address.0),
            });
        }
        self.ends.errands.send(errands)?;
        Ok(true)
    }

    /// Hands changed states to the keeper when enough have gathered or enough time has passed.
    fn save(&mut self, at_once: bool) -> anyhow::Result<()> {
        let is_due = self.saved_at.elapsed() >= self.config.save_interval || self.changes.len() >= CHANGES;
        if !(at_once || is_due && !self.changes.is_empty()) {
            return Ok(());
        }
        self.saved_at = Instant::now();
        let clock = self.watch_clock();
        self.keeper.order(Order::Changes(std::mem::take(&mut self.changes), clock.clone()))?;
        if self.keeper.waiting() > CHANGES_MOST.max(self.planner.states().len() as u64 / 4) {
            let all = 0..self.planner.states().len() as u32;
            let all = all.map(|number| stored(&self.planner, number)).collect();
            self.keeper.order(Order::All(all, clock))?;
        }
        Ok(())
    }

    fn watch_clock(&self) -> WatchClock {
        WatchClock {
            began_at: self.clock.began_at(),
            clock_s: self.clock.now_s(monotonic_ns()) as u32,
            time_scale: self.config.time_scale,
            scheme: self.config.scheme.kind.name().to_owned(),
            settings: self.settings.clone(),
            learnt: self.planner.scheme().learnt(),
        }
    }

    fn sample(&mut self) -> anyhow::Result<()> {
        if let Some(error) = self.keeper.failure() {
            return Err(error.into());
        }
        if self.sampled.elapsed() >= SAMPLE_EVERY {
            self.sampled = Instant::now();
            self.sample = self.session.tick()?;
        }
        self.set_cluster_rates()?;
        let now_s = self.clock.now_s(monotonic_ns());
        self.status = WatchStatus {
            clock_s: now_s as u32,
            targets: self.planner.states().len() as u64,
            standings: self.planner.standings(),
            plan: self.planner.status(now_s, self.config.time_scale),
            visits_under_way: (self.visits.len() + self.asking.len()) as u64,
            states_saved: self.keeper.saved(),
            replies_unmatched: self.visits.unmatched(),
            replies_missed: self.sample.missed,
            probing: self.probing(if self.is_held { Phase::Paused } else { Phase::Sending }),
            ..std::mem::take(&mut self.status)
        };
        Ok(())
    }

    /// Clusters' rates follow the time of day.
    fn set_cluster_rates(&mut self) -> anyhow::Result<()> {
        if self.rated.is_some_and(|rated| rated.elapsed() < RATES_EVERY) {
            return Ok(());
        }
        self.rated = Some(Instant::now());
        for (cluster, pps) in self.planner.rates_at(utc_now()) {
            self.planner.set_cluster_rate(cluster, pps / self.config.time_scale);
            self.ends.errands.limit_group(u32::from(cluster), pps)?;
        }
        Ok(())
    }

    fn probing(&self, phase: Phase) -> StatusSample {
        let sample = &self.sample;
        StatusSample {
            t_s: self.started.elapsed().as_secs_f64(),
            phase,
            sent: sample.sent,
            planned: sample.sent,
            rate_pps: sample.rate_pps,
            target_pps: sample.target_pps,
            replies: sample.replies.clone(),
            duplicates: sample.duplicates,
            hit_rate: if sample.sent == 0 {
                0.0
            } else {
                sample.replies.of(ReplyKind::SynAck) as f64 / sample.sent as f64
            },
            drops: sample.drops.clone(),
            eta_s: None,
            grab: sample.grab,
        }
    }

    fn obey(&mut self, wishes: Wishes) {
        if wishes.hold != self.is_held {
            self.is_held = wishes.hold;
            self.session.pause(wishes.hold);
        }
        if let Some(limit) = wishes.rate {
            let rate_pps = self.session.rate_pps(limit).min(RATE_MOST_PPS);
            if rate_pps.to_bits() != self.rate_pps.to_bits() {
                self.rate_pps = rate_pps;
                self.session.set_rate(limit);
                self.planner.set_rate(rate_pps / self.config.time_scale);
            }
        }
        self.gate.share = wishes.share;
    }

    /// Ends it: visits under way are left undecided and due, everything else is stored.
    fn close(mut self, overseer: &mut dyn Overseer) -> anyhow::Result<WatchStatus> {
        self.save(true)?;
        let last = self.session.close(COOLDOWN, ScanStatus::Finished)?;
        self.keeper.finish()?;
        self.status.states_saved = self.status.visits;
        self.status.probing.sent = last.sent;
        self.status.probing.replies = last.replies;
        self.status.probing.duplicates = last.duplicates;
        self.status.probing.drops = last.drops;
        self.status.probing.phase = Phase::Done;
        overseer.oversee(&self.status);
        Ok(self.status)
    }
}

/// The states of all targets by address, as stored or new, and the open ports of those that have any by number.
type Loaded = (Vec<TargetState>, HashMap<u32, Box<[u16]>>);

fn load(config: &WatchConfig, store: &Store) -> anyhow::Result<Loaded> {
    let ranges: Vec<_> = config.targets.ranges().collect();
    let mut states = Vec::with_capacity(config.targets.len() as usize);
    let mut first_numbers = Vec::with_capacity(ranges.len());
    for range in &ranges {
        first_numbers.push(states.len() as u32);
        states.extend((range.first().0..=range.last().0).map(|address| TargetState::new(address, 0)));
    }
    let number_of = |address: u32| {
        let index = ranges.partition_point(|range| range.last().0 < address);
        let range = ranges.get(index).filter(|range| range.first().0 <= address)?;
        Some(first_numbers[index] + (address - range.first().0))
    };
    let mut ports = HashMap::new();
    store.for_each_target(|target| {
        // What is not watched any more keeps its state on disk.
        let Some(number) = number_of(target.state.address) else { return };
        states[number as usize] = target.state;
        if target.open_ports.is_empty() {
            ports.remove(&number);
        } else {
            ports.insert(number, target.open_ports);
        }
    })?;
    Ok((states, ports))
}

fn stored(planner: &Planner, number: u32) -> StoredTarget {
    let state = *planner.state(number);
    StoredTarget { state, open_ports: planner.scheme().open_ports(state.address).into() }
}

fn session_config(config: &WatchConfig) -> SessionConfig {
    SessionConfig {
        purpose: "watch",
        link: config.link.clone(),
        engine: config.engine,
        sender_threads: config.sender_threads,
        style: config.style.clone(),
        kinds: vec![ProbePort { kind: ProbeKind::TcpSyn, port: 80 }],
        rate: config.rate,
        rate_per_slash24_pps: config.rate_per_slash24_pps,
        grab: config.grab,
        record: config.record.clone(),
    }
}
