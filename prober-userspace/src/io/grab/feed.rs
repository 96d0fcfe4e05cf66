//! Targets that become known one by one, as a running scan finds open ports: handed out host by host, such that no host is
//! ever in two hands, and bounded: what finds the queue full is dropped and counted.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use prober_common::address::V4;
use tokio::sync::Notify;

use super::host::HostWork;
use crate::model::banner::Transport;

/// A queue of open ports, shared by the one who finds them and those who ask.
#[derive(Debug)]
pub struct Feed {
    room: usize,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Hosts that nobody asks at the moment, in the order in which they came.
    ready: VecDeque<V4>,
    /// Ports that wait, by host; a host that is being asked has an entry as well, maybe an empty one.
    ports: HashMap<V4, Vec<(Transport, u16)>>,
    counts: FeedCounts,
    closed: bool,
}

/// What became of the ports so far: taken = waiting + asked + dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedCounts {
    /// Ports that came.
    pub taken: u64,
    /// Ports that wait.
    pub waiting: u64,
    /// Ports handed out.
    pub asked: u64,
    /// Ports that found the queue full.
    pub dropped: u64,
}

impl Feed {
    /// With room for so many waiting ports.
    pub fn new(room: usize) -> Self {
        Self { room, state: Mutex::default(), news: Notify::new() }
    }

    /// Puts a port in, unless the queue is full or closed; whether it will be asked: one that waits already is not asked
    /// twice, and not counted. Never waits for those who ask.
    pub fn put(&self, address: V4, transport: Transport, port: u16) -> bool {
        let mut state = self.state();
        if !state.closed && state.ports.get(&address).is_some_and(|ports| ports.contains(&(transport, port))) {
            return true;
        }
        state.counts.taken += 1;
        if state.closed || state.counts.waiting >= self.room as u64 {
            state.counts.dropped += 1;
            return false;
        }
        state.counts.waiting += 1;
        if let Some(ports) = state.ports.get_mut(&address) {
            ports.push((transport, port));
            return true;
        }
        state.ports.insert(address, vec![(transport, port)]);
        state.ready.push_back(address);
        drop(state);
        self.news.notify_one();
        true
    }

    /// Nothing more will come: whoever asks ends when nothing waits.
    pub fn close(&self) {
        self.state().closed = true;
        self.news.notify_waiters();
    }

    /// What became of the ports.
    pub fn counts(&self) -> FeedCounts {
        self.state().counts
    }

    /// The next host with its ports, once there is one; `None` after the end. It has to be given back with
    /// [`Self::done`].
    pub(super) async fn next(&self) -> Option<HostWork> {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // Before looking: what comes in between wakes it.
            news.as_mut().enable();
            {
                let mut state = self.state();
                if let Some(address) = state.ready.pop_front() {
                    let ports = state.ports.get_mut(&address).map(std::mem::take).unwrap_or_default();
                    state.counts.waiting -= ports.len() as u64;
                    state.counts.asked += ports.len() as u64;
                    return Some(HostWork { address, ports });
                }
                // Hosts in hand may come back with new ports.
                if state.closed && state.ports.is_empty() {
                    return None;
                }
            }
            news.await;
        }
    }

    /// Nobody asks the host any more; what came for it meanwhile is next.
    pub(super) fn done(&self, address: V4) {
        let mut state = self.state();
        if state.ports.get(&address).is_some_and(|ports| !ports.is_empty()) {
            state.ready.push_back(address);
            drop(state);
            self.news.notify_one();
            return;
        }
        state.ports.remove(&address);
        if state.closed && state.ports.is_empty() {
            drop(state);
            self.news.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: Transport = Transport::Tcp;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_host_is_in_one_hand_only() {
        let feed = Feed::new(10);
        feed.put(V4(1), TCP, 80);
        feed.put(V4(1), TCP, 22);
        feed.put(V4(2), TCP, 80);
        runtime().block_on(async {
            let first = feed.next().await.unwrap();
            assert_eq!((first.address, first.ports.len()), (V4(1), 2));
            feed.put(V4(1), TCP, 443);
            assert_eq!(feed.next().await.unwrap().address, V4(2));
            feed.close();
            feed.done(V4(2));
            feed.done(V4(1));
            let again = feed.next().await.unwrap();
            assert_eq!((again.address, again.ports), (V4(1), vec![(TCP, 443)]));
            feed.done(V4(1));
            assert_eq!(feed.next().await, None);
        });
    }

    #[test]
    fn a_port_that_waits_is_not_put_in_twice() {
        let feed = Feed::new(2);
        assert!(feed.put(V4(1), TCP, 80) && feed.put(V4(1), TCP, 22));
        assert!(feed.put(V4(1), TCP, 80), "there is no room, and none is needed");
        assert_eq!(feed.counts(), FeedCounts { taken: 2, waiting: 2, asked: 0, dropped: 0 });
        runtime().block_on(async {
            assert_eq!(feed.next().await.unwrap().ports, vec![(TCP, 80), (TCP, 22)]);
            assert!(feed.put(V4(1), TCP, 80) && feed.put(V4(1), Transport::Udp, 80), "they wait no longer, or did not");
            feed.done(V4(1));
            assert_eq!(feed.next().await.unwrap().ports, vec![(TCP, 80), (Transport::Udp, 80)]);
        });
        assert_eq!(feed.counts(), FeedCounts { taken: 4, waiting: 0, asked: 4, dropped: 0 });
    }

    #[test]
    fn what_finds_it_full_is_counted() {
        let feed = Feed::new(2);
        let taken = [0, 1, 2, 3, 4].map(|address| feed.put(V4(address), TCP, 80));
        assert_eq!(taken, [true, true, false, false, false]);
        assert_eq!(feed.counts(), FeedCounts { taken: 5, waiting: 2, asked: 0, dropped: 3 });
        runtime().block_on(feed.next());
        feed.put(V4(9), TCP, 80);
        feed.close();
        feed.put(V4(10), TCP, 80);
        assert_eq!(feed.counts(), FeedCounts { taken: 7, waiting: 2, asked: 1, dropped: 4 });
    }
}
