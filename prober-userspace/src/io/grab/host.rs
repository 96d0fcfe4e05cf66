//! One host: its ports one after another, the attempts on each port one after another - never two connections at the same
//! time - until something understandable was heard.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prober_common::address::V4;
use tokio::time::Instant;

use super::connection::{Heard, Means, Tried, over_tcp, over_udp};
use super::pace::Turns;
use super::service::{ATTEMPTS, Attempt, attempts};
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
}

impl Shared {
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

/// Grabs the banners of one target; none if it was barred or this host failed.
pub async fn grab_target(
    means: Means<'_>,
    shared: &Shared,
    address: V4,
    transport: Transport,
    port: u16,
    deadline: Instant,
) -> Vec<Banner> {
    let grabbed_at = clock::utc_now();
    let begun = Instant::now();
    let mut best: Vec<Heard> = Vec::new();
    let mut connections = 0;
    let mut waiting: VecDeque<Attempt> = attempts(transport, port).into();
    let mut tried: Vec<Attempt> = Vec::new();
    while let Some(attempt) = waiting.pop_front() {
        if tried.len() >= ATTEMPTS || !tried.is_empty() && Instant::now() > deadline {
            break;
        }
        if tried.contains(&attempt) {
            continue;
        }
        tried.push(attempt);
        shared.wait(address).await;
        let outcome = match (transport, attempt) {
            (Transport::Udp, Attempt::Ask(protocol)) => over_udp(means, address, port, protocol).await,
            _ => over_tcp(means, address, port, attempt).await,
        };
        if !matches!(outcome, Tried::Barred | Tried::Failed(_)) {
            connections += 1;
            shared.connections.fetch_add(1, Ordering::Relaxed);
        }
        match outcome {
            Tried::Barred => break,
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
                let enough = heard.last().is_some_and(says_enough);
                if worth(&heard) >= worth(&best) {
                    best = heard;
                }
                match next {
                    Some(next) if !tried.contains(&next) => waiting.push_front(next),
                    _ if enough => break,
                    _ => {}
                }
            }
        }
    }
    let duration_us = begun.elapsed().as_micros() as u32;
    let mut banners: Vec<_> =
        best.into_iter().map(|heard| heard.banner(address, transport, port, grabbed_at)).collect();
    for banner in &mut banners {
        banner.duration_us = duration_us;
    }
    if let Some(first) = banners.first_mut() {
        first.connections = connections;
    }
    banners
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
        GrabOutcome::Silent | GrabOutcome::Refused | GrabOutcome::Unreachable => false,
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
