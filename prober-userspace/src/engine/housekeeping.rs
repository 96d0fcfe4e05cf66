//! What happens once a night beside the probing, or when it is asked for: networks are learnt of, finished days exported, then
//! old rows removed. A thread of its own with a connection of its own, behind all others; a night that was missed is made up
//! for at the next start, one that was worked is not repeated, and a wall clock that was set removes nothing. It is given up
//! at any point: each part is one transaction, or a file that gets its name when it is whole.

pub mod forgetting;
mod nights;
mod successes;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use duckdb::InterruptHandle;

use self::forgetting::ForgettingOrder;
use self::nights::Nights;
pub use self::successes::Successes;
use self::successes::{at, now_at};
use crate::device::database::Database;
use crate::device::score::ScoreSettings;
use crate::engine::congestion_learning::CongestionConfig;
use crate::engine::estimation::estimate_stored_unless;
use crate::engine::network_learning::learn_networks;
use crate::engine::watch::recall::sampled;
use crate::io::clock::utc_now;
use crate::io::doctor::clock_is_synchronised;
use crate::io::store::{RetentionLimits, Store};
use crate::io::sys::{monotonic_ns, run_behind};
use crate::model::utc::UtcMicros;
use crate::model::watch::SchemeConfig;
use crate::policy::learnt_networks::LearntNetworks;
use crate::policy::starter::Known;

/// How often the time is looked at.
const LOOK: Duration = Duration::from_secs(20);
/// Orders that may wait.
const ORDERS: usize = 4;
/// Between two attempts to end what the database does for it.
const AGAIN: Duration = Duration::from_millis(20);
/// Who did it, in the audit trail.
const WHO: &str = "prober daemon";

/// What is done at night.
#[derive(Clone, Debug)]
pub struct NightlyWork {
    /// When, since midnight UTC.
    pub at: Duration,
    /// Copies of finished days.
    pub export: Option<NightlyExport>,
    /// How long rows stay.
    pub retention: RetentionLimits,
    /// How networks are learnt of; `None`: they are not.
    pub networks: Option<CongestionConfig>,
    /// For which scheme port sets are derived from what was found; `None`: they are not.
    pub scheme: Option<SchemeConfig>,
    /// What devices are told by: stored banners are looked at again when it has changed, and at night if that failed.
    pub signatures: Option<Arc<Database>>,
}

/// Copies of finished days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NightlyExport {
    /// Where to.
    pub folder: PathBuf,
    /// How long a day's folder stays; `None`: for ever.
    pub keep: Option<Duration>,
}

/// What the thread is told.
enum Order {
    /// From now on this is done at night.
    Change(Box<NightlyWork>),
    /// Do it now.
    Now,
    /// Remove what is stored of some addresses.
    Forget(ForgettingOrder),
}

/// What the thread and others know of it.
#[derive(Debug, Default)]
struct Shared {
    successes: Successes,
    /// It is at work, or was told to be.
    is_working: AtomicBool,
    /// It is to end.
    is_ending: AtomicBool,
    /// Held while the database does what must not be interrupted.
    whole: Mutex<()>,
    /// What was learnt of networks, until somebody takes it.
    learnt: Mutex<Option<Arc<LearntNetworks>>>,
    /// Which ports find what, until somebody takes it.
    known: Mutex<Option<Arc<Known>>>,
}

/// The thread; it ends with this value, and gives up the work at hand.
pub struct Housekeeping {
    interrupt: Arc<InterruptHandle>,
    orders: Option<SyncSender<Order>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeping {
    /// Starts it on a connection of its own.
    pub fn start(store: Store, work: NightlyWork) -> std::io::Result<Self> {
        let (orders, inbox) = sync_channel(ORDERS);
        let shared = Arc::new(Shared { successes: Successes::kept(&store), ..Shared::default() });
        let interrupt = store.connection().interrupt_handle();
        let own = Arc::clone(&shared);
        let run = move || run(&store, work, &inbox, &own);
        let thread = std::thread::Builder::new().name("nightly".into()).spawn(run)?;
        Ok(Self { interrupt, orders: Some(orders), shared, thread: Some(thread) })
    }

    /// Has it give up what it does, soon, and begin nothing more.
    pub fn give_up(&self) {
        self.shared.is_ending.store(true, Ordering::Relaxed);
    }

    /// Has the work of a night done now. Whether it was begun: not while it is under way.
    pub fn begin(&self) -> bool {
        if self.shared.is_working.swap(true, Ordering::Relaxed) {
            return false;
        }
        let is_begun = self.orders.as_ref().is_some_and(|orders| orders.try_send(Order::Now).is_ok());
        self.shared.is_working.store(is_begun, Ordering::Relaxed);
        is_begun
    }

    /// Has everything removed that was found at some addresses. Given back if it cannot be begun now: not while other work is
    /// under way.
    pub fn forget(&self, order: ForgettingOrder) -> Option<ForgettingOrder> {
        let Some(orders) = self.orders.as_ref().filter(|_| !self.shared.is_working.swap(true, Ordering::Relaxed))
        else {
            return Some(order);
        };
        match orders.try_send(Order::Forget(order)) {
            Ok(()) => None,
            Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) => {
                self.shared.is_working.store(false, Ordering::Relaxed);
                match order {
                    Order::Forget(order) => Some(order),
                    Order::Change(_) | Order::Now => None,
                }
            }
        }
    }

