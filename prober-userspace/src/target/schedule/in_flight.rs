//! Batches handed out and not yet known to be sent. Confirmations come in any order; runs leave in the order in which
//! they were handed out.

use std::collections::VecDeque;

use super::super::batch::BatchId;
use super::run::Run;

/// Batches handed out at a time, at most.
const MOST_BATCHES: usize = 1 << 13;

#[derive(Debug, Default)]
pub(super) struct InFlight {
    first_id: u64,
    batches: VecDeque<Handed>,
    /// The runs of all batches, in their order.
    runs: VecDeque<Run>,
    /// Runs of the front batch that have left already.
    front_left: usize,
}

#[derive(Clone, Copy, Debug)]
struct Handed {
    runs: usize,
    sent_ns: Option<u64>,
}

impl InFlight {
    pub(super) fn is_full(&self) -> bool {
        self.batches.len() >= MOST_BATCHES
    }

    /// Notes a batch of these runs.
    pub(super) fn push(&mut self, runs: &[Run]) -> BatchId {
        self.runs.extend(runs);
        self.batches.push_back(Handed { runs: runs.len(), sent_ns: None });
        BatchId(self.first_id + self.batches.len() as u64 - 1)
    }

    /// Notes when a batch was sent.
    pub(super) fn confirm(&mut self, id: BatchId, sent_ns: u64) {
        let index = id.0.checked_sub(self.first_id).and_then(|index| usize::try_from(index).ok());
        if let Some(batch) = index.and_then(|index| self.batches.get_mut(index)) {
            batch.sent_ns.get_or_insert(sent_ns);
        }
    }

    /// The next run of the oldest batches that were all sent, with its time.
    pub(super) fn pop_sent(&mut self) -> Option<(Run, u64)> {
        let front = *self.batches.front()?;
        let sent_ns = front.sent_ns?;
        let run = self.runs.pop_front()?;
        self.front_left += 1;
        if self.front_left == front.runs {
            self.batches.pop_front();
            self.first_id += 1;
            self.front_left = 0;
        }
        Some((run, sent_ns))
    }

    /// Whether a confirmation will bring more to do.
    pub(super) fn awaits_next_pass(&self, passes: u32) -> bool {
        self.runs.iter().any(|run| run.next_pass(passes).is_some())
    }

    /// What each run in flight still needs: itself, or its next pass if it was sent.
    pub(super) fn unfinished(&self, passes: u32) -> impl Iterator<Item = Run> {
        let mut runs = self.runs.iter().copied();
        self.batches.iter().flat_map(move |batch| {
            let batch = *batch;
            runs.by_ref().take(batch.runs).collect::<Vec<_>>().into_iter().filter_map(move |run| match batch.sent_ns {
                None => Some(run),
                Some(_) => run.next_pass(passes),
            })
        })
    }
}
