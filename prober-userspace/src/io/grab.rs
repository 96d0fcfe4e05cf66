//! Banner grabbing over kernel sockets: asks services politely who they are, with limits on everything that the other side
//! could make large - time, bytes, decompressed bytes, headers, certificates, attempts, open connections.
//!
//! Each protocol is a file with a pure half (`step`: what to do next, `read`: what was heard in words); `conversation`
//! carries it out on a stream, `connection` opens it, `host` decides what to try. No credentials, no redirects, nothing to
//! printers, one connection per host at a time.

mod bacnet;
mod budget;
mod certificate;
mod connection;
mod conversation;
mod der;
mod dns;
mod ethernet_ip;
mod feed;
mod fox;
mod greeting;
mod hold;
mod host;
mod http;
mod meter;
mod modbus;
mod mqtt;
mod pace;
mod packets;
mod recognise;
mod rtsp;
mod s7;
mod service;
mod sip;
mod snmp;
mod sockets;
mod speak;
mod ssh;
mod stop;
mod sys;
mod talk;
mod telnet;
mod tls;
mod tls_hello;
mod upnp;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prober_common::address::V4;
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::budget::Budgets;
use self::connection::{Gate, Means};
use self::conversation::Limits;
use self::host::{Shared, grab_target};
use self::packets::Packets;
use self::stop::Stop;
use self::tls::Handshakes;
use crate::model::banner::{Banner, Transport};
use crate::target::shared_exclusions::SharedExclusions;

pub use self::feed::{Feed, FeedCounts};
pub use self::hold::Hold;
pub use self::host::HostWork;
pub use self::service::attempts;

/// Banners on their way to whoever stores them; at most so many targets wait there.
const QUEUE: usize = 256;

/// Whether there is anything to say on a port; never on a printer's.
pub fn is_askable(transport: Transport, port: u16) -> bool {
    let is_barred = transport == Transport::Tcp && service::is_printer(port);
    !is_barred && !attempts(transport, port).is_empty()
}

/// After a stop, so long at most for what was heard to come in.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Open files for each host in hand: its connection, and the one that counts its packets.
const FILES_PER_HOST: u64 = 2;
/// Open files of everything else.
const FILES_BESIDES: u64 = 128;

/// How to grab.
#[derive(Clone, Debug)]
pub struct GrabConfig {
    /// How those who are asked can reach whoever asks; goes wherever a protocol has a place for it.
    pub contact: String,
    /// Connections per second; 0 for no limit.
    pub rate: f64,
    /// Connections per second into any one /24; 0 for no limit.
    pub rate_per_24: f64,
    /// Hosts at the same time; each has at most one connection. Each may hold about 300 KiB.
    pub concurrency: usize,
    /// Patience with one connection.
    pub timeout: Duration,
    /// Checked again before each connection.
    pub exclusions: Arc<SharedExclusions>,
    /// While it is set no connection is opened.
    pub hold: Arc<Hold>,
}

/// What is to be asked.
#[derive(Debug)]
pub enum Work {
    /// All of it is known.
    List(Vec<HostWork>),
    /// It becomes known while it runs, until the feed is closed.
    Feed(Arc<Feed>),
}

/// What came of one target.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose port.
    pub address: V4,
    /// Over what.
    pub transport: Transport,
    /// Which port.
    pub port: u16,
    /// What it said; two if it spoke under TLS, none if it could not be asked.
    pub banners: Vec<Banner>,
}