    /// Whether it is under way.
    pub fn is_working(&self) -> bool {
        self.shared.is_working.load(Ordering::Relaxed)
    }

    /// What was learnt of networks since the last call.
    pub fn take_learnt(&self) -> Option<Arc<LearntNetworks>> {
        self.shared.learnt.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Which ports find what, by all that was found until the last night, if that is new since the last call.
    pub fn take_known(&self) -> Option<Arc<Known>> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// When networks were last learnt of without a failure, s since 1970.
    pub fn learnt_at_s(&self) -> Option<i64> {
        at(&self.shared.successes.networks)
    }

    /// When the export last went well, s since 1970.
    pub fn exported_at_s(&self) -> Option<i64> {
        at(&self.shared.successes.export)
    }

    /// When old rows were last looked for and removed.
    pub fn retired_at_s(&self) -> Option<i64> {
        at(&self.shared.successes.retention)
    }

    /// From now on this is done at night. Whether it was taken: not while the last changes still wait.
    pub fn change(&self, work: NightlyWork) -> bool {
        let order = Order::Change(Box::new(work));
        self.orders.as_ref().is_some_and(|orders| orders.try_send(order).is_ok())
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.give_up();
        self.orders = None;
        let Some(thread) = self.thread.take() else { return };
        while !thread.is_finished() {
            {
                let _whole = self.shared.whole.lock().unwrap_or_else(PoisonError::into_inner);
                // Of no consequence while no statement runs, so it is done again.
                self.interrupt.interrupt();
            }
            std::thread::sleep(AGAIN);
        }
        let _ = thread.join();
    }
}

fn run(store: &Store, mut work: NightlyWork, orders: &Receiver<Order>, shared: &Shared) {
    if let Err(cause) = run_behind() {
        log::warn!("the work at night cannot be put behind the probing, it takes its share of the processors: {cause}");
    }
    // A database that cannot be read now cannot be tidied either.
    let last = store.last_saved().ok().flatten();
    let worked = shared.successes.worked();
    let mut nights = Nights::from(utc_now(), monotonic_ns(), last, worked);
    if let Some(worked) = worked.filter(|_| nights.is_fresh()) {
        log::info!("the work of the night was done at {worked}; `prober control nightly` does it again");
        // Others may have come with the new start.
        estimate_again(store, &work, &|| shared.is_ending());
    }
    loop {
        if shared.is_ending() {
            return;
        }
        if nights.look(utc_now(), monotonic_ns(), work.at) {
            night(store, &work, shared);
        } else if nights.is_doubted() && clock_is_synchronised() == Some(true) {
            log::info!("the clock is synchronised, so it is believed");
            nights.trust(utc_now(), monotonic_ns());
        }
        match orders.recv_timeout(LOOK) {
            Ok(Order::Change(changed)) => {
                work = *changed;
                estimate_again(store, &work, &|| shared.is_ending());
            }
            Ok(Order::Forget(order)) => {
                order.carry_out(store, &|| shared.is_ending());
                shared.is_working.store(false, Ordering::Relaxed);
            }
            Ok(Order::Now) => {
                // Whoever asks for it has looked at the clock.
                nights.trust(utc_now(), monotonic_ns());
                night(store, &work, shared);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Shared {
    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }
}

fn night(store: &Store, work: &NightlyWork, shared: &Shared) {
    shared.is_working.store(true, Ordering::Relaxed);
    let (now, is_ending) = (utc_now(), || shared.is_ending());
    let tidied = tidy_unless(store, work, now, &shared.successes, &shared.whole, &is_ending);
    if let Some(learnt) = tidied.learnt {
        *shared.learnt.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(learnt));
    }
    if let Some(scheme) = work.scheme.as_ref().filter(|_| !is_ending()) {
        match store.open_tcp_ports().and_then(|open| Ok((open, store.watch_clock()?))) {
            Ok((open, stored)) => {
                let sampled = sampled(scheme, stored.as_ref()).unwrap_or(0.0);
                let known = Arc::new(Known::of(&SchemeConfig { sampled, ..scheme.clone() }, &open));
                *shared.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
            }
            Err(cause) => tell(&cause, "port sets could not be derived anew", &is_ending),
        }
    }
    if is_ending() {
        log::info!("the work of this night is given up, the next start does it");
    } else {
        if tidied.is_well {
            now_at(&shared.successes.night, now);
        }
        shared.successes.keep(store, now);
    }
    shared.is_working.store(false, Ordering::Relaxed);
}

/// What went wrong; but nothing did if it was ended.
fn tell(cause: &dyn std::fmt::Display, what: &str, is_ending: &dyn Fn() -> bool) {
    if !is_ending() {
        log::error!("{what}, tomorrow again: {cause}");
    }
}

/// A night's work at `now`, noted when it goes well. Rows only go if their export did not fail. Gives what was learnt of
/// networks, if anything.
pub fn tidy(store: &Store, work: &NightlyWork, now: UtcMicros, successes: &Successes) -> Option<LearntNetworks> {
    tidy_unless(store, work, now, successes, &Mutex::new(()), &|| false).learnt
}

/// What came of it.
struct Tidied {
    learnt: Option<LearntNetworks>,
    /// Nothing failed, and nothing was given up.
    is_well: bool,
}

/// The same; each part is left out or given up once `is_ending`. `whole` is held while nothing may be interrupted.
fn tidy_unless(
    store: &Store,
    work: &NightlyWork,
    now: UtcMicros,
    successes: &Successes,
    whole: &Mutex<()>,
    is_ending: &(dyn Fn() -> bool + Sync),
) -> Tidied {
    let mut is_well = true;
    if let Err(cause) = store.gather_open_ports(now) {
        tell(&cause, "open ports could not be gathered", is_ending);
        is_well = false;
    }
    let mut networks = None;
    if let Some(config) = work.networks.as_ref().filter(|_| !is_ending()) {
        let learnt = learn_networks(store, config, now, WHO, is_ending);
        if learnt.is_well && !is_ending() {
            now_at(&successes.networks, now);
        }
        is_well &= learnt.is_well;
        networks = learnt.networks;
    }
    is_well &= !is_ending() && export_and_retire(store, work, now, successes, whole, is_ending);
    is_well &= !is_ending() && estimate_again(store, work, is_ending);
    Tidied { learnt: networks, is_well }
}

/// Copies of what is finished and of what stands; rows that are too old only go if they were copied. Whether all went well.
fn export_and_retire(
    store: &Store,
    work: &NightlyWork,
    now: UtcMicros,
    successes: &Successes,
    whole: &Mutex<()>,
    is_ending: &(dyn Fn() -> bool + Sync),
) -> bool {
    let mut is_well = true;
    if let Some(export) = &work.export {
        match store.export_finished_days(&export.folder, export.keep, now, WHO) {
            Ok(night) => {
                now_at(&successes.export, now);
                if !(night.exported.is_empty() && night.removed == 0) {
                    let rows: u64 = night.exported.iter().map(|exported| exported.rows).sum();
                    log::info!(
                        "exported {} folders with {rows} rows to {}, removed {} old ones",
                        night.exported.len(),
                        export.folder.display(),
                        night.removed
                    );
                }
            }
            Err(cause) => {
                tell(&cause, "the nightly export failed, so no rows are removed either", is_ending);
                return false;
            }
        }
        if is_ending() {
            return false;
        }
        if let Err(cause) = store.export_standing(&export.folder) {
            tell(&cause, "what stands could not be exported", is_ending);
            is_well = false;
        }
    }
    if is_ending() {
        return false;
    }
    match store.remove_old(work.retention, now, WHO) {
        Ok(removed) => {
            now_at(&successes.retention, now);
            let total: u64 = removed.iter().map(|(_, rows)| rows).sum();
            if total > 0 {
                log::info!("removed {total} rows that were older than they are kept");
            }
        }
        Err(cause) => {
            tell(&cause, "old rows could not be removed", is_ending);
            return false;
        }
    }
    if !is_ending() {
        let _whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
        store.give_space_back();
    }
    is_well
}

/// Devices of all stored banners, if other signatures made their estimates. Whether that went well.
fn estimate_again(store: &Store, work: &NightlyWork, is_ending: &(dyn Fn() -> bool + Sync)) -> bool {
    let Some(signatures) = &work.signatures else { return true };
    let estimated = store.is_outdated(signatures.version()).and_then(|is_outdated| {
        let estimate = || estimate_stored_unless(store, signatures, ScoreSettings::default(), None, is_ending);
        is_outdated.then(estimate).transpose()
    });
    match estimated.map(Option::flatten) {
        Ok(None) => {}
        Ok(Some(all)) => {
            log::info!("the signatures changed: of {} addresses with a banner {} are named", all.looked_at, all.named);
        }
        Err(cause) => {
            tell(&cause, "devices could not be estimated anew", is_ending);
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests;
