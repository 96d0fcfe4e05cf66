//! Banner grabbing beside a scan: the ports that the writer accepts go into a feed, a thread of its own asks them, and what
//! they say goes back to the writer, which owns the database.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use anyhow::Context;
use tokio::sync::Notify;

use crate::io::grab::{self, Asked, Feed, GrabConfig, GrabEvent, GrabProgress, Hold, Work, is_askable};
use crate::io::store::{CounterRole, CounterValue, OpenPortSink, StoreCommand};
use crate::model::banner::Banner;
use crate::model::request::GrabLimits;
use crate::model::status::GrabStatus;
use crate::target::shared_exclusions::SharedExclusions;

/// Open ports that may wait to be asked: minutes of a busy scan. What comes on top is counted as dropped.
const WAITING: usize = 1 << 17;
/// Banners sent to the writer together at most.
const BATCH_ROWS: usize = 500;

/// Who is told what came of each target besides the writer; must not wait.
pub type BannerSink = Box<dyn FnMut(&Asked) + Send>;

/// Grabbing as it runs.
pub struct Grabbing {
    feed: Arc<Feed>,
    hold: Arc<Hold>,
    state: Arc<State>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    stop: Notify,
    /// Targets dealt with.
    targets: AtomicU64,
    /// Targets that said something.
    grabbed: AtomicU64,
    connections: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
    interrupted: AtomicU64,
    faults: AtomicU64,
    turned_away: AtomicU64,
}

/// A feed that nobody empties yet.
pub fn feed() -> Arc<Feed> {
    Arc::new(Feed::new(WAITING))
}

/// Puts into the feed what can be asked.
pub fn sink(feed: &Arc<Feed>) -> OpenPortSink {
    let feed = Arc::clone(feed);
    Box::new(move |address, transport, port| {
        if is_askable(transport, port) {
            // What it does not take it counts.
            let _ = feed.put(address, transport, port);
        }
    })
}

impl Grabbing {
    /// Starts the thread. It ends when the feed is closed and empty, when it is told to stop, or with the writer.
    pub fn start(
        limits: &GrabLimits,
        contact: &str,
        exclusions: Arc<SharedExclusions>,
        feed: Arc<Feed>,
        writer: SyncSender<StoreCommand>,
        tell: Option<BannerSink>,
    ) -> anyhow::Result<Self> {
        let config = GrabConfig {
            contact: contact.to_owned(),
            rate: limits.rate,
            rate_per_24: limits.rate_per_24,
            concurrency: limits.concurrency,
            timeout: limits.timeout,
            exclusions,
            hold: Arc::default(),
        };
        let hold = Arc::clone(&config.hold);
        let state = Arc::new(State::default());
        let thread = {
            let (feed, state) = (Arc::clone(&feed), Arc::clone(&state));
            std::thread::Builder::new()
                .name("grab".to_owned())
                .spawn(move || run(&config, feed, &state, &writer, tell))
                .context("cannot start the thread `grab`")?
        };
        Ok(Self { feed, hold, state, thread })
    }

    /// Nothing more will be found.
    pub fn close(&self) {
        self.feed.close();
    }

    /// Opens no more connections, or goes on. Those that are open come to their end.
    pub fn hold(&self, is_held: bool) {
        self.hold.set(is_held);
    }

    /// Ends it now: what waits is left, what was heard is kept.
    pub fn stop(&self) {
        self.state.stop.notify_one();
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end; how far it came, as the store records it.
    pub fn join(self) -> Vec<CounterValue> {
        if self.thread.join().is_err() {
            log::error!("the thread that grabs banners ended unexpectedly");
        }
        self.state.values(&self.feed)
    }

    /// How far it is.
    pub fn status(&self) -> GrabStatus {
        self.state.status(&self.feed)
    }

    /// As the store records it.
    pub fn values(&self) -> Vec<CounterValue> {
        self.state.values(&self.feed)
    }
}

impl State {
    fn note(&self, progress: GrabProgress) {
        self.targets.store(progress.targets, Ordering::Relaxed);
        self.connections.store(progress.connections, Ordering::Relaxed);
        self.failed.store(progress.failed, Ordering::Relaxed);
        self.given_up.store(progress.given_up, Ordering::Relaxed);
        self.interrupted.store(progress.interrupted, Ordering::Relaxed);
        self.faults.store(progress.faults, Ordering::Relaxed);
        self.turned_away.store(progress.turned_away, Ordering::Relaxed);
    }
    fn status(&self, feed: &Feed) -> GrabStatus {
        let counts = feed.counts();
        let asked = self.targets.load(Ordering::Relaxed);
        GrabStatus {
            found: counts.taken,
            asked,
            grabbed: self.grabbed.load(Ordering::Relaxed),
            waiting: counts.taken - counts.dropped - asked.min(counts.taken - counts.dropped),
            dropped: counts.dropped,
            connections: self.connections.load(Ordering::Relaxed),
        }
    }

    fn values(&self, feed: &Feed) -> Vec<CounterValue> {
        let status = self.status(feed);
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let info = |name, value, meaning| CounterValue { name, role: CounterRole::Info, value, meaning };
        vec![
            info("grab_found", status.found, "open ports that can be asked for a banner"),
            info("grab_asked", status.asked, "open ports that were asked"),
            info("grab_said", status.grabbed, "open ports that said something"),
            info("grab_left", status.waiting, "open ports that were not asked any more; `prober grab --scan` does it"),
            info(
                "grab_dropped",
                status.dropped,
                "open ports that found the queue full; `prober grab --scan` asks them",
            ),
            info("grab_connections", status.connections, "connections opened for banners"),
            info("grab_failed", of(&self.failed), "open ports for which there was no socket, or that a fault cost"),
            info("grab_given_up", of(&self.given_up), "open ports not asked because their host had cost enough"),
            info("grab_interrupted", of(&self.interrupted), "open ports that had said nothing yet at the stop"),
            info("grab_faults", of(&self.faults), "hosts whose banners a fault of this program cost (must be 0)"),
            info(
                "grab_excluded_before_connect",
                of(&self.turned_away),
                "connections to excluded addresses stopped by the last check (must be 0)",
            ),
        ]
    }
}

fn run(
    config: &GrabConfig,
    feed: Arc<Feed>,
    state: &State,
    writer: &SyncSender<StoreCommand>,
    mut tell: Option<BannerSink>,
) {
    let mut waiting: Vec<Banner> = Vec::new();
    let send = |waiting: &mut Vec<Banner>| {
        let is_over = !waiting.is_empty() && writer.send(StoreCommand::Banners(std::mem::take(waiting))).is_err();
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outcome = grab::run(config, Work::Feed(feed), state.stop.notified(), &mut |event| match event {
        GrabEvent::Asked(asked) => {
            let says = asked.banners.iter().any(|banner| !banner.text.is_empty());
            state.grabbed.fetch_add(u64::from(says), Ordering::Relaxed);
            if let Some(tell) = &mut tell {
                tell(&asked);
            }
            waiting.extend(asked.banners);
            if waiting.len() >= BATCH_ROWS { send(&mut waiting) } else { ControlFlow::Continue(()) }
        }
        GrabEvent::Tick(progress) => {
            state.note(progress);
            send(&mut waiting)
        }
    });
    // A writer that is gone has said why.
    let _ = send(&mut waiting);
    match outcome {
        Ok(progress) => state.note(progress),
        Err(error) => log::error!("{error}"),
    }
}
