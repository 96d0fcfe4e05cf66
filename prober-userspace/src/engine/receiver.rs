//! The receive thread: moves accepted replies from the kernel's ring to the writer's queue. It drops nothing: if the
//! writer is behind it waits, the ring fills, and what does not fit there is counted by the kernel.

use std::sync::Arc;
use std::time::Duration;

use prober_common::event::ReplyEvent;
use ringbuf::HeapProd;
use ringbuf::traits::Producer;

use super::shared::Switches;
use crate::io::xdp::ReplyRing;

/// Sleep when there is nothing: the kernel's ring holds seconds, and replies carry their own time.
const IDLE: Duration = Duration::from_millis(1);
/// Replies moved together.
const CHUNK: usize = 256;

/// Runs until told to stop, then drains once more. Returns how many replies it moved.
pub fn run(mut ring: ReplyRing, mut queue: HeapProd<ReplyEvent>, switches: &Arc<Switches>) -> u64 {
    let mut moved = 0;
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        // Read before draining, so that what came in before the switch is drained.
        let last_round = switches.receiving_stopped();
        loop {
            while chunk.len() < CHUNK
                && let Some(event) = ring.take()
            {
                chunk.push(event);
            }
            if chunk.is_empty() {
                break;
            }
            moved += chunk.len() as u64;
            push_all(&mut queue, &mut chunk);
        }
        if last_round {
            return moved;
        }
        std::thread::sleep(IDLE);
    }
}

fn push_all(queue: &mut HeapProd<ReplyEvent>, chunk: &mut Vec<ReplyEvent>) {
    let mut pushed = queue.push_slice(chunk);
    while pushed < chunk.len() {
        std::thread::sleep(IDLE);
        pushed += queue.push_slice(&chunk[pushed..]);
    }
    chunk.clear();
}
