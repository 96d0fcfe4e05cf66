//! A sending thread: takes planned batches, checks the exclusions once more, paces, and hands the probes to its engine.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prober_common::slot::ProbeSlot;
use ringbuf::traits::{Consumer, Producer};
use ringbuf::{HeapCons, HeapProd};

use super::shared::{SendCounts, Sent, Switches};
use super::spacing::Spacing;
use crate::io::network::LinkState;
use crate::io::sys::monotonic_ns;
use crate::io::transmit::{BATCH_MAX, Cadence, Transmit, TransmitError};
use crate::target::batch::{Batch, BatchId};
use crate::target::pace::{Pacer, PacerConfig};
use crate::target::rate::Rate;
use crate::target::shared_exclusions::ExclusionReader;

/// Sleep when nothing is planned or sending is paused.
const IDLE: Duration = Duration::from_micros(200);
/// Waits longer than this sleep, shorter ones spin: a sleep cannot be shorter.
const SLEEP_FROM_NS: u64 = 60_000;
/// Longest sleep, so that a changed rate or an end is noticed.
const SLEEP_MAX_NS: u64 = 20_000_000;

/// How often the link is looked at: what is sent in between may be lost when it goes down.
const LOOK_NS: u64 = 1_000_000;
/// Rest while it is down.
const LINK_REST: Duration = Duration::from_millis(2);
/// An interface that is being closed refuses frames before it says so: looks after a failure, and the rest between them.
const CLOSING_LOOKS: u32 = 10;
const CLOSING_REST: Duration = Duration::from_millis(20);

/// A sender and its ends of the queues.
pub struct Sender {
    /// Puts probes on the wire.
    pub engine: Box<dyn Transmit>,
    /// From the planner.
    pub batches: HeapCons<Batch>,
    /// Back to the planner.
    pub sent: HeapProd<Sent>,
    /// Checked here, just before the wire.
    pub exclusions: ExclusionReader,
    /// Set by the control thread.
    pub switches: Arc<Switches>,
    /// Read by the control thread.
    pub counts: Arc<SendCounts>,
    /// How many senders share the rate.
    pub senders: u32,
    /// Of the interface; while it is down nothing is sent.
    pub link: LinkState,
}

/// How probes are let go at the rate in force.
enum Pacing {
    Unlimited,
    /// Small batches, let go by us.
    Granted(Box<Pacer>),
    /// Large batches, spaced by the engine.
    Spaced(Spacing),
}

impl Sender {
    /// Sends until everything planned is sent or sending is stopped.
    pub fn run(mut self) -> Result<(), TransmitError> {
        let mut pending = Pending::default();
        let mut rate_pps = self.switches.rate_pps();
        let mut pacing = self.pacing(rate_pps);
        let mut looked_ns = 0;
        loop {
            self.settle(&mut pending);
            if self.switches.sending_stopped() {
                return self.finish(&mut pending);
            }
            if monotonic_ns() >= looked_ns + LOOK_NS {
                looked_ns = monotonic_ns();
                self.look_at_link();
            }
            if self.switches.link_down() {
                std::thread::sleep(LINK_REST);
                pacing.forgive(monotonic_ns());
                continue;
            }
            if self.switches.paused() {
                std::thread::sleep(IDLE);
                pacing.forgive(monotonic_ns());
                continue;
            }
            let wanted_pps = self.switches.rate_pps();
            if wanted_pps.to_bits() != rate_pps.to_bits() {
                rate_pps = wanted_pps;
                pacing = self.pacing(rate_pps);
            }
            let most = self.engine.batch(rate_pps / f64::from(self.senders));
            // Read before the queue: what was planned before the switch is in the queue.
            let planned_all = self.switches.planned_all();
            self.gather(&mut pending, most);
            if pending.probes.is_empty() {
                if planned_all {
                    return self.finish(&mut pending);
                }
                std::thread::sleep(IDLE);
                pacing.forgive(monotonic_ns());
                continue;
            }
            self.let_go(&mut pending, &mut pacing, most)?;
        }
    }

    fn pacing(&self, rate_pps: f64) -> Pacing {
        let now_ns = monotonic_ns();
        let own_pps = rate_pps / f64::from(self.senders);
        match Rate::from_pps(rate_pps) {
            // Unlimited, or above what any interface takes.
            None => Pacing::Unlimited,
            Some(_) if self.engine.batch(own_pps) > BATCH_MAX => {
                Pacing::Spaced(Spacing::new(own_pps, self.senders, now_ns))
            }
            Some(rate) => {
                let config = PacerConfig::for_each_of(self.senders, rate);
                Pacing::Granted(Box::new(Pacer::new(config, now_ns)))
            }
        }
    }

