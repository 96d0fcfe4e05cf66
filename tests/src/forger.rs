//! An attacker at the far side who knows whom the prober probes, on which ports and from which range of source ports,
//! but not its key: sends forged answers as fast as the system allows.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use prober_common::lab::mix;
use serde::Serialize;

use crate::{
    frame::{self, ACK, Envelope, RST, SYN, Segment},
    namespace::Namespace,
    sys, wire,
};

/// What is forged.
#[derive(Clone, Debug)]
pub struct Forgery {
    /// How many frames.
    pub frames: u64,
    /// First of the addresses that they claim to come from.
    pub first: Ipv4Addr,
    /// How many addresses.
    pub addresses: u32,
    /// The ports that they claim to come from.
    pub ports: Vec<u16>,
    /// Whom they are sent to.
    pub to: Ipv4Addr,
    /// His MAC address.
    pub to_mac: [u8; 6],
    /// Decides the rest.
    pub seed: u64,
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forged {
    /// SYN-ACKs.
    pub syn_acks: u64,
    /// RSTs.
    pub rsts: u64,
    /// Echo replies.
    pub echo_replies: u64,
    /// Time it took, in ns.
    pub elapsed_ns: u64,
}

/// Sends the forgeries out of `world`.
pub fn forge(world: &Namespace, forgery: &Forgery) -> Result<Forged> {
    const BATCH: u64 = 64;
    ensure!(!forgery.ports.is_empty() && forgery.addresses > 0, "a forgery needs addresses and ports");
    let open = || sys::FrameSocket::open(sys::interface_index(wire::FAR)?, 0, true);
    let socket = world.run(open)?.context("cannot open the forger's packet socket")?;
    let mut frames = vec![Vec::with_capacity(64); BATCH as usize];
    let mut forged = Forged::default();
    let started = sys::monotonic_ns();
    let mut next = 0;
    while next < forgery.frames {
        let batch = (forgery.frames - next).min(BATCH) as usize;
        for (i, frame) in frames[..batch].iter_mut().enumerate() {
            write(frame, forgery, next + i as u64, &mut forged);
        }
        let mut sent = 0;
        while sent < batch {
            match socket.send_batch(&frames[sent..batch]) {
                Ok(count) => sent += count,
                // The receiver's queue is full: it needs the processor more than we do.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => std::thread::yield_now(),
                Err(error) => return Err(error).context("cannot send forged frames"),
            }
        }
        next += batch as u64;
    }
    forged.elapsed_ns = sys::monotonic_ns() - started;
    Ok(forged)
}

fn write(frame: &mut Vec<u8>, forgery: &Forgery, number: u64, forged: &mut Forged) {
    let chance = mix(forgery.seed ^ mix(number));
    let more = mix(chance);
    let from = Ipv4Addr::from(u32::from(forgery.first).wrapping_add((chance >> 32) as u32 % forgery.addresses));
    let envelope =
        Envelope { from_mac: [2, 0, 0, 0, 0, 9], to_mac: forgery.to_mac, vlan: None, from, to: forgery.to, ttl: 55 };
    let segment = Segment {
        from: forgery.ports[chance as usize % forgery.ports.len()],
        to: 0x8000 | (chance >> 16) as u16,
        sequence: (more >> 32) as u32,
        acknowledged: more as u32,
        ..Segment::default()
    };
    match number % 4 {
        0 | 1 => {
            forged.syn_acks += 1;
            frame::write_tcp(frame, &envelope, &Segment { flags: SYN | ACK, window: 65_160, ..segment });
        }
        2 => {
            forged.rsts += 1;
            frame::write_tcp(frame, &envelope, &Segment { sequence: 0, flags: RST | ACK, ..segment });
        }
        _ => {
            forged.echo_replies += 1;
            let rest = (more as u32 | 0x8000_0000).to_be_bytes();
            frame::write_icmp(frame, &envelope, 0, 0, rest, &mix(more).to_be_bytes());
        }
    }
}
