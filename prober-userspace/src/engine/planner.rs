//! The planning thread: owns the source of batches (a scan's schedule, a daemon's errands), keeps every sender's queue filled a little ahead, and answers with
//! checkpoints. It stays only as far ahead as the rate needs, so that a pause, a new rate and the spacing of extra
//! probes act at once.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::Duration;

use ringbuf::traits::{Consumer, Observer, Producer};
use ringbuf::{HeapCons, HeapProd};

use super::open::TemplateSet;
use super::shared::{Sent, Switches};
use crate::io::sys::monotonic_ns;
use crate::io::transmit::BATCH_MAX;
use crate::target::batch::Batch;
use crate::target::source::{BatchSource, Next};

/// Batches per sender's queue.
pub const QUEUE_BATCHES: usize = 64;
/// How far ahead probes are planned, s.
const AHEAD_S: f64 = 0.02;
/// Probes of one batch span at most this time, s, so that a batch is not held up by its last probe.
const BATCH_S: f64 = 0.002;
/// Sleep when every queue is full enough or nothing is due: a fraction of what the fullest queue lasts at the highest
/// rate. Waking more often costs the senders cache and clock.
const IDLE: Duration = Duration::from_micros(500);

/// Asks the planner where its source stands.
pub type CheckpointRequest<S> = SyncSender<<S as BatchSource>::Checkpoint>;

/// Queues between the planner and one sender.
pub struct SenderQueues {
    /// Planned probes.
    pub batches: HeapProd<Batch>,
    /// What has left.
    pub sent: HeapCons<Sent>,
}

/// The planner.
pub struct Planner<S: BatchSource> {
    /// What is probed when.
    pub source: S,
    /// One pair per sender.
    pub senders: Vec<SenderQueues>,
    /// Which template a probe gets.
    pub templates: TemplateSet,
    /// Set by the control thread.
    pub switches: Arc<Switches>,
    /// Requests of the control thread; the planner ends when that hangs up.
    pub requests: Receiver<CheckpointRequest<S>>,
}

impl<S: BatchSource> Planner<S> {
    /// Plans until everything is handed out and confirmed, or sending stops; then answers requests until the control
    /// thread hangs up.
    pub fn run(mut self) {
        let mut finished = false;
        loop {
            self.note_sent();
            if !self.answer() {
                return;
            }
            let busy = !finished && !self.switches.sending_stopped() && self.fill(&mut finished);
            if finished {
                self.switches.set_planned_all();
            }
            if !busy {
                self.source.idle(monotonic_ns());
                std::thread::sleep(IDLE);
            }
        }
    }

    /// Takes the senders' confirmations.
    fn note_sent(&mut self) {
        for sender in &mut self.senders {
            while let Some(sent) = sender.sent.try_pop() {
                self.source.sent(sent.batch, sent.at_ns);
            }
        }
    }

    /// Answers requests; whether the control thread is still there.
    fn answer(&mut self) -> bool {
        loop {
            match self.requests.try_recv() {
                Ok(request) => {
                    // The asker may have given up waiting.
                    let _ = request.try_send(self.source.checkpoint());
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Gives each sender that runs low one batch; whether any got one.
    fn fill(&mut self, finished: &mut bool) -> bool {
        if self.switches.paused() {
            return false;
        }
        let own_pps = self.switches.rate_pps() / self.senders.len() as f64;
        let most = (own_pps * BATCH_S).clamp(1.0, BATCH_MAX as f64) as usize;
        let ahead = (own_pps * AHEAD_S / most as f64).clamp(2.0, QUEUE_BATCHES as f64) as usize;
        let mut filled = false;
        for sender in &mut self.senders {
            if sender.batches.occupied_len() >= ahead {
                continue;
            }
            let mut batch = Batch::default();
            let now_ns = monotonic_ns();
            match self.source.next_batch(now_ns, most, &mut batch) {
                Next::Batch => {
                    for slot in batch.slots_mut() {
                        slot.template = self.templates.index_of(*slot);
                    }
                    sender.batches.try_push(batch).expect("the queue was not full and we alone fill it");
                    filled = true;
                }
                Next::WaitUntil(at_ns) => {
                    // It only rests from looking at probes that have to wait.
                    filled |= at_ns <= now_ns;
                    break;
                }
                Next::Done => {
                    *finished = true;
                    break;
                }
            }
        }
        filled
    }
}
