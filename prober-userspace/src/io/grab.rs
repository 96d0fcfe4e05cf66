//! Banner grabbing over kernel sockets: asks services politely who they are, with limits on everything that the other side
//! could make large - time, bytes, decompressed bytes, headers, certificates, attempts, open connections.
//!
//! Each protocol is a file with a pure half (`step`: what to do next, `read`: what was heard in words); `conversation`
//! carries it out on a stream, `connection` opens it, `host` decides what to try. No credentials, no redirects, nothing to
//! printers, one connection per host at a time.

mod bacnet;
mod certificate;
mod connection;
mod conversation;
mod der;
mod dns;
mod ethernet_ip;
mod feed;
mod fox;
mod greeting;
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
mod speak;
mod ssh;
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

use self::connection::{Gate, Means};
use self::conversation::Limits;
use self::host::{Shared, grab_target};
use self::pace::Turns;
use self::packets::Packets;
use self::tls::Handshakes;
use crate::model::banner::{Banner, Transport};
use crate::target::shared_exclusions::SharedExclusions;

pub use self::feed::{Feed, FeedCounts};
pub use self::host::HostWork;
pub use self::service::attempts;

/// Banners on their way to whoever stores them; at most so many targets wait there.
const QUEUE: usize = 256;

/// Whether there is anything to say on a port; never on a printer's.
pub fn is_askable(transport: Transport, port: u16) -> bool {
    let is_barred = transport == Transport::Tcp && service::is_printer(port);
    !is_barred && !attempts(transport, port).is_empty()
}

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
}

/// What is to be asked.
#[derive(Debug)]
pub enum Work {
    /// All of it is known.
    List(Vec<HostWork>),
    /// It becomes known while it runs, until the feed is closed.
    Feed(Arc<Feed>),
}

/// What a run of grabbing tells its caller.
#[derive(Debug)]
pub enum GrabEvent {
    /// What one target said; two banners if it spoke under TLS, none if nothing could be asked.
    Banners(Vec<Banner>),
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
    /// Targets of which nothing is known because this host could not open a socket.
    pub failed: u64,
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
    let wanted = FILES_PER_HOST * config.concurrency as u64 + FILES_BESIDES;
    let allowed = sys::allow_open_files(wanted);
    if allowed < wanted {
        log::warn!("{allowed} open files allowed, {wanted} wanted: ask fewer hosts at a time, or raise `ulimit -n`");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("grab").enable_all().build()?;
    let run = Arc::new(Run::new(config, work));
    let (sender, receiver) = mpsc::channel(QUEUE);
    runtime.block_on(async {
        for _ in 0..config.concurrency.max(1) {
            tokio::spawn(work_off(Arc::clone(&run), sender.clone()));
        }
        drop(sender);
        hand_over(&run, receiver, stop, each).await;
    });
    // What still runs is dropped, its connections closed.
    runtime.shutdown_background();
    Ok(run.progress())
}

async fn hand_over(
    run: &Run,
    mut receiver: mpsc::Receiver<Vec<Banner>>,
    stop: impl Future<Output = ()>,
    each: &mut dyn FnMut(GrabEvent) -> ControlFlow<()>,
) {
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    tokio::pin!(stop);
    loop {
        let event = tokio::select! {
            biased;
            () = &mut stop => return,
            _ = ticks.tick() => GrabEvent::Tick(run.progress()),
            banners = receiver.recv() => match banners {
                Some(banners) => GrabEvent::Banners(banners),
                None => return,
            },
        };
        if each(event).is_break() {
            return;
        }
    }
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
    targets: AtomicU64,
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
            shared: Shared {
                turns: Mutex::new(Turns::new(config.rate, config.rate_per_24)),
                started: Instant::now(),
                connections: AtomicU64::new(0),
                failed: AtomicU64::new(0),
            },
            targets: AtomicU64::new(0),
        }
    }

    async fn next(&self) -> Option<HostWork> {
        match &self.work {
            Source::List(hosts) => hosts.lock().unwrap_or_else(PoisonError::into_inner).next(),
            Source::Feed(feed) => feed.next().await,
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
            turned_away: self.gate.turned_away(),
            packets_sent,
            packets_received,
        }
    }
}

/// Takes one host after another.
async fn work_off(run: Arc<Run>, sender: mpsc::Sender<Vec<Banner>>) {
    let means = Means {
        gate: &run.gate,
        handshakes: &run.handshakes,
        packets: &run.packets,
        limits: &run.limits,
        contact: &run.contact,
    };
    while let Some(host) = run.next().await {
        let deadline = Instant::now() + run.limits.host;
        for &(transport, port) in &host.ports {
            let banners = grab_target(means, &run.shared, host.address, transport, port, deadline).await;
            run.targets.fetch_add(1, Ordering::Relaxed);
            if sender.send(banners).await.is_err() {
                return;
            }
        }
        run.done(host.address);
    }
}
