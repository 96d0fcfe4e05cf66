//! Turning a probe into its answer, in place. A SYN's answer is written whole (20 bytes of TCP, with the MSS option 24);
//! what the probe had beyond that stays behind as Ethernet padding, which a real wire has too.

use crate::{
    account::fold,
    packet::{IPV4_LEN, Packet, be16, be32, byte},
};

const TTL: u8 = 57;
const WINDOW: u16 = 65_160;
const MSS_OPTION: u32 = 0x0204_05b4;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reflection {
    SynAck,
    Rst,
}

/// SYN-ACK with `sequence` as the initial sequence number, or RST-ACK with none.
#[inline(always)]
pub fn syn_answer(packet: &Packet, reflection: Reflection, sequence: u32) -> Option<()> {
    let (ip, end) = (packet.ip, packet.end);
    let l4 = ip.wrapping_add(IPV4_LEN);
    let with_option = reflection == Reflection::SynAck && byte(l4, 12, end)? >> 4 > 5;
    let (sequence, flags, window) = match reflection {
        Reflection::SynAck => (sequence, 0x12u16, WINDOW),
        Reflection::Rst => (0, 0x14, 0),
    };
    let acknowledged = be32(l4, 4, end)?.wrapping_add(1);
    let (ours, theirs) = (be16(l4, 2, end)?, be16(l4, 0, end)?);
    let (length, offset) = if with_option { (24u16, 0x6000u16) } else { (20, 0x5000) };
    put16(l4, 0, ours, end)?;
    put16(l4, 2, theirs, end)?;
    put32(l4, 4, sequence, end)?;
    put32(l4, 8, acknowledged, end)?;
    put16(l4, 12, offset | flags, end)?;
    put16(l4, 14, window, end)?;
    put16(l4, 18, 0, end)?;
    let mut sum = words(sequence) + words(acknowledged) + (offset | flags) as u32 + window as u32;
    sum += ours as u32 + theirs as u32 + 6 + length as u32;
    if with_option {
        put32(l4, 20, MSS_OPTION, end)?;
        sum += words(MSS_OPTION);
    }
    sum += words(be32(ip, 12, end)?) + words(be32(ip, 16, end)?);
    put16(l4, 16, !fold(sum), end)?;
    turn_around(packet, IPV4_LEN as u16 + length)
}

/// Echo reply with everything the request carried.
#[inline(always)]
pub fn echo_reply(packet: &Packet) -> Option<()> {
    let (ip, end) = (packet.ip, packet.end);
    let l4 = ip.wrapping_add(IPV4_LEN);
    put16(l4, 0, be16(l4, 0, end)? & 0xff, end)?;
    // Type 8 becomes 0: the sum loses 0x0800 (RFC 1624).
    let sum = !be16(l4, 2, end)? as u32 + !0x0800u16 as u32;
    put16(l4, 2, !fold(sum), end)?;
    let length = be16(ip, 2, end)?;
    turn_around(packet, length)
}

/// Swaps MAC and IP addresses and writes length, TTL and checksum of the IP header.
#[inline(always)]
fn turn_around(packet: &Packet, length: u16) -> Option<()> {
    let (ethernet, ip, end) = (packet.ethernet, packet.ip, packet.end);
    let (to_high, to_low) = (be32(ethernet, 0, end)?, be16(ethernet, 4, end)?);
    let (from_high, from_low) = (be32(ethernet, 6, end)?, be16(ethernet, 10, end)?);
    put32(ethernet, 0, from_high, end)?;
    put16(ethernet, 4, from_low, end)?;
    put32(ethernet, 6, to_high, end)?;
    put16(ethernet, 10, to_low, end)?;

    let (source, destination) = (be32(ip, 12, end)?, be32(ip, 16, end)?);
    let life = (TTL as u16) << 8 | byte(ip, 9, end)? as u16;
    put32(ip, 0, 0x4500_0000 | length as u32, end)?;
    put32(ip, 4, 0x0000_4000, end)?;
    put16(ip, 8, life, end)?;
    put32(ip, 12, destination, end)?;
    put32(ip, 16, source, end)?;
    let sum = 0x4500 + length as u32 + 0x4000 + life as u32 + words(source) + words(destination);
    put16(ip, 10, !fold(sum), end)
}

#[inline(always)]
fn words(long: u32) -> u32 {
    (long >> 16) + (long & 0xffff)
}

#[inline(always)]
fn put16(base: *mut u8, offset: usize, value: u16, end: *mut u8) -> Option<()> {
    let at = base.wrapping_add(offset);
    if at.wrapping_add(2) > end {
        return None;
    }
    // SAFETY: inside the frame, as just checked.
    unsafe { at.cast::<u16>().write_unaligned(value.to_be()) };
    Some(())
}

#[inline(always)]
fn put32(base: *mut u8, offset: usize, value: u32, end: *mut u8) -> Option<()> {
    let at = base.wrapping_add(offset);
    if at.wrapping_add(4) > end {
        return None;
    }
    // SAFETY: inside the frame, as just checked.
    unsafe { at.cast::<u32>().write_unaligned(value.to_be()) };
    Some(())
}
