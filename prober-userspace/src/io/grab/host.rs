//! One host: its ports one after another, the attempts on each port one after another - never two connections at the same
//! time - until something understandable was heard.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prober_common::address::V4;
use tokio::net::{TcpSocket, UdpSocket};
use tokio::time::Instant;

use super::budget::Budget;
use super::connection::{Heard, Means, Tried, over_tcp, over_udp};
use super::hold::Hold;
use super::pace::Turns;
use super::service::{ATTEMPTS, Attempt, attempts};
use super::sockets::Sockets;
use crate::io::clock;
use crate::model::banner::{Banner, BannerProtocol, GrabOutcome, Transport};

/// A host and what is asked there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostWork {
    /// Its address.
    pub address: V4,
    /// Its ports, in order.
    pub ports: Vec<(Transport, u16)>,
}

/// What all hosts share.
pub struct Shared {
    /// Whose turn it is.
    pub turns: Mutex<Turns>,
    /// Start of the clock of the turns.
    pub started: Instant,
    /// Connections opened.
    pub connections: AtomicU64,
    /// Targets of which nothing is known because this host could not open a socket.
    pub failed: AtomicU64,
    /// Targets left alone because their host had cost enough.
    pub given_up: AtomicU64,
    /// Where sockets come from.
    pub sockets: Sockets,
    /// While it is set nobody's turn comes.
    pub hold: Arc<Hold>,
}

enum Socket {
    Tcp(TcpSocket),
    Udp(UdpSocket),
}

impl Shared {
    /// For a run at these rates, in connections/s, that may be held.
    pub fn new(rate: f64, rate_per_24: f64, hold: Arc<Hold>) -> Self {
        Self {
            turns: Mutex::new(Turns::new(rate, rate_per_24)),
            started: Instant::now(),
            connections: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            sockets: Sockets::default(),
            hold,
        }
    }

    /// All that has to be waited for before a connection.
    async fn prepare(&self, address: V4, transport: Transport) -> io::Result<Socket> {
        loop {
            self.hold.released().await;
            self.wait(address).await;
            let socket = match transport {
                Transport::Tcp => self.sockets.tcp().await.map(Socket::Tcp),
                Transport::Udp => self.sockets.udp().await.map(Socket::Udp),
            };
            // Who was held meanwhile takes another turn: the turns of a long hold would all be over at its end, together.
            if !self.hold.is_set() {
                return socket;
            }
        }
    }

    /// Waits until it is this network's turn, and then until it is anybody's.
    async fn wait(&self, address: V4) {
        let since = || self.started.elapsed().as_nanos() as u64;
        let turns = || self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns().take_in_network(address.slash24(), since());
        self.sleep_until(turn).await;
        let turn = turns().take(since());
        self.sleep_until(turn).await;
    }

    async fn sleep_until(&self, turn_ns: u64) {
        let turn = self.started + Duration::from_nanos(turn_ns);
        // Timers are as coarse as a millisecond; what is nearer is now.
        if turn > Instant::now() + Duration::from_micros(500) {
            tokio::time::sleep_until(turn).await;
        }
    }
}

/// What came of a target.
#[derive(Debug, Default)]
pub struct Grabbed {
    /// None if it was barred, this host failed, or the stop came before it said anything.
    pub banners: Vec<Banner>,
    /// Whether the stop came before all was tried.
    pub interrupted: bool,
}

