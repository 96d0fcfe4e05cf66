//! The thread that keeps the watch's states on disk, over a connection of its own: changes are appended, and when they have
//! become many, all states are written anew, part by part. What is handed over is on disk at the latest one save interval later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::device::database::Database;
use crate::engine::threads::thread;
use crate::io::clock::utc_now;
use crate::io::store::{EstimateBatch, EstimationRecord, Store, StoreError, StoredTarget, WatchClock};
use crate::model::device::AddressEstimates;
use crate::model::watch::Forgetting;

/// Orders that may wait.
const ORDERS: usize = 8;
/// Attempts of an order before the failure is reported, and the rest between them.
const ATTEMPTS: u32 = 4;
const REST: std::time::Duration = std::time::Duration::from_millis(200);

/// What is kept.
pub enum Order {
    /// States as visits left them, and where the clock stands.
    Changes(Vec<StoredTarget>, WatchClock),
    /// The states of some addresses, with every change handed over before: all are written anew, part by part. Those of
    /// addresses that are not watched any more stay as they are.
    Part(Part),
    /// The devices that states name.
    Devices(Vec<(String, Vec<u16>)>),
    /// The networks to which more addresses came than answer there, and how many came.
    Newcomers(Vec<(u32, u16)>),
    /// What estimates are made by from now on.
    Signatures(Arc<Database>),
    /// Estimates of addresses.
    Estimates(EstimateBatch, EstimationRecord, Vec<AddressEstimates>),
    /// The states of these are to go.
    Forget(Forgetting),
}

/// Part of all states.
pub struct Part {
    /// In the order of their addresses.
    pub states: Vec<StoredTarget>,
    /// The first of the parts.
    pub begins: bool,
    /// The last one.
    pub ends: bool,
}

#[derive(Debug, Default)]
struct State {
    saved: AtomicU64,
    /// Changes in the table.
    waiting: AtomicU64,
    /// How often all states were written anew.
    rewritten: AtomicU64,
    /// Orders handed over and not carried out.
    orders: AtomicU64,
    failure: Mutex<Option<StoreError>>,
}

/// The thread; it ends, with everything on disk, when it is dropped.
pub struct Keeper {
    orders: Option<SyncSender<Order>>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Over a connection of its own.
    pub fn start(store: Store) -> anyhow::Result<Self> {
        let (orders, inbox) = sync_channel(ORDERS);
        let state = Arc::new(State::default());
        let first = store.next_target_change()?;
        state.waiting.store(store.target_changes()?, Ordering::Relaxed);
        let own = Arc::clone(&state);
        let thread = thread("keep", move || run(&store, &inbox, &own, first))?;
        Ok(Self { orders: Some(orders), state, thread: Some(thread) })
    }

    /// Whether an order, and another with it, are taken without waiting; also when nothing more is kept, which is told then.
    pub fn has_room(&self) -> bool {
        self.state.orders.load(Ordering::Acquire) + 2 <= ORDERS as u64 || self.failure().is_some()
    }

    /// Hands an order over; waits while many do.
    pub fn order(&self, order: Order) -> Result<(), StoreError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if let Some(orders) = &self.orders {
            self.state.orders.fetch_add(1, Ordering::AcqRel);
            // A thread that is gone has left its failure.
            let _ = orders.send(order);
        }
        Ok(())
    }

    /// Changed states on disk since the start.
    pub fn saved(&self) -> u64 {
        self.state.saved.load(Ordering::Relaxed)
    }

    /// Changes since all states were last written.
    pub fn waiting(&self) -> u64 {
        self.state.waiting.load(Ordering::Relaxed)
    }

    /// How often all states were written anew since the start.
    pub fn rewritten(&self) -> u64 {
        self.state.rewritten.load(Ordering::Relaxed)
    }

    /// Why nothing more is kept.
    pub fn failure(&self) -> Option<StoreError> {
        self.state.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until everything is on disk.
    pub fn finish(mut self) -> Result<(), StoreError> {
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

/// Numbers of changes.
struct Numbers {
    next: u64,
    /// The next one when the first part was written.
    rewritten: Option<u64>,
}

fn run(store: &Store, inbox: &Receiver<Order>, state: &State, next: u64) {
    let mut numbers = Numbers { next, rewritten: None };
    for order in inbox {
        let mut attempt = 1;
        while let Err(error) = carry_out(store, &order, state, &mut numbers) {
            if attempt == ATTEMPTS {
                *state.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
            log::debug!("{error}; attempt {attempt} of {ATTEMPTS}");
            std::thread::sleep(REST * attempt);
            attempt += 1;
        }
        state.orders.fetch_sub(1, Ordering::AcqRel);
    }
}

fn carry_out(store: &Store, order: &Order, state: &State, numbers: &mut Numbers) -> Result<(), StoreError> {
    match order {
        Order::Changes(changes, clock) => {
            store.add_target_changes(changes, numbers.next, clock, utc_now())?;
            numbers.next += changes.len() as u64;
            state.saved.fetch_add(changes.len() as u64, Ordering::Relaxed);
            state.waiting.fetch_add(changes.len() as u64, Ordering::Relaxed);
        }
        Order::Part(part) => {
            if part.begins {
                numbers.rewritten = Some(numbers.next);
            }
            let until = numbers.rewritten.unwrap_or(0);
            store.replace_targets(&part.states, until)?;
            if part.ends {
                state.waiting.store(numbers.next - until, Ordering::Relaxed);
                state.rewritten.fetch_add(1, Ordering::Relaxed);
            }
        }
        Order::Forget(Forgetting { addresses, done }) => {
            let rows = store.forget_states(addresses)?;
            let changes = rows.iter().find(|(table, _)| table == "target_change").map_or(0, |(_, rows)| *rows);
            state.waiting.fetch_sub(changes.min(state.waiting.load(Ordering::Relaxed)), Ordering::Relaxed);
            // Whoever asked may have gone.
            let _ = done.try_send(rows);
        }
        Order::Devices(devices) => store.replace_watch_devices(devices)?,
        Order::Newcomers(newcomers) => store.replace_newcomers(newcomers)?,
        Order::Signatures(database) => drop(store.load_signatures(database, utc_now())?),
        Order::Estimates(batch, record, estimates) => drop(store.add_estimates(*batch, *record, estimates)?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::store::Access;
    use crate::model::utc::UtcMicros;
    use crate::policy::target_state::TargetState;

    #[test]
    fn a_slow_database_is_seen_before_anybody_waits_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
        let keeper = Keeper::start(store.another().unwrap()).unwrap();
        let clock = WatchClock {
            began_at: UtcMicros(0),
            clock_s: 1,
            time_scale: 1.0,
            scheme: "standard".to_owned(),
            settings: String::new(),
            learnt: String::new(),
        };
        let (mut handed_over, mut was_full) = (0, false);
        for number in 0..200 {
            if keeper.has_room() {
                let state = TargetState::new(number, 1);
                let change = StoredTarget { state, open_ports: Box::default() };
                keeper.order(Order::Changes(vec![change], clock.clone())).unwrap();
                handed_over += 1;
            } else {
                was_full = true;
            }
        }
        assert!(was_full, "memory is faster than a disk");
        keeper.finish().unwrap();
        assert_eq!(store.target_changes().unwrap(), handed_over);
    }
}
