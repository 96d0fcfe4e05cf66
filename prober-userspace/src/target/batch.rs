//! A batch of planned probes on its way from the planner to a sender.

use prober_common::slot::ProbeSlot;

/// Most probes in a batch.
pub const BATCH_PROBES: usize = 64;

/// Names a batch in its confirmation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// Up to [`BATCH_PROBES`] probes, without allocation.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    slots: [ProbeSlot; BATCH_PROBES],
    len: usize,
    id: BatchId,
}

impl Default for Batch {
    fn default() -> Self {
        Self { slots: [ProbeSlot::default(); BATCH_PROBES], len: 0, id: BatchId::default() }
    }
}

impl Batch {
    /// The probes.
    pub fn slots(&self) -> &[ProbeSlot] {
        &self.slots[..self.len]
    }

    /// The probes, for filling in their templates.
    pub fn slots_mut(&mut self) -> &mut [ProbeSlot] {
        &mut self.slots[..self.len]
    }

    /// Which batch this is.
    pub fn id(&self) -> BatchId {
        self.id
    }

    pub(in crate::target) fn room(&mut self) -> &mut [ProbeSlot; BATCH_PROBES] {
        &mut self.slots
    }

    pub(in crate::target) fn seal(&mut self, len: usize, id: BatchId) {
        self.len = len.min(BATCH_PROBES);
        self.id = id;
    }
}