/// What a run of grabbing tells its caller.
#[derive(Debug)]
pub enum GrabEvent {
    /// A target has been dealt with.
    Asked(Asked),
    /// A fifth of a second has passed.
    Tick(GrabProgress),
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrabProgress {
    /// Targets dealt with.
    pub targets: u64,
    /// Connections opened.
    pub connections: u64,
    /// Targets of which nothing is known because this host could not open a socket, or for a fault of this program.
    pub failed: u64,
    /// Targets that were not asked because their host had cost enough; stored as such.
    pub given_up: u64,
    /// Targets that had said nothing yet when the stop came.
    pub interrupted: u64,
    /// Hosts whose conversation ended in a fault of this program; what was left of them counts as failed.
    pub faults: u64,
    /// Connections that the last check did not let through; 0 if the plan was right.
    pub turned_away: u64,
    /// Packets sent: segments without those of closing, datagrams.
    pub packets_sent: u64,
    /// Packets received.
    pub packets_received: u64,
}

/// Why grabbing did not begin.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the threads for banner grabbing: {0}")]
pub struct GrabError(#[from] std::io::Error);

/// Grabs the banners of every host and hands them over, until all is done, `stop` comes true or `each` breaks off. Opens
/// one socket per host at a time; runs its own threads and returns when they have ended.
pub fn run(
    config: &GrabConfig,
    work: Work,
    stop: impl Future<Output = ()>,
    each: &mut dyn FnMut(GrabEvent) -> ControlFlow<()>,
) -> Result<GrabProgress, GrabError> {
    let concurrency = affordable(config.concurrency.max(1));
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("grab").enable_all().build()?;
    let run = Arc::new(Run::new(config, work));
    let (sender, receiver) = mpsc::channel(QUEUE);
    runtime.block_on(async {
        for _ in 0..concurrency {
            let (asker, sender) = (Arc::clone(&run), sender.clone());
            tokio::spawn(work_off(Arc::clone(&run), move |host| ask(Arc::clone(&asker), host, sender.clone())));
        }
        drop(sender);
        hand_over(&run, receiver, stop, each).await;
    });
    // What still runs is dropped, its connections closed.
    runtime.shutdown_background();
    Ok(run.progress())
}

/// How many hosts at a time the files of this process allow, once it may have as many as it can.
fn affordable(concurrency: usize) -> usize {
    let wanted = FILES_PER_HOST * concurrency as u64 + FILES_BESIDES;
    let allowed = sys::allow_open_files(wanted);
    if allowed >= wanted {
        return concurrency;
    }
    let spare = allowed - FILES_BESIDES.min(allowed / 2);
    let affordable = ((spare / FILES_PER_HOST) as usize).clamp(1, concurrency);
    log::warn!(
        "{allowed} open files allowed: {affordable} hosts at a time instead of {concurrency} (`ulimit -n {wanted}`)"
    );
    affordable
}

async fn hand_over(
    run: &Run,
    mut receiver: mpsc::Receiver<Asked>,
    stop: impl Future<Output = ()>,
    each: &mut dyn FnMut(GrabEvent) -> ControlFlow<()>,
) {
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    tokio::pin!(stop);
    let mut end: Option<Instant> = None;
    loop {
        let event = tokio::select! {
            biased;
            () = &mut stop, if end.is_none() => {
                run.stop.set();
                end = Some(Instant::now() + LAST_WORDS);
                continue;
            }
            () = tokio::time::sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => break,
            _ = ticks.tick() => GrabEvent::Tick(run.progress()),
            asked = receiver.recv() => match asked {
                Some(asked) => GrabEvent::Asked(asked),
                None => break,
            },
        };
        if each(event).is_break() {
            break;
        }
    }
    run.stop.set();
}

/// Where workers get their next host from.
enum Source {
    List(Mutex<std::vec::IntoIter<HostWork>>),
    Feed(Arc<Feed>),
}

/// What all workers share.
struct Run {
    work: Source,
    limits: Limits,
    contact: String,
    gate: Gate,
    handshakes: Handshakes,
    packets: Packets,
    shared: Shared,
    budgets: Mutex<Budgets>,
    stop: Stop,
    targets: AtomicU64,
    interrupted: AtomicU64,
    faults: AtomicU64,
}

impl Run {
    fn new(config: &GrabConfig, work: Work) -> Self {
        let visible = |one: &char| one.is_ascii_graphic() || *one == ' ';
        Self {
            work: match work {
                Work::List(hosts) => Source::List(Mutex::new(hosts.into_iter())),
                Work::Feed(feed) => Source::Feed(feed),
            },
            limits: Limits::new(config.timeout),
            contact: config.contact.chars().filter(visible).take(200).collect(),
            gate: Gate::new(Arc::clone(&config.exclusions)),
            handshakes: Handshakes::new(),
            packets: Packets::default(),
            shared: Shared::new(config.rate, config.rate_per_24, Arc::clone(&config.hold)),
            budgets: Mutex::default(),
            stop: Stop::new(),
            targets: AtomicU64::new(0),
            interrupted: AtomicU64::new(0),
            faults: AtomicU64::new(0),
        }
    }

    async fn next(&self) -> Option<HostWork> {
        if self.stop.is_set() {
            return None;
        }
        match &self.work {
            Source::List(hosts) => hosts.lock().unwrap_or_else(PoisonError::into_inner).next(),
            Source::Feed(feed) => self.stop.unless(feed.next()).await.flatten(),
        }
    }

    fn done(&self, address: V4) {
        if let Source::Feed(feed) = &self.work {
            feed.done(address);
        }
    }

    fn progress(&self) -> GrabProgress {
        let (packets_sent, packets_received) = self.packets.counts();
        GrabProgress {
            targets: self.targets.load(Ordering::Relaxed),
            connections: self.shared.connections.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
            given_up: self.shared.given_up.load(Ordering::Relaxed),
            interrupted: self.interrupted.load(Ordering::Relaxed),
            faults: self.faults.load(Ordering::Relaxed),
            turned_away: self.gate.turned_away(),
            packets_sent,
            packets_received,
        }
    }
}

/// Takes one host after another. What goes wrong with one - a fault of this program - costs that host only.
async fn work_off<A>(run: Arc<Run>, ask: impl Fn(HostWork) -> A)
where
    A: Future<Output = ()> + Send + 'static,
{
    while let Some(host) = run.next().await {
        let address = host.address;
        if tokio::spawn(ask(host)).await.is_err() && run.faults.fetch_add(1, Ordering::Relaxed) == 0 {
            log::error!("asking {address} ended in a fault of this program; the other hosts go on");
        }
        run.done(address);
    }
}

/// Asks one host, port by port.
async fn ask(run: Arc<Run>, host: HostWork, sender: mpsc::Sender<Asked>) {
    let means = Means {
        stop: &run.stop,
        gate: &run.gate,
        handshakes: &run.handshakes,
        packets: &run.packets,
        limits: &run.limits,
        contact: &run.contact,
    };
    let budgets = || run.budgets.lock().unwrap_or_else(PoisonError::into_inner);
    let mut budget = budgets().take(host.address, run.shared.started.elapsed());
    let mut left = Left { run: &run, targets: host.ports.len() as u64 };
    for &target in &host.ports {
        if run.stop.is_set() {
            return;
        }
        let grabbed = grab_target(means, &run.shared, &mut budget, host.address, target).await;
        if grabbed.interrupted && grabbed.banners.is_empty() {
            run.interrupted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        left.targets -= 1;
        run.targets.fetch_add(1, Ordering::Relaxed);
        let (transport, port) = target;
        let asked = Asked { address: host.address, transport, port, banners: grabbed.banners };
        if sender.send(asked).await.is_err() {
            return;
        }
    }
    budgets().keep(host.address, budget, run.limits.host, run.shared.started.elapsed());
}

/// Targets of a host that are still to be asked; a fault makes them failures.
struct Left<'r> {
    run: &'r Run,
    targets: u64,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.run.targets.fetch_add(self.targets, Ordering::Relaxed);
            self.run.shared.failed.fetch_add(self.targets, Ordering::Relaxed);
        }
    }
}
