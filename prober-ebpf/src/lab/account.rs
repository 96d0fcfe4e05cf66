//! Counting: the part of every role that makes the far end an independent witness.

use core::arch::asm;

use aya_ebpf::{helpers::bpf_ktime_get_ns, programs::XdpContext};
use prober_common::lab::{
    ARRIVAL_BUCKET_SHIFT, ARRIVAL_BUCKETS, CELL_PORTS, FLAG_ARRIVALS, FLAG_CELLS, FLAG_VERIFY, LabCounts, LabRules,
    PASS_PREFIXES,
};

use crate::{
    packet::{IPV4_LEN, Kind, Packet, be16, byte},
    programs::{LAB_ARRIVALS, LAB_CELLS},
};

pub enum Role {
    Reflector,
    Counter,
    World,
}

/// 16-bit words of a transport segment that are summed at most: all of a probe of 552 bytes or less.
const SUM_WORDS: usize = 256;

/// Counts the frame; `None` if it is not worth answering.
#[inline(always)]
pub fn account(ctx: &XdpContext, rules: &LabRules, counts: &mut LabCounts) -> Option<Packet> {
    let mut packet = Packet::parse(ctx);
    counts.frames += 1;
    counts.bytes += packet.len as u64;
    if packet.kind != Kind::ForKernel && packet.kind != Kind::Truncated && is_passed(rules, &packet) {
        packet.kind = Kind::ForKernel;
    }
    if rules.flags & FLAG_VERIFY != 0 && is_verifiable(packet.kind) && !verifies(&packet) {
        counts.bad_checksum += 1;
        return None;
    }
    match packet.kind {
        Kind::ForKernel => counts.passed += 1,
        Kind::Syn => counts.syn += 1,
        Kind::Rst => counts.rst += 1,
        Kind::TcpOther => counts.tcp_other += 1,
        Kind::Echo => counts.echo += 1,
        Kind::IcmpOther => counts.icmp_other += 1,
        Kind::Udp => counts.udp += 1,
        Kind::Other => counts.other += 1,
        Kind::Truncated => {
            counts.truncated += 1;
            return None;
        }
    }
    if matches!(packet.kind, Kind::Syn | Kind::Echo | Kind::Udp) {
        if rules.flags & FLAG_CELLS != 0 && count_cell(rules, &packet).is_none() {
            counts.outside_cells += 1;
        }
        if rules.flags & FLAG_ARRIVALS != 0 {
            count_arrival();
        }
    }
    Some(packet)
}

#[inline(always)]
fn is_passed(rules: &LabRules, packet: &Packet) -> bool {
    let mut i = 0;
    while i < PASS_PREFIXES {
        if i < rules.pass_count as usize && rules.pass[i].contains(packet.destination) {
            return true;
        }
        i += 1;
    }
    false
}

#[inline(always)]
fn is_verifiable(kind: Kind) -> bool {
    !matches!(kind, Kind::ForKernel | Kind::Other | Kind::Truncated)
}

#[inline(always)]
fn count_cell(rules: &LabRules, packet: &Packet) -> Option<()> {
    let offset = packet.destination.0.wrapping_sub(rules.cell_base.0);
    if offset >= rules.cell_addresses {
        return None;
    }
    let mut i = 0;
    while i < CELL_PORTS {
        if i < rules.cell_port_count as usize && rules.cell_ports[i] == packet.port {
            let index = offset * rules.cell_port_count + i as u32;
            return add_one(LAB_CELLS.get_ptr_mut(index)?);
        }
        i += 1;
    }
    None
}

#[inline(always)]
fn count_arrival() {
    // SAFETY: reads a clock.
    let bucket = (unsafe { bpf_ktime_get_ns() } >> ARRIVAL_BUCKET_SHIFT) as u32 & (ARRIVAL_BUCKETS - 1);
    if let Some(cell) = LAB_ARRIVALS.get_ptr_mut(bucket) {
        add_one(cell);
    }
}

#[inline(always)]
fn add_one(cell: *mut u64) -> Option<()> {
    // The target has the instruction, but `core` offers only loads and stores for it.
    // SAFETY: an aligned map value that lives as long as the map; other CPUs add to it atomically too.
    unsafe { asm!("lock *(u64 *)({cell} + 0) += {one}", cell = in(reg) cell, one = in(reg) 1u64) };
    Some(())
}

/// Whether the checksums of IPv4 header and transport are right.
#[inline(always)]
fn verifies(packet: &Packet) -> bool {
    sums_up(packet).is_some_and(|ok| ok)
}

#[inline(always)]
fn sums_up(packet: &Packet) -> Option<bool> {
    let (ip, end) = (packet.ip, packet.end);
    let mut header = 0u32;
    let mut offset = 0;
    while offset < IPV4_LEN {
        header += be16(ip, offset, opaque(end))? as u32;
        offset += 2;
    }
    let length = (be16(ip, 2, end)? as usize).wrapping_sub(IPV4_LEN);
    if length > SUM_WORDS * 2 {
        return Some(false);
    }
    let protocol = byte(ip, 9, end)?;
    let l4 = ip.wrapping_add(IPV4_LEN);
    if protocol == 17 && be16(l4, 6, end)? == 0 {
        // No checksum (RFC 768).
        return Some(fold(header) == 0xffff);
    }
    // The pseudo header (RFC 9293, 3.1); ICMP has none.
    let mut sum = 0u32;
    if protocol != 1 {
        sum += protocol as u32 + length as u32;
        offset = 12;
        while offset < IPV4_LEN {
            sum += be16(ip, offset, opaque(end))? as u32;
            offset += 2;
        }
    }
    let mut word = 0;
    while word < SUM_WORDS {
        let at = word * 2;
        if at + 1 >= length {
            break;
        }
        sum += be16(l4, at, opaque(end))? as u32;
        word += 1;
    }
    if length & 1 == 1 {
        sum += (byte(l4, (length - 1) & 0x1ff, opaque(end))? as u32) << 8;
    }
    Some(fold(header) == 0xffff && fold(sum) == 0xffff)
}

/// The same value, but the compiler does not know: it would turn `at + 2 > end` in a loop into arithmetic on `end`, or a
/// comparison of lengths into one of pointers, and the verifier cannot follow.
#[inline(always)]
pub fn opaque<T: Copy>(mut value: T) -> T {
    // SAFETY: no instruction at all; `T` is a pointer or a number of a register's size.
    unsafe { asm!("/* {0} */", inout(reg) * (&raw mut value).cast::<u64>(), options(nostack, preserves_flags)) };
    value
}

#[inline(always)]
pub fn fold(sum: u32) -> u16 {
    let once = (sum & 0xffff) + (sum >> 16);
    ((once & 0xffff) + (once >> 16)) as u16
}
