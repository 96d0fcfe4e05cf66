//! What others may read of the writer while it runs: figures for the progress line, and its failure.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use prober_common::event::ReplyKind;

use crate::io::store::StoreError;

/// Figures of this session. Each is exact, but they are not read at one moment.
#[derive(Debug, Default)]
pub struct WriterStatus {
    pub(super) replies: [AtomicU64; ReplyKind::ALL.len()],
    pub(super) duplicates: [AtomicU64; ReplyKind::ALL.len()],
    pub(super) committed: AtomicU64,
    pub(super) store_failed: AtomicU64,
    pub(super) stale: AtomicU64,
    failure: Mutex<Option<StoreError>>,
}

impl WriterStatus {
    /// New replies of a kind, committed or about to be.
    pub fn replies(&self, kind: ReplyKind) -> u64 {
        self.replies[kind as usize].load(Ordering::Relaxed)
    }

    /// New replies of all kinds.
    pub fn all_replies(&self) -> u64 {
        sum(&self.replies)
    }

    /// Replies that had come before, all kinds.
    pub fn duplicates(&self) -> u64 {
        sum(&self.duplicates)
    }

    /// Rows on disk.
    pub fn committed(&self) -> u64 {
        self.committed.load(Ordering::Relaxed)
    }

    /// Replies dropped because the database could not be written.
    pub fn store_failed(&self) -> u64 {
        self.store_failed.load(Ordering::Relaxed)
    }

    /// Replies too old to check (must be 0).
    pub fn stale(&self) -> u64 {
        self.stale.load(Ordering::Relaxed)
    }

    /// Why the database cannot be written, once all attempts have failed. The engine then stops sending. The writer keeps
    /// trying; a later success does not take this back.
    pub fn failure(&self) -> Option<StoreError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn report(&self, error: StoreError) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

fn sum(counters: &[AtomicU64]) -> u64 {
    counters.iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
}
