//! What happens once a night beside the probing, or when it is asked for: networks are learnt of, finished days exported, then
//! old rows removed. A thread of its own with a connection of its own; a night that was missed is made up for at the next
//! start, and a wall clock that was set removes nothing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::device::database::Database;
use crate::device::score::ScoreSettings;
use crate::engine::congestion_learning::CongestionConfig;
use crate::engine::estimation::estimate_stored;
use crate::engine::network_learning::learn_networks;
use crate::engine::watch::recall::sampled;
use crate::io::clock::utc_now;
use crate::io::doctor::clock_is_synchronised;
use crate::io::store::{RetentionLimits, Store};
use crate::io::sys::monotonic_ns;
use crate::model::utc::{ClockOffset, UtcMicros};
use crate::model::watch::SchemeConfig;
use crate::policy::learnt_networks::LearntNetworks;
use crate::policy::starter::Known;

/// How often the time is looked at.
const LOOK: Duration = Duration::from_secs(20);
/// Orders that may wait.
const ORDERS: usize = 4;
/// A wall clock that parts from the monotonic one by more was set; the trail of time cannot be trusted then.
const MOST_STEP_US: i64 = 3_600_000_000;
const DAY_US: i64 = 86_400_000_000;
/// A daemon that was away for longer than this is rarer than a clock that is wrong.
const FAR_AHEAD_US: i64 = 30 * DAY_US;
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

/// When each part last went well, s since 1970; 0: not since the start.
#[derive(Debug, Default)]
pub struct Successes {
    networks: AtomicI64,
    export: AtomicI64,
    retention: AtomicI64,
}

fn at(success: &AtomicI64) -> Option<i64> {
    Some(success.load(Ordering::Relaxed)).filter(|at| *at > 0)
}

fn now_at(success: &AtomicI64, now: UtcMicros) {
    success.store(now.0.div_euclid(1_000_000), Ordering::Relaxed);
}

/// What the thread is told.
enum Order {
    /// From now on this is done at night.
    Change(Box<NightlyWork>),
    /// Do it now.
    Now,
}

/// What the thread and others know of it.
#[derive(Debug, Default)]
struct Shared {
    successes: Successes,
    /// It is at work, or was told to be.
    is_working: AtomicBool,
    /// It is to end.
    is_ending: AtomicBool,
    /// What was learnt of networks, until somebody takes it.
    learnt: Mutex<Option<Arc<LearntNetworks>>>,
    /// Which ports find what, until somebody takes it.
    known: Mutex<Option<Arc<Known>>>,
}

