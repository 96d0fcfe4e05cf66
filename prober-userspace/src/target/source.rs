//! Where the planning thread takes its batches from: the seam between what decides on probes (a scan's schedule, errands
//! of a daemon) and what sends them.

use super::batch::{Batch, BatchId};

/// Hands out batches and hears when each was sent, in any order.
pub trait BatchSource: Send + 'static {
    /// What is known of how far it is.
    type Checkpoint: Send + 'static;

    /// Fills `out` with up to `most` (at most [`BATCH_PROBES`](super::batch::BATCH_PROBES)) probes to be sent now.
    fn next_batch(&mut self, now_ns: u64, most: usize, out: &mut Batch) -> Next;

    /// Nothing can be sent just now - sending is held back, those who send have enough, all has been handed out -, and no
    /// batch will be asked for until that has changed. What came meanwhile is taken in, so that nobody waits for that.
    fn idle(&mut self, _now_ns: u64) {}

    /// The batch's last probe was sent at `sent_ns`.
    fn sent(&mut self, id: BatchId, sent_ns: u64);

    /// How far it is.
    fn checkpoint(&self) -> Self::Checkpoint;
}

/// What [`BatchSource::next_batch`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The batch holds at least one probe to be sent now.
    Batch,
    /// Nothing before this time, ns; after a confirmation it is worth asking sooner.
    WaitUntil(u64),
    /// Everything has been handed out. Batches may still be unconfirmed.
    Done,
}
