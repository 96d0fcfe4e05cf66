//! How many packets grabbing costs, as the kernel counts them for each connection: the segments of TCP connections that came
//! about, but for those after closing; for others a SYN and its refusal; datagrams.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use super::sys::tcp_segments;

/// Sums over all connections.
#[derive(Debug, Default)]
pub struct Packets {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Packets {
    /// Adds some.
    pub fn add(&self, sent: u64, received: u64) {
        self.sent.fetch_add(sent, Ordering::Relaxed);
        self.received.fetch_add(received, Ordering::Relaxed);
    }

    /// Sent and received so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.received.load(Ordering::Relaxed))
    }

    /// Counts a connection's when what is returned is dropped; that keeps the connection open.
    pub fn of(&self, connection: impl AsFd) -> Option<Counting<'_>> {
        let socket = connection.as_fd().try_clone_to_owned().ok()?;
        Some(Counting { socket, packets: self })
    }
}

/// A connection under count.
#[derive(Debug)]
pub struct Counting<'p> {
    socket: OwnedFd,
    packets: &'p Packets,
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        if let Some((sent, received)) = tcp_segments(&self.socket) {
            self.packets.add(sent.into(), received.into());
        }
    }
}
