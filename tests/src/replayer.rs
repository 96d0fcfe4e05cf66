//! An attacker on the path who keeps genuine answers and sends them again. He hears what leaves the far side through its
//! kernel: answers of the emulated world, the real servers and the gateway, not those that the reflector sends from XDP.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};

use crate::{frame::Received, namespace::Namespace, sys, wire};

/// `sll_pkttype` of a frame sent from here.
const OUTGOING: u8 = 4;
const EVERY_PROTOCOL: u16 = 3;

/// Listens until nothing for `to` has left for `quiet_ms`, or `most` frames are kept.
pub struct Replayer {
    socket: sys::FrameSocket,
}

impl Replayer {
    /// Begins to listen at `world`'s end of the wire.
    pub fn listen(world: &Namespace) -> Result<Self> {
        let open = || sys::FrameSocket::open(sys::interface_index(wire::FAR)?, EVERY_PROTOCOL, false);
        let socket = world.run(open)?.context("cannot open the replayer's packet socket")?;
        socket.set_receive_buffer(256 << 20).context("cannot enlarge the replayer's buffer")?;
        Ok(Self { socket })
    }

    /// The answers to `to` that left since [`Self::listen`], in order.
    pub fn heard(&self, to: Ipv4Addr, quiet_ms: u32, most: usize) -> Result<Vec<Vec<u8>>> {
        let mut buffer = [0; 2048];
        let mut heard = Vec::new();
        while heard.len() < most {
            let received = self.socket.receive(&mut buffer, quiet_ms as i32).context("the replayer cannot receive")?;
            let Some((frame, kind)) = received else { break };
            if kind == OUTGOING && Received::parse(frame).is_some_and(|packet| packet.envelope.to == to) {
                heard.push(frame.to_vec());
            }
        }
        Ok(heard)
    }
}

/// Sends frames out of `world`, all of them `times` times over.
pub fn replay(world: &Namespace, frames: &[Vec<u8>], times: u32) -> Result<u64> {
    let open = || sys::FrameSocket::open(sys::interface_index(wire::FAR)?, 0, true);
    let socket = world.run(open)?.context("cannot open the replayer's packet socket")?;
    let mut sent = 0;
    for _ in 0..times {
        for frame in frames {
            socket.send(frame).context("cannot send a frame again")?;
            sent += 1;
        }
    }
    Ok(sent)
}