    /// Takes batches until `most` probes wait, leaving out what is excluded.
    fn gather(&mut self, pending: &mut Pending, most: usize) {
        self.exclusions.refresh();
        while pending.probes.len() < most
            && let Some(batch) = self.batches.try_pop()
        {
            let before = pending.probes.len();
            pending.probes.extend(batch.slots().iter().filter(|slot| !self.exclusions.contains(slot.address)));
            let held_back = batch.slots().len() - (pending.probes.len() - before);
            if held_back > 0 {
                SendCounts::add(&self.counts.excluded, held_back as u64);
            }
            pending.ends.push_back((pending.taken + pending.probes.len() as u64, batch.id()));
        }
    }

    /// Sends what may go now, or waits a little.
    fn let_go(&mut self, pending: &mut Pending, pacing: &mut Pacing, most: usize) -> Result<(), TransmitError> {
        let now_ns = monotonic_ns();
        let (count, cadence) = match pacing {
            Pacing::Unlimited => (pending.probes.len().min(most), Cadence::Continuous),
            Pacing::Spaced(spacing) => {
                let interval_ns = spacing.interval_ns(now_ns, self.engine.unsent());
                (pending.probes.len().min(most), Cadence::Spaced { interval_ns })
            }
            Pacing::Granted(pacer) => match pacer.grant(now_ns, pending.probes.len()) {
                0 => {
                    wait(pacer.wait_ns(now_ns, pending.probes.len()).unwrap_or(SLEEP_MAX_NS));
                    return Ok(());
                }
                granted => (granted, Cadence::AtOnce),
            },
        };
        if let Err(error) = self.engine.send(&pending.probes[..count], cadence) {
            self.bear(error, count)?;
        }
        if let Pacing::Spaced(spacing) = pacing {
            spacing.sent(count);
        }
        pending.take(count);
        Ok(())
    }

    /// Waits for what the engine still has.
    fn finish(&mut self, pending: &mut Pending) -> Result<(), TransmitError> {
        let flushed = self.engine.flush().or_else(|error| self.bear(error, 0));
        self.settle(pending);
        flushed
    }

    /// A failure is none of the engine's if the link has gone down: then what it had counts as sent, and as maybe lost.
    fn bear(&mut self, error: TransmitError, count: usize) -> Result<(), TransmitError> {
        for _ in 0..CLOSING_LOOKS {
            if !self.look_at_link() {
                SendCounts::add(&self.counts.link_lost, count.max(self.engine.unsent()) as u64);
                self.engine.give_up();
                return Ok(());
            }
            std::thread::sleep(CLOSING_REST);
        }
        Err(error)
    }

    /// Whether the link is up; says so when that has changed.
    fn look_at_link(&self) -> bool {
        let is_up = self.link.is_up();
        if self.switches.set_link_down(!is_up) {
            let interface = self.link.interface();
            if is_up {
                log::info!("{interface} is up again: sending goes on");
            } else {
                log::warn!("{interface} is down: nothing is sent until it is up again");
            }
        }
        is_up
    }

    /// Counts what has left, and tells the planner which batches have left entirely.
    fn settle(&mut self, pending: &mut Pending) {
        let left = pending.taken - self.engine.unsent() as u64;
        SendCounts::add(&self.counts.sent, left - pending.left);
        pending.left = left;
        while let Some((end, batch)) = pending.ends.front().copied()
            && end <= left
        {
            let sent = Sent { batch, at_ns: monotonic_ns() };
            // The planner empties this queue at least as fast as it fills the other; the queues are equally long.
            if self.sent.try_push(sent).is_err() {
                return;
            }
            pending.ends.pop_front();
        }
    }
}

impl Pacing {
    fn forgive(&mut self, now_ns: u64) {
        match self {
            Self::Unlimited => {}
            Self::Granted(pacer) => pacer.forgive(now_ns),
            Self::Spaced(spacing) => spacing.forgive(now_ns),
        }
    }
}

/// Probes taken from the queue and not sent yet.
#[derive(Default)]
struct Pending {
    probes: Vec<ProbeSlot>,
    /// Probes handed to the engine so far; with it, where each batch ends.
    taken: u64,
    /// Of these, those that have left.
    left: u64,
    ends: VecDeque<(u64, BatchId)>,
}

impl Pending {
    fn take(&mut self, count: usize) {
        self.probes.drain(..count);
        self.taken += count as u64;
    }
}

fn wait(wait_ns: u64) {
    let wait_ns = wait_ns.min(SLEEP_MAX_NS);
    if wait_ns >= SLEEP_FROM_NS {
        std::thread::sleep(Duration::from_nanos(wait_ns));
        return;
    }
    let until_ns = monotonic_ns() + wait_ns;
    while monotonic_ns() < until_ns {
        std::hint::spin_loop();
    }
}

/// Probes sent by all senders.
pub fn total(counts: &[Arc<SendCounts>], field: impl Fn(&SendCounts) -> &AtomicU64) -> u64 {
    counts.iter().map(|count| field(count).load(std::sync::atomic::Ordering::Relaxed)).sum()
}
