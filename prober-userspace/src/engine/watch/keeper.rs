//! The thread that keeps the watch's states on disk, over a connection of its own: changes are appended, and when they have
//! become many, all states are written anew. What is handed over is on disk at the latest one save interval later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::engine::threads::thread;
use crate::io::clock::utc_now;
use crate::io::store::{EstimateBatch, EstimationRecord, Store, StoreError, StoredTarget, WatchClock};
use crate::model::device::AddressEstimates;

/// Orders that may wait.
const ORDERS: usize = 8;
/// Attempts of an order before the failure is reported, and the rest between them.
const ATTEMPTS: u32 = 4;
const REST: std::time::Duration = std::time::Duration::from_millis(200);

/// What is kept.
pub(super) enum Order {
    /// States as visits left them, and where the clock stands.
    Changes(Vec<StoredTarget>, WatchClock),
    /// All states; they hold every change handed over before.
    All(Vec<StoredTarget>, WatchClock),
    /// The devices that states name.
    Devices(Vec<(String, Vec<u16>)>),
    /// Estimates of addresses.
    Estimates(EstimateBatch, EstimationRecord, Vec<AddressEstimates>),
}

#[derive(Debug, Default)]
struct State {
    saved: AtomicU64,
    /// Changes in the table.
    waiting: AtomicU64,
    failure: Mutex<Option<StoreError>>,
}

/// The thread; it ends, with everything on disk, when it is dropped.
pub(super) struct Keeper {
    orders: Option<SyncSender<Order>>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Over a connection of its own.
    pub(super) fn start(store: Store) -> anyhow::Result<Self> {
        let (orders, inbox) = sync_channel(ORDERS);
        let state = Arc::new(State::default());
        let first = store.next_target_change()?;
        state.waiting.store(first, Ordering::Relaxed);
        let own = Arc::clone(&state);
        let thread = thread("keep", move || run(&store, &inbox, &own, first))?;
        Ok(Self { orders: Some(orders), state, thread: Some(thread) })
    }

    /// Hands an order over; waits while many do.
    pub(super) fn order(&self, order: Order) -> Result<(), StoreError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if let Some(orders) = &self.orders {
            // A thread that is gone has left its failure.
            let _ = orders.send(order);
        }
        Ok(())
    }

    /// Changed states on disk since the start.
    pub(super) fn saved(&self) -> u64 {
        self.state.saved.load(Ordering::Relaxed)
    }

    /// Changes since all states were last written.
    pub(super) fn waiting(&self) -> u64 {
        self.state.waiting.load(Ordering::Relaxed)
    }

    /// Why nothing more is kept.
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.state.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until everything is on disk.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        self.join();
        self.failure().map_or(Ok(()), Err)
    }

    fn join(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread that keeps the states ended unexpectedly");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.join();
    }
}

fn run(store: &Store, inbox: &Receiver<Order>, state: &State, mut next: u64) {
    for order in inbox {
        let mut attempt = 1;
        while let Err(error) = carry_out(store, &order, state, &mut next) {
            if attempt == ATTEMPTS {
                *state.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
            log::debug!("{error}; attempt {attempt} of {ATTEMPTS}");
            std::thread::sleep(REST * attempt);
            attempt += 1;
        }
    }
}

fn carry_out(store: &Store, order: &Order, state: &State, next: &mut u64) -> Result<(), StoreError> {
    match order {
        Order::Changes(changes, clock) => {
            store.add_target_changes(changes, *next, clock, utc_now())?;
            *next += changes.len() as u64;
            state.saved.fetch_add(changes.len() as u64, Ordering::Relaxed);
            state.waiting.fetch_add(changes.len() as u64, Ordering::Relaxed);
        }
        Order::All(states, clock) => {
            store.replace_targets(&mut states.iter().cloned(), *next, clock, utc_now())?;
            state.waiting.store(0, Ordering::Relaxed);
        }
        Order::Devices(devices) => store.replace_watch_devices(devices)?,
        Order::Estimates(batch, record, estimates) => drop(store.add_estimates(*batch, *record, estimates)?),
    }
    Ok(())
}
