//! Removing what is stored of addresses in the database of a running daemon: on the thread of the night's work, so that neither
//! disturbs the other, behind the probing, day by day. The states are the watch's own to forget; here is what was found.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::io::clock::utc_now;
use crate::io::store::{ForgottenRows, Store};
use crate::target::address_set::AddressSet;

/// How often it is looked whether the daemon ends.
const LOOK: Duration = Duration::from_millis(100);
/// How long the watch may take over its states.
const STATES: Duration = Duration::from_mins(10);

/// What is to go.
pub struct ForgettingOrder {
    /// Of these.
    pub addresses: Arc<AddressSet>,
    /// Not before: replies and banners may still come of probes that were sent before the exclusion.
    pub not_before: Instant,
    /// How many rows of states the watch removed.
    pub states: Receiver<ForgottenRows>,
    /// Who asks.
    pub who: String,
    /// Takes the rows that went, or why not all did.
    pub answer: Box<dyn FnOnce(Result<ForgottenRows, String>) + Send>,
}

impl ForgettingOrder {
    /// Does it, and writes it into the trail whatever comes of it: the ranges and how many rows, nothing of what they held.
    pub(super) fn carry_out(self, store: &Store, is_ending: &dyn Fn() -> bool) {
        let Self { addresses, not_before, states, who, answer } = self;
        let mut rows = ForgottenRows::new();
        let mut outcome = take_states(&states, &mut rows, is_ending);
        while !is_ending() && Instant::now() < not_before {
            std::thread::sleep(LOOK);
        }
        if outcome.is_ok() {
            outcome = store.forget_findings(&addresses, &mut rows, is_ending).map_err(|cause| cause.to_string());
        }
        if is_ending() {
            outcome = Err("the daemon ends".to_owned());
        }
        if let Err(cause) = note(store, &addresses, &rows, outcome.is_ok(), &who) {
            log::error!("{cause}");
        }
        let total: u64 = rows.iter().map(|(_, rows)| rows).sum();
        log::info!("{who} had what was stored of {} addresses removed: {total} rows", addresses.len());
        let unfinished = |cause| format!("{total} rows are removed, but not all: {cause}; do it again");
        answer(outcome.map(|()| rows).map_err(unfinished));
    }
}

fn take_states(
    states: &Receiver<ForgottenRows>,
    rows: &mut ForgottenRows,
    is_ending: &dyn Fn() -> bool,
) -> Result<(), String> {
    let until = Instant::now() + STATES;
    while Instant::now() < until && !is_ending() {
        match states.recv_timeout(LOOK) {
            Ok(removed) => {
                rows.extend(removed);
                return Ok(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Err("the watch did not remove its states".to_owned())
}

/// A line in the trail.
pub fn note(
    store: &Store,
    addresses: &AddressSet,
    rows: &ForgottenRows,
    is_complete: bool,
    who: &str,
) -> Result<(), crate::io::store::StoreError> {
    let ranges: Vec<String> = addresses.ranges().map(|range| range.to_string()).collect();
    let rows: serde_json::Map<_, _> = rows.iter().map(|(table, rows)| (table.clone(), (*rows).into())).collect();
    let detail = serde_json::json!({ "ranges": ranges, "rows": rows, "complete": is_complete });
    store.audit(utc_now(), who, "exclusion.forget", &detail)
}