/// Grabs the banners of one target, and puts what it costs on the host's account.
pub async fn grab_target(
    means: Means<'_>,
    shared: &Shared,
    budget: &mut Budget,
    address: V4,
    (transport, port): (Transport, u16),
) -> Grabbed {
    let mut waiting: VecDeque<Attempt> = attempts(transport, port).into();
    if budget.is_used_up(means.limits.host) {
        shared.given_up.fetch_add(1, Ordering::Relaxed);
        let heard = waiting.front().map(|attempt| nothing(GrabOutcome::GivenUp, *attempt));
        let banner = heard.map(|heard| heard.banner(address, transport, port, clock::utc_now()));
        return Grabbed { banners: banner.into_iter().collect(), interrupted: false };
    }
    let mut grabbed_at = None;
    let mut took = Duration::ZERO;
    let mut best: Vec<Heard> = Vec::new();
    let mut connections = 0;
    let mut interrupted = false;
    let mut tried: Vec<Attempt> = Vec::new();
    while let Some(attempt) = waiting.pop_front() {
        if tried.len() >= ATTEMPTS || !tried.is_empty() && !budget.allows_more_attempts(means.limits.host) {
            break;
        }
        if tried.contains(&attempt) {
            continue;
        }
        tried.push(attempt);
        let Some(socket) = means.stop.unless(shared.prepare(address, transport)).await else {
            interrupted = true;
            break;
        };
        grabbed_at.get_or_insert_with(clock::utc_now);
        let begun = Instant::now();
        let outcome = match (socket, attempt) {
            (Ok(Socket::Udp(socket)), Attempt::Ask(protocol)) => over_udp(means, socket, address, port, protocol).await,
            (Ok(Socket::Tcp(socket)), attempt) => over_tcp(means, socket, address, port, attempt).await,
            (Ok(Socket::Udp(_)), Attempt::Tls(_) | Attempt::OldTls) => continue,
            (Err(error), _) => Tried::Failed(error),
        };
        budget.spend(begun.elapsed());
        took += begun.elapsed();
        if !matches!(outcome, Tried::Barred | Tried::Failed(_)) {
            connections += 1;
            shared.connections.fetch_add(1, Ordering::Relaxed);
        }
        match outcome {
            Tried::Barred => break,
            Tried::Interrupted => {
                interrupted = true;
                break;
            }
            Tried::Failed(error) => {
                if shared.failed.fetch_add(1, Ordering::Relaxed) == 0 {
                    log::warn!("cannot open a socket for {address}:{port}: {error}");
                }
                break;
            }
            Tried::NoConnection(outcome) => {
                if best.is_empty() {
                    best = vec![nothing(outcome, attempt)];
                }
                break;
            }
            Tried::Heard(heard, next) => {
                interrupted = heard.iter().any(|heard| heard.outcome == GrabOutcome::Interrupted);
                let enough = heard.last().is_some_and(says_enough);
                if worth(&heard) >= worth(&best) {
                    best = heard;
                }
                match next {
                    _ if interrupted => break,
                    Some(next) if !tried.contains(&next) => waiting.push_front(next),
                    _ if enough => break,
                    _ => {}
                }
            }
        }
    }
    if interrupted {
        keep_what_was_said(&mut best);
    } else if let Some(last) = best.last() {
        budget.note_port(!matches!(last.outcome, GrabOutcome::Timeout | GrabOutcome::Unreachable) || last.bytes.0 > 0);
    }
    let grabbed_at = grabbed_at.unwrap_or_else(clock::utc_now);
    let mut banners: Vec<_> =
        best.into_iter().map(|heard| heard.banner(address, transport, port, grabbed_at)).collect();
    for banner in &mut banners {
        banner.duration_us = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
    }
    if let Some(first) = banners.first_mut() {
        first.connections = connections;
    }
    Grabbed { banners, interrupted }
}

/// Of an interrupted target only words count; that nothing was heard until then says nothing of it.
fn keep_what_was_said(best: &mut Vec<Heard>) {
    best.retain(|heard| !heard.text.is_empty());
    if let Some(last) = best.last_mut() {
        last.outcome = GrabOutcome::Interrupted;
    }
}

fn nothing(outcome: GrabOutcome, attempt: Attempt) -> Heard {
    let protocol = match attempt {
        Attempt::Ask(protocol) => protocol,
        Attempt::Tls(_) | Attempt::OldTls => BannerProtocol::Tls,
    };
    Heard { protocol, outcome, truncated: false, text: Vec::new(), bytes: (0, 0) }
}

/// Whether more attempts would only bother: it was understood, or it abuses us.
fn says_enough(heard: &Heard) -> bool {
    match heard.outcome {
        GrabOutcome::TooMuch => true,
        GrabOutcome::Timeout => !heard.text.is_empty(),
        GrabOutcome::Answered | GrabOutcome::Malformed => heard.protocol != BannerProtocol::Unknown,
        GrabOutcome::Closed | GrabOutcome::Reset => heard.protocol != BannerProtocol::Unknown && !heard.text.is_empty(),
        GrabOutcome::Silent
        | GrabOutcome::Refused
        | GrabOutcome::Unreachable
        | GrabOutcome::GivenUp
        | GrabOutcome::Interrupted => false,
    }
}

/// How much was learnt: a later attempt replaces an earlier one of the same worth.
fn worth(heard: &[Heard]) -> u8 {
    let of = |heard: &Heard| match (heard.protocol != BannerProtocol::Unknown, heard.text.is_empty(), heard.outcome) {
        (true, false, GrabOutcome::Answered) => 6,
        (true, false, _) => 5,
        (false, false, _) => 4,
        (_, true, GrabOutcome::Answered | GrabOutcome::Malformed) => 3,
        (_, true, GrabOutcome::Closed | GrabOutcome::Reset) => 2,
        (_, true, _) => 1,
    };
    heard.iter().map(of).max().unwrap_or(0)
}