/// The thread; it ends with this value, after the work at hand (but what it is learning it gives up).
#[derive(Debug)]
pub struct Housekeeping {
    orders: Option<SyncSender<Order>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeping {
    /// Starts it on a connection of its own.
    pub fn start(store: Store, work: NightlyWork) -> std::io::Result<Self> {
        let (orders, inbox) = sync_channel(ORDERS);
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        let run = move || run(&store, work, &inbox, &own);
        let thread = std::thread::Builder::new().name("nightly".into()).spawn(run)?;
        Ok(Self { orders: Some(orders), shared, thread: Some(thread) })
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

    /// When networks were last learnt of without a failure since the start, s since 1970.
    pub fn learnt_at_s(&self) -> Option<i64> {
        at(&self.shared.successes.networks)
    }

    /// When the export last went well since the start, s since 1970.
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
        self.shared.is_ending.store(true, Ordering::Relaxed);
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(store: &Store, mut work: NightlyWork, orders: &Receiver<Order>, shared: &Shared) {
    // A database that cannot be read now cannot be tidied either.
    let last = store.last_saved().ok().flatten();
    let mut nights = Nights::from(utc_now(), monotonic_ns(), last);
    loop {
        if nights.is_far_ahead && clock_is_synchronised() == Some(true) {
            nights.is_far_ahead = false;
        }
        if nights.look(utc_now(), monotonic_ns(), work.at) {
            night(store, &work, shared);
        }
        match orders.recv_timeout(LOOK) {
            Ok(Order::Change(changed)) => {
                work = *changed;
                estimate_again(store, &work);
            }
            Ok(Order::Now) => {
                // Whoever asks for it has looked at the clock.
                nights.is_far_ahead = false;
                if nights.is_clock_right(utc_now(), monotonic_ns()) {
                    night(store, &work, shared);
                } else {
                    shared.is_working.store(false, Ordering::Relaxed);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn night(store: &Store, work: &NightlyWork, shared: &Shared) {
    shared.is_working.store(true, Ordering::Relaxed);
    let learnt = tidy_unless(store, work, utc_now(), &shared.successes, &|| shared.is_ending.load(Ordering::Relaxed));
    if let Some(learnt) = learnt {
        *shared.learnt.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(learnt));
    }
    if let Some(scheme) = &work.scheme {
        match store.open_tcp_ports().and_then(|open| Ok((open, store.watch_clock()?))) {
            Ok((open, stored)) => {
                let sampled = sampled(scheme, stored.as_ref()).unwrap_or(0.0);
                let known = Arc::new(Known::of(&SchemeConfig { sampled, ..scheme.clone() }, &open));
                *shared.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
            }
            Err(cause) => log::error!("port sets could not be derived anew, tomorrow again: {cause}"),
        }
    }
    shared.is_working.store(false, Ordering::Relaxed);
}

/// Which nights were worked, by a clock that may be set.
struct Nights {
    start: ClockOffset,
    last_day: Option<i64>,
    was_set: bool,
    /// The clock stood far ahead of what was stored last when this began, and nobody says that it is right.
    is_far_ahead: bool,
}

impl Nights {
    /// `last`: when something was last stored, if ever.
    fn from(now: UtcMicros, monotonic_ns: u64, last: Option<UtcMicros>) -> Self {
        let start = ClockOffset::between(now, monotonic_ns);
        let is_far_ahead = last.is_some_and(|last| now.0 - last.0 > FAR_AHEAD_US);
        if is_far_ahead {
            log::warn!(
                "the clock is more than 30 days ahead of what was stored last: nothing is exported or removed until it is \
                 synchronised, or `prober control nightly` says that it is right"
            );
        }
        Self { start, last_day: None, was_set: false, is_far_ahead }
    }

    /// Whether there is work to do now.
    fn look(&mut self, now: UtcMicros, monotonic_ns: u64, at: Duration) -> bool {
        let is_due = self.is_clock_right(now, monotonic_ns) && is_due(self.last_day, at, now);
        if is_due {
            self.last_day = Some(day_of(now));
        }
        is_due
    }

    /// Nothing is removed by a clock that was set since the start: it may be wrong by years.
    fn is_clock_right(&mut self, now: UtcMicros, monotonic_ns: u64) -> bool {
        let was_set = (now.0 - self.start.utc(monotonic_ns).0).abs() > MOST_STEP_US;
        if was_set && !self.was_set {
            log::warn!(
                "the clock was set by more than an hour: nothing is exported or removed until it is right again"
            );
        }
        self.was_set = was_set;
        !was_set && !self.is_far_ahead
    }
}

const fn day_of(at: UtcMicros) -> i64 {
    at.0.div_euclid(DAY_US)
}

/// At the start, and then once each day after the given time.
fn is_due(last_day: Option<i64>, at: Duration, now: UtcMicros) -> bool {
    let since_midnight = Duration::from_micros(now.0.rem_euclid(DAY_US) as u64);
    last_day.is_none_or(|last_day| day_of(now) > last_day && since_midnight >= at)
}

/// A night's work at `now`, noted when it goes well. Rows only go if their export did not fail. Gives what was learnt of
/// networks, if anything.
pub fn tidy(store: &Store, work: &NightlyWork, now: UtcMicros, successes: &Successes) -> Option<LearntNetworks> {
    tidy_unless(store, work, now, successes, &|| false)
}

/// The same; gives up learning, which may take minutes, once `is_ending`.
fn tidy_unless(
    store: &Store,
    work: &NightlyWork,
    now: UtcMicros,
    successes: &Successes,
    is_ending: &dyn Fn() -> bool,
) -> Option<LearntNetworks> {
    if let Err(cause) = store.gather_open_ports(now) {
        log::error!("{cause}; tomorrow again");
    }
    let learnt = work.networks.as_ref().and_then(|config| {
        let learnt = learn_networks(store, config, now, WHO, is_ending);
        if learnt.is_well {
            now_at(&successes.networks, now);
        }
        learnt.networks
    });
    export_and_retire(store, work, now, successes);
    estimate_again(store, work);
    learnt
}

/// Copies of what is finished and of what stands; rows that are too old only go if they were copied.
fn export_and_retire(store: &Store, work: &NightlyWork, now: UtcMicros, successes: &Successes) {
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
                log::error!("the nightly export failed, so no rows are removed either: {cause}");
                return;
            }
        }
    }
    if let Some(export) = &work.export
        && let Err(cause) = store.export_standing(&export.folder)
    {
        log::error!("what stands could not be exported, tomorrow again: {cause}");
    }
    match store.retire(work.retention, now, WHO) {
        Ok(retired) => {
            now_at(&successes.retention, now);
            if !retired.rows.is_empty() {
                log::info!("removed {} rows that were older than they are kept", retired.total());
            }
        }
        Err(cause) => log::error!("old rows could not be removed, tomorrow again: {cause}"),
    }
}

/// Devices of all stored banners, if other signatures made their estimates.
fn estimate_again(store: &Store, work: &NightlyWork) {
    let Some(signatures) = &work.signatures else { return };
    let estimated = store.is_outdated(signatures.version()).and_then(|is_outdated| {
        let estimate = || estimate_stored(store, signatures, ScoreSettings::default(), None);
        is_outdated.then(estimate).transpose()
    });
    match estimated {
        Ok(None) => {}
        Ok(Some(all)) => {
            log::info!("the signatures changed: of {} addresses with a banner {} are named", all.looked_at, all.named);
        }
        Err(cause) => log::error!("devices could not be estimated anew, tomorrow again: {cause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::store::Access;

    #[test]
    fn a_night_comes_once_a_day_after_its_time() {
        let at = Duration::from_hours(2);
        let clock = |day: i64, hour: i64| UtcMicros(day * DAY_US + hour * 3_600_000_000);
        assert!(is_due(None, at, clock(5, 1)), "a start makes up for what was missed");
        assert!(!is_due(Some(5), at, clock(5, 23)));
        assert!(!is_due(Some(5), at, clock(6, 1)));
        assert!(is_due(Some(5), at, clock(6, 2)));
        assert!(!is_due(Some(6), at, clock(5, 23)), "a clock that goes back repeats nothing");
    }

    #[test]
    fn a_clock_that_was_set_works_no_night_until_it_is_right_again() {
        let at = Duration::ZERO;
        let start = UtcMicros(1_795_230_000_000_000);
        let mut nights = Nights::from(start, 0, Some(UtcMicros(start.0 - 29 * DAY_US)));
        let mut look = |days: i64, set_us: i64| {
            let monotonic_ns = (days * DAY_US) as u64 * 1_000;
            nights.look(UtcMicros(start.0 + days * DAY_US + set_us), monotonic_ns, at)
        };
        assert!(look(0, 0) && !look(0, 60_000_000), "once a day");
        assert!(look(1, 0));
        assert!(!look(2, 400 * DAY_US) && !look(3, -400 * DAY_US), "years off, either way");
        assert!(look(3, 1_800_000_000), "half an hour is no reason");
        assert!(!look(3, 0) && look(4, 0));
    }

    #[test]
    fn a_clock_far_ahead_of_what_was_stored_removes_nothing() {
        let (at, start) = (Duration::ZERO, UtcMicros(1_795_230_000_000_000));
        let mut nights = Nights::from(start, 0, Some(UtcMicros(start.0 - 400 * DAY_US)));
        assert!(!nights.look(start, 0, at));
        nights.is_far_ahead = false;
        assert!(nights.look(start, 0, at));
        assert!(Nights::from(start, 0, None).look(start, 0, at), "nothing was stored yet");
    }

    #[test]
    fn other_signatures_look_at_stored_banners_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
        let insert =
            "INSERT INTO banner VALUES (1, 1, 80, 'tcp', 'http', TIMESTAMP '2026-01-01 12:00:00', 'answered', false,
            'HTTP/1.1 200 OK Server: OURS-2/', NULL, 1, 1, 1, 1);
            INSERT INTO device_estimate VALUES (1, 0, 1, 1, 1, '1', NULL, 7, TIMESTAMP '2026-01-01 12:00:01', 1)";
        store.connection().execute_batch(insert).unwrap();
        let text = "[[device]]\nname = 'Two'\nsource = 's'\nkeywords = [{ regex = 'OURS-2/', weight = 1.0 }]\n";
        let (signatures, faults) = Database::load([("own.toml", text)]);
        assert_eq!(faults, []);
        let work = NightlyWork {
            at: Duration::ZERO,
            export: None,
            retention: RetentionLimits::default(),
            networks: None,
            scheme: None,
            signatures: Some(Arc::new(signatures)),
        };
        let made = || -> u64 {
            let sql = "SELECT count(*)::UBIGINT FROM device_estimate WHERE database_version <> 7";
            store.connection().query_row(sql, [], |row| row.get(0)).unwrap()
        };
        estimate_again(&store, &work);
        assert_eq!(made(), 1);
        estimate_again(&store, &work);
        assert_eq!(made(), 1, "nothing is outdated any more");
    }

    #[test]
    fn rows_stay_if_they_could_not_be_exported() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
        let insert =
            "INSERT INTO banner VALUES (1, 1, 80, 'tcp', 'http', TIMESTAMP '2026-01-01 12:00:00', 'answered', false,
            'x', NULL, 1, 1, 1, 1)";
        store.connection().execute_batch(insert).unwrap();
        let in_the_way = folder.path().join("export");
        std::fs::write(&in_the_way, "a file").unwrap();
        let day = Some(Duration::from_hours(24));
        let mut work = NightlyWork {
            at: Duration::ZERO,
            export: Some(NightlyExport { folder: in_the_way.clone(), keep: None }),
            retention: RetentionLimits { banners: day, ..RetentionLimits::default() },
            networks: None,
            scheme: None,
            signatures: None,
        };
        let now = UtcMicros(1_795_230_000_000_000);
        let rows = || -> u64 {
            store.connection().query_row("SELECT count(*)::UBIGINT FROM banner", [], |row| row.get(0)).unwrap()
        };
        let successes = Successes::default();
        tidy(&store, &work, now, &successes);
        assert_eq!((rows(), at(&successes.export), at(&successes.retention)), (1, None, None));
        std::fs::remove_file(&in_the_way).unwrap();
        tidy(&store, &work, now, &successes);
        assert_eq!(
            (rows(), at(&successes.export), at(&successes.retention)),
            (0, Some(1_795_230_000), Some(1_795_230_000))
        );
        assert!(in_the_way.join("banner/day=2026-01-01/banner.parquet").exists());
        work.export = None;
        tidy(&store, &work, now, &successes);
    }
}
