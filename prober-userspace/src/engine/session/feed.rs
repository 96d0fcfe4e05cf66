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
    /// Groups' limits, packets/s.
    GroupRates(Vec<(u32, f64)>),
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
                Ok(Order::GroupRates(rates)) => {
                    for (group, pps) in rates {
                        self.queue.set_group_rate(group, pps);
                    }
                }
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

    fn idle(&mut self, now_ns: u64) {
        self.look(now_ns);
    }

    fn sent(&mut self, id: BatchId, sent_ns: u64) {
        self.queue.sent(id, sent_ns);
        self.report();
    }

    fn checkpoint(&self) -> ErrandCounts {
        self.queue.counts()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use prober_common::address::V4;
    use ringbuf::HeapRb;
    use ringbuf::traits::{Producer, Split};

    use super::*;
    use crate::engine::open::TemplateSet;
    use crate::engine::planner::{Planner, SenderQueues};
    use crate::engine::shared::Switches;
    use crate::target::errand::Probes;
    use crate::target::errand_queue::NO_GROUP;
    use crate::target::exclusions::Exclusions;
    use crate::target::shared_exclusions::SharedExclusions;

    const ORDERS: u64 = 4_000;
    /// Only somebody who hangs takes as long.
    const PATIENCE: Duration = Duration::from_mins(1);

    /// At ten probes a second a sender gets two batches at most.
    fn takes_orders_in(batches: usize, switch: fn(&Switches)) {
        let exclusions = SharedExclusions::new(Exclusions::new([], true));
        let (orders, inbox) = sync_channel(INLET_ORDERS);
        let (source, done) = Fed::new(ErrandQueue::new(exclusions.reader(), 0.0), inbox);
        let (mut batches_in, _batches_out) = HeapRb::new(2).split();
        for _ in 0..batches {
            assert!(batches_in.try_push(Batch::default()).is_ok());
        }
        let (_sent_in, sent) = HeapRb::new(2).split();
        let switches = Arc::new(Switches::new(10.0));
        switch(&switches);
        let (requests, asked) = sync_channel(1);
        let senders = vec![SenderQueues { batches: batches_in, sent }];
        let planner = Planner { source, senders, templates: TemplateSet::default(), switches, requests: asked };
        let planner = std::thread::spawn(move || planner.run());
        // A thread of its own: if nobody takes them in it waits for ever.
        std::thread::spawn(move || {
            for tag in 0..ORDERS {
                orders.send(Order::GroupRates(vec![(tag as u32, 5.0), (7, 1.0)])).unwrap();
                // One without probes is over as soon as it is taken in.
                let probes = Probes::Tcp(Arc::new([]));
                let group = NO_GROUP;
                let errand = Errand { address: V4(1), probes, not_before_ns: 0, spacing_ns: 0, group, tag };
                orders.send(Order::Errands(vec![errand])).unwrap();
            }
        });
        for tag in 0..ORDERS {
            assert_eq!(done.recv_timeout(PATIENCE).map(|done| done.tag), Ok(tag), "{batches} batches wait");
        }
        drop(requests);
        planner.join().unwrap();
    }

    #[test]
    fn what_comes_is_taken_in_while_nothing_can_be_sent() {
        takes_orders_in(0, |switches| switches.set_paused(true));
        takes_orders_in(2, |switches| switches.set_paused(true));
        takes_orders_in(2, |_| {});
        takes_orders_in(0, Switches::stop_sending);
    }
}
