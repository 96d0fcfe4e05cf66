//! The watch: plan, probe, match, grab, estimate, store, plan - for years. One thread owns the planner and decides; the data
//! plane, the grabber and the keeper of states run beside it. Whoever oversees it is looked at ten times a second.

mod clock;
mod devices;
mod figures;
mod forgetting;
pub mod keeper;
mod late;
mod naming;
mod opening;
mod outage;
mod outlook;
pub(super) mod quiet;
pub mod recall;
pub mod saving;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use prober_common::address::V4;
use prober_common::event::ReplyEvent;
use ringbuf::traits::Consumer;

use self::clock::PolicyClock;
use self::devices::{Devices, Said};
use self::forgetting::InHand;
use self::keeper::Order;
use self::late::Late;
use self::naming::Asking;
use self::outage::Outage;
use self::saving::Saving;
use super::session::{Session, SessionEnds, SessionSample};
use crate::io::clock::utc_now;
use crate::io::grab::Asked;
use crate::io::store::{Access, Store};
use crate::io::sys::monotonic_ns;
use crate::model::scan::ScanStatus;
use crate::model::status::Phase;
use crate::model::watch::{Overseer, Share, WatchConfig, WatchStatus, Wishes};
use crate::policy::planner::{Admission, PlannedVisit, Planner};
use crate::policy::scheme::Found;
use crate::policy::starter::Known;
use crate::policy::target_state::Standing;
use crate::policy::visits::{Visit, Visits};
use crate::target::address_set::AddressSet;
use crate::target::errand::{Errand, ErrandDone, Probes};
use crate::target::errand_queue::NO_GROUP;
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
/// Changes that wait for a slow database at most before fewer visits are planned: some 20 MB.
const CHANGES_MOST: usize = 4 * CHANGES;
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
    let store = Store::open(&config.database, Access::Write)?;
    // A daemon does this every night.
    store.gather_open_ports(utc_now())?;
    run_on(store, config, exclusions, overseer)
}

/// The same over a database that is open already: within a process a file may be opened only once.
pub fn run_on(
    store: Store,
    config: &WatchConfig,
    exclusions: &Arc<SharedExclusions>,
    overseer: &mut dyn Overseer,
) -> anyhow::Result<WatchStatus> {
    let mut watch = Watch::open(config, store, exclusions, overseer)?;
    // Nothing is sent before the overseer was asked.
    watch.sample()?;
    let wishes = overseer.oversee(&watch.status);
    if wishes.stop {
        return watch.close(overseer);
    }
    watch.obey(wishes)?;
    loop {
        let is_busy = watch.listen()
            | watch.decide_what_is_over()?
            | watch.name_late()?
            | watch.plan()?
            | watch.take_over_some()?
            | watch.forget_some()?;
        watch.save(false)?;
        if watch.looked.elapsed() >= LOOK_EVERY {
            watch.looked = Instant::now();
            watch.look_at_link();
            watch.sample()?;
            let wishes = overseer.oversee(&watch.status);
            if wishes.stop {
                return watch.close(overseer);
            }
            watch.obey(wishes)?;
        }
        if !is_busy {
            std::thread::sleep(REST);
        }
    }
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
    late: Late,
    forgetting: VecDeque<InHand>,
    outage: Outage,
    devices: Devices,
    gate: Gate,
    session: Session,
    ends: SessionEnds,
    banners: Receiver<Asked>,
    saving: Saving,
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
    /// Targets that are not excluded, as of this version of the exclusions.
    allowed: Option<(u64, u64)>,
}

impl Gate {
    /// How many of the targets may be visited.
    fn admitted(&mut self, targets: &AddressSet) -> f64 {
        self.exclusions.refresh();
        let version = self.exclusions.version();
        let known = self.allowed.filter(|(of, _)| *of == version);
        let (_, allowed) = known.unwrap_or_else(|| (version, targets.subtract(self.exclusions.addresses()).len()));
        self.allowed = Some((version, allowed));
        allowed as f64 * self.share.as_ref().map_or(1.0, |share| share.size)
    }
}

