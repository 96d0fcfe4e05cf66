//! The receive thread: moves accepted replies from the kernel's ring to the writer's queue. It drops nothing: if the
//! writer is behind it waits, the ring fills, and what does not fit there is counted by the kernel. On the way it lets
//! the delays be watched, and brakes where they rise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prober_common::address::V4;
use prober_common::event::{ReplyEvent, ReplyKind};
use ringbuf::HeapProd;
use ringbuf::traits::Producer;

use super::shared::Switches;
use crate::io::xdp::ReplyRing;
use crate::policy::delay_watch::DelayWatch;
use crate::target::brakes::Brakes;

/// Sleep when there is nothing: the kernel's ring holds seconds, and replies carry their own time.
const IDLE: Duration = Duration::from_millis(1);
/// Replies moved together.
const CHUNK: usize = 256;

/// Changes of pace that are logged in a scan; the counters have all.
const MOST_LOGGED: u32 = 10;

/// Slows a scan down where the delays of answers rise.
pub struct Braking {
    watch: DelayWatch,
    brakes: Arc<Brakes>,
    logged: u32,
}

impl Braking {
    /// For a scan with this limit per /24, pps.
    pub fn new(limit_pps: f64, brakes: Arc<Brakes>) -> Self {
        Self { watch: DelayWatch::new(limit_pps), brakes, logged: 0 }
    }

    /// Says how many networks could not be watched.
    fn report(&self) {
        self.brakes.set_unwatched(self.watch.unwatched());
    }

    fn notice(&mut self, event: &ReplyEvent) {
        // ICMP errors come from routers.
        if event.kind > ReplyKind::UdpReply as u8 {
            return;
        }
        let change = self.watch.answered(event.target.0, event.received_ns, event.rtt_ns as f64 / 1e9);
        if let Some((change, level)) = change {
            self.brakes.set(event.target, level);
            if self.logged < MOST_LOGGED {
                self.logged += 1;
                log::info!("{}/24: {change}", V4(event.target.0 & !255));
                if self.logged == MOST_LOGGED {
                    log::info!(
                        "further changes of pace are counted only: pace_backed_off and pace_recovered in the report"
                    );
                }
            }
        }
    }
}

/// Hands every accepted reply to somebody in this process as well, duplicates included: a bounded queue; what does not fit
/// is counted, since the store has it all the same.
pub struct Tap {
    /// To whoever listens.
    pub queue: HeapProd<ReplyEvent>,
    /// Replies that did not fit.
    pub dropped: Arc<AtomicU64>,
}

impl Tap {
    fn tell(&mut self, events: &[ReplyEvent]) {
        let missed = events.len() - self.queue.push_slice(events);
        if missed > 0 {
            self.dropped.fetch_add(missed as u64, Ordering::Relaxed);
        }
    }
}

/// Runs until told to stop, then drains once more. Returns how many replies it moved.
pub fn run(
    mut ring: ReplyRing,
    mut queue: HeapProd<ReplyEvent>,
    mut braking: Option<Braking>,
    mut tap: Option<Tap>,
    switches: &Arc<Switches>,
) -> u64 {
    let mut moved = 0;
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        // Read before draining, so that what came in before the switch is drained.
        let last_round = switches.receiving_stopped();
        loop {
            while chunk.len() < CHUNK
                && let Some(event) = ring.take()
            {
                chunk.push(event);
            }
            if chunk.is_empty() {
                break;
            }
            if let Some(braking) = &mut braking {
                for event in &chunk {
                    braking.notice(event);
                }
                braking.report();
            }
            if let Some(tap) = &mut tap {
                tap.tell(&chunk);
            }
            moved += chunk.len() as u64;
            push_all(&mut queue, &mut chunk);
        }
        if last_round {
            return moved;
        }
        std::thread::sleep(IDLE);
    }
}

fn push_all(queue: &mut HeapProd<ReplyEvent>, chunk: &mut Vec<ReplyEvent>) {
    let mut pushed = queue.push_slice(chunk);
    while pushed < chunk.len() {
        std::thread::sleep(IDLE);
        pushed += queue.push_slice(&chunk[pushed..]);
    }
    chunk.clear();
}
