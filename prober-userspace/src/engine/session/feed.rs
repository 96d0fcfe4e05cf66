//! The planner's side of a session: a queue of errands with its inbox, and the way back for those that are over.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use crate::io::sys::monotonic_ns;
use crate::target::batch::{Batch, BatchId};
use crate::target::errand::{Errand, ErrandDone};
use crate::target::errand_queue::{ErrandCounts, ErrandQueue};
use crate::target::source::{BatchSource, Next};

/// Orders that may wait in the inbox.
pub(super) const INLET_ORDERS: usize = 64;
/// Errands under way, at most; then the inbox waits. Those far ahead of their time take a place as well.
const MOST_ERRANDS: usize = 1 << 18;
/// Batches between looks at the inbox.
const BATCHES: u32 = 8;

/// What the planner is told.
#[derive(Debug)]
pub(super) enum Order {
    /// To be probed.
    Errands(Vec<Errand>),
    /// A group's limit, packets/s.
    GroupRate { group: u32, pps: f64 },
    /// Nothing more will come.
    Close,
}

/// A queue of errands with its inbox.
pub(super) struct Fed {
    queue: ErrandQueue,
    inbox: Receiver<Order>,
    /// Unbounded, but by the errands that went in.
    done: Sender<ErrandDone>,
    batches: u32,
}

impl Fed {
    pub(super) fn new(queue: ErrandQueue, inbox: Receiver<Order>) -> (Self, Receiver<ErrandDone>) {
        let (done, outbox) = channel();
        (Self { queue, inbox, done, batches: 0 }, outbox)
    }

    fn look(&mut self, now_ns: u64) {
        while self.queue.waiting() < MOST_ERRANDS {
            match self.inbox.try_recv() {
                Ok(Order::Errands(errands)) => {
                    for errand in errands {
                        self.queue.push(errand, now_ns);
                    }
                }
                Ok(Order::GroupRate { group, pps }) => self.queue.set_group_rate(group, pps),
                Ok(Order::Close) | Err(TryRecvError::Disconnected) => {
                    self.queue.close();
                    break;
                }
                Err(TryRecvError::Empty) => break,
            }
        }
        self.report();
    }

    fn report(&mut self) {
        while let Some(done) = self.queue.pop_done() {
            // Whoever does not listen any more does not want to know.
            let _ = self.done.send(done);
        }
    }
}

impl BatchSource for Fed {
    type Checkpoint = ErrandCounts;

    fn next_batch(&mut self, now_ns: u64, most: usize, out: &mut Batch) -> Next {
        self.batches += 1;
        if self.batches >= BATCHES {
            self.look(now_ns);
            self.batches = 0;
        }
        let next = self.queue.next_batch(now_ns, most, out);
        if next == Next::Batch {
            return next;
        }
        self.batches = 0;
        self.look(monotonic_ns());
        self.queue.next_batch(now_ns, most, out)
    }

    fn sent(&mut self, id: BatchId, sent_ns: u64) {
        self.queue.sent(id, sent_ns);
        self.report();
    }

    fn checkpoint(&self) -> ErrandCounts {
        self.queue.counts()
    }
}