impl Admission for Gate {
    fn admits(&self, address: V4) -> bool {
        !self.exclusions.contains(address)
    }

    fn watches(&self, address: V4) -> bool {
        self.share.as_ref().is_none_or(|share| (share.holds)(address))
    }
}

impl Watch<'_> {
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
        while let Ok(asked) = self.banners.try_recv() {
            self.note_asked(asked);
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

    /// Decides the visits of which nothing more is awaited; whether there were any.
    fn decide_what_is_over(&mut self) -> anyhow::Result<bool> {
        let now_ns = monotonic_ns();
        let mut is_busy = false;
        while let Some(visit) = self.visits.pop_over(now_ns) {
            is_busy = true;
            if self.says_nothing(&visit, now_ns) {
                self.status.visits_interrupted += 1;
                self.planner.try_again(visit.number, visit.began_s.saturating_add(outage::AGAIN_S));
                continue;
            }
            let left = self.ask(&visit);
            if let Some(patience) = self.patience().filter(|_| !left.is_empty()) {
                let until = Instant::now() + patience;
                self.asking.insert(visit.address, Asking { visit, texts: Vec::new(), left, until });
            } else {
                let device = self.device_so_far(&visit);
                self.decide(&visit, device);
                if !left.is_empty() {
                    let said = Said { address: visit.address, open: visit.open, texts: Vec::new() };
                    self.late.owe(visit.number, said, left, Instant::now());
                }
            }
        }
        let now = Instant::now();
        let over = self.asking.iter().filter(|(_, asking)| asking.left.is_empty() || asking.until <= now);
        let over: Vec<V4> = over.map(|(address, _)| *address).collect();
        // Those that the keeper cannot take yet stay where they are.
        if !over.is_empty() && self.saving.keeper().has_room() {
            let over = over.iter().filter_map(|address| self.asking.remove(address)).collect();
            self.name(over)?;
            is_busy = true;
        }
        Ok(is_busy)
    }

    /// Whether a visit's silence is that of the way, not of the host.
    fn says_nothing(&mut self, visit: &Visit, now_ns: u64) -> bool {
        let now_s = self.clock.now_s(now_ns);
        let is_known = matches!(self.planner.state(visit.number).standing(), Standing::Answering | Standing::Device(_));
        if is_known || !visit.open.is_empty() {
            self.outage.note(!visit.open.is_empty(), now_s);
        }
        let lasts = self.outage.lasts(now_s);
        if lasts != self.status.is_unanswered {
            self.status.is_unanswered = lasts;
            if lasts {
                log::error!(
                    "none of the addresses that are known to answer does any more: something is wrong on the way to them; \
                     nothing is learnt from silence and little is sent until one answers"
                );
            } else {
                log::info!("addresses answer again, or the silence has lasted so long that it is believed");
            }
        }
        lasts && visit.open.is_empty()
    }

    /// Replies that are awaited when the link goes down may be lost: nothing is learnt from these visits, they come again.
    fn look_at_link(&mut self) {
        let is_down = self.session.is_link_down();
        if is_down && !self.status.link_down {
            let waiting = self.visits.interrupt().into_iter();
            let asking = self.asking.drain().map(|(_, asking)| asking.visit);
            let again: Vec<u32> = waiting.chain(asking).map(|visit| visit.number).collect();
            self.status.visits_interrupted += again.len() as u64;
            for number in again {
                self.planner.again(number);
            }
        }
        self.status.link_down = is_down;
    }

    fn decide(&mut self, visit: &Visit, device: Option<u16>) {
        let found = Found { open: &visit.open, device };
        self.status.changes += u64::from(self.planner.decide(visit.number, visit.began_s, found));
        self.status.visits += 1;
        self.status.squared_probes += (visit.ports.len() as f64).powi(2);
        self.saving.note(&self.planner, visit.number);
    }

    /// Hands out what is due, unless sending is held back; whether there was any.
    fn plan(&mut self) -> anyhow::Result<bool> {
        let under_way = self.visits.len() + self.asking.len();
        if self.is_held || self.status.link_down || under_way >= MOST_VISITS || self.visits.probes() >= MOST_PROBES {
            return Ok(false);
        }
        if self.status.is_unanswered && !self.outage.may_try(Instant::now()) {
            return Ok(false);
        }
        if self.is_store_behind() {
            return Ok(false);
        }
        self.gate.exclusions.refresh();
        let now_ns = monotonic_ns();
        let now_s = self.clock.now_s(now_ns);
        let together = if self.status.is_unanswered { outage::TRICKLE } else { TOGETHER };
        let most = together.min(MOST_VISITS - under_way);
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

    /// Whether the database takes states so slowly that no more visits are to be begun.
    fn is_store_behind(&self) -> bool {
        self.saving.waiting() >= CHANGES_MOST
    }

    /// Hands changed states to the keeper when enough have gathered or enough time has passed, and it takes them without
    /// waiting: a slow database must not keep this thread from replies, commands and the watchdog.
    fn save(&mut self, at_once: bool) -> anyhow::Result<()> {
        let waiting = self.saving.waiting();
        let is_due = self.saved_at.elapsed() >= self.config.save_interval || waiting >= CHANGES;
        if at_once || is_due && waiting > 0 && self.saving.keeper().has_room() {
            self.saved_at = Instant::now();
            let clock = self.watch_clock();
            self.gate.exclusions.refresh();
            self.saving.save(&self.planner, clock, |address| self.gate.exclusions.contains(address))?;
            self.saving.save_newcomers(&self.planner, at_once)?;
        }
        Ok(())
    }

    fn obey(&mut self, wishes: Wishes) -> anyhow::Result<()> {
        if wishes.hold != self.is_held {
            self.is_held = wishes.hold;
            self.session.pause(wishes.hold);
            self.late.hold(wishes.hold, Instant::now());
        }
        if let Some(limit) = wishes.rate {
            let rate_pps = self.session.rate_pps(limit).min(RATE_MOST_PPS);
            if rate_pps.to_bits() != self.rate_pps.to_bits() {
                self.rate_pps = rate_pps;
                self.session.set_rate(limit);
                self.planner.set_rate(most_pps(self.config, rate_pps) / self.config.time_scale);
            }
        }
        self.gate.share = wishes.share;
        if let Some(signatures) = wishes.signatures {
            self.saving.keeper().order(Order::Signatures(Arc::clone(&signatures)))?;
            self.devices.tell_by(signatures);
        }
        if let Some(known) = wishes.known {
            let now_s = self.clock.now_s(monotonic_ns()) as u32;
            Known::clone(&known).renew(&self.config.scheme, self.planner.scheme_mut(), now_s);
        }
        if let Some(networks) = wishes.networks {
            self.take_over(networks);
        }
        for forgetting in wishes.forgotten {
            self.forget(forgetting);
        }
        for question in wishes.asked {
            (question.answer)(self.outlook(question.address));
        }
        Ok(())
    }

    /// Ends it: visits under way are left undecided and due, everything else is stored.
    fn close(mut self, overseer: &mut dyn Overseer) -> anyhow::Result<WatchStatus> {
        self.save(true)?;
        let last = self.session.close(COOLDOWN, ScanStatus::Finished)?;
        self.saving.finish()?;
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

/// What the limits allow together, packets/s: the link's and those of all /24s.
fn most_pps(config: &WatchConfig, link_pps: f64) -> f64 {
    let all_24s_pps = match config.rate_per_slash24_pps {
        pps if pps > 0.0 => pps * config.targets.slash24_count() as f64,
        _ => RATE_MOST_PPS,
    };
    link_pps.min(all_24s_pps).min(RATE_MOST_PPS)
}
