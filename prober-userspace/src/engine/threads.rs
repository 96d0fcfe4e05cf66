//! The data-plane threads: one planner, a sender per queue, one receiver, started together over an attached program and open
//! engines. Whatever the planner takes its batches from; a scan and a session differ in that alone.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::Context;
use prober_common::event::ReplyEvent;
use ringbuf::traits::Split;
use ringbuf::{HeapProd, HeapRb};

use super::open::TemplateSet;
use super::planner::{CheckpointRequest, Planner, QUEUE_BATCHES, SenderQueues};
use super::receiver::{self, Braking, Tap};
use super::sender::Sender;
use super::shared::{SendCounts, Switches};
use crate::io::network::LinkState;
use crate::io::transmit::{Transmit, TransmitError};
use crate::io::xdp::{Attached, Counters};
use crate::target::brakes::Brakes;
use crate::target::shared_exclusions::SharedExclusions;
use crate::target::source::BatchSource;

/// What the threads work with.
pub struct Threads<S> {
    /// Rate of all senders together at the start, packets/s.
    pub rate_pps: f64,
    /// Slow down where delays rise, with this limit per /24, packets/s; 0: never.
    pub limit_per_slash24_pps: f64,
    /// Set by the receiver; whoever made the source may obey them.
    pub brakes: Arc<Brakes>,
    /// Checked before the wire.
    pub exclusions: Arc<SharedExclusions>,
    /// What probes look like.
    pub templates: TemplateSet,
    /// What is probed.
    pub source: S,
    /// To the writer.
    pub events: HeapProd<ReplyEvent>,
    /// To somebody else.
    pub tap: Option<Tap>,
}

/// The threads once they run, for whoever watches over them.
pub struct Running<S: BatchSource> {
    /// Rate, pause, end.
    pub switches: Arc<Switches>,
    /// One per sender.
    pub counts: Vec<Arc<SendCounts>>,
    /// The kernel's.
    pub counters: Counters,
    /// Each ends when everything planned is sent, sending is stopped or its engine fails.
    pub senders: Vec<JoinHandle<Result<(), TransmitError>>>,
    /// Ends when `requests` is dropped.
    pub planner: JoinHandle<()>,
    /// Asks the planner where its source stands.
    pub requests: SyncSender<CheckpointRequest<S>>,
    /// Ends when receiving is stopped.
    pub receiver: JoinHandle<u64>,
    /// Brakes per /24.
    pub brakes: Arc<Brakes>,
    /// Keeps the program attached.
    _object: Arc<aya::Ebpf>,
}

impl<S: BatchSource> Threads<S> {
    /// Starts them.
    pub fn start(self, attached: Attached, engines: Vec<Box<dyn Transmit>>) -> anyhow::Result<Running<S>> {
        let switches = Arc::new(Switches::new(self.rate_pps));
        let receiver = {
            let (ring, switches) = (attached.replies, Arc::clone(&switches));
            let limit_pps = self.limit_per_slash24_pps;
            if limit_pps <= 0.0 {
                log::warn!("rate-per-24 is 0: without a limit per /24 nothing is slowed down where delays rise");
            }
            let braking = (limit_pps > 0.0).then(|| Braking::new(limit_pps, Arc::clone(&self.brakes)));
            let (events, tap) = (self.events, self.tap);
            thread("receive", move || receiver::run(ring, events, braking, tap, &switches))?
        };
        let count = engines.len() as u32;
        let (mut queues, mut counts, mut senders) = (Vec::new(), Vec::new(), Vec::new());
        for engine in engines {
            let (batches_in, batches_out) = HeapRb::new(QUEUE_BATCHES).split();
            // Twice as long as the batches' queue: those in a sender's hands come on top.
            let (sent_in, sent_out) = HeapRb::new(4 * QUEUE_BATCHES).split();
            queues.push(SenderQueues { batches: batches_in, sent: sent_out });
            let own = Arc::new(SendCounts::default());
            counts.push(Arc::clone(&own));
            let sender = Sender {
                engine,
                batches: batches_out,
                sent: sent_in,
                exclusions: self.exclusions.reader(),
                switches: Arc::clone(&switches),
                counts: own,
                senders: count,
                link: LinkState::open(&attached.interface).context("cannot look at the interface")?,
            };
            senders.push(thread("send", move || Sender::run(sender))?);
        }
        let (requests, inbox) = sync_channel(1);
        let planner = Planner {
            source: self.source,
            senders: queues,
            templates: self.templates,
            switches: Arc::clone(&switches),
            requests: inbox,
        };
        let planner = thread("plan", move || planner.run())?;
        Ok(Running {
            switches,
            counts,
            counters: attached.counters,
            senders,
            planner,
            requests,
            receiver,
            brakes: self.brakes,
            _object: attached.object,
        })
    }
}

/// Starts a thread of this name.
pub fn thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<JoinHandle<T>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .with_context(|| format!("cannot start the thread `{name}`"))
}
