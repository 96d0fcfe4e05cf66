//! Maps and entry points.

use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_RB_NO_WAKEUP, xdp_action},
    helpers::{bpf_ktime_get_ns, bpf_xdp_adjust_meta, bpf_xdp_load_bytes},
    macros::{map, xdp},
    maps::{Array, PerCpuArray, RingBuf},
    programs::XdpContext,
};
use prober_common::lab::{
    Arrival, BARE_FRAMES, BareFrame, CAPTURE_LEN, FLAG_TALK, LabCounts, LabRules, population_hash,
};

use crate::{
    account::{Role, account, opaque},
    answer::{Reflection, echo_reply, syn_answer},
    packet::{Kind, Packet},
};

#[map]
static LAB_RULES: Array<LabRules> = Array::with_max_entries(1, 0);
#[map]
static LAB_COUNTS: PerCpuArray<LabCounts> = PerCpuArray::with_max_entries(1, 0);
/// One counter per (address, port); user space sets the size and reads it through memory.
#[map]
pub static LAB_CELLS: Array<u64> = Array::with_max_entries(1, BPF_F_MMAPABLE);
/// One counter per time bucket; sized and read likewise.
#[map]
pub static LAB_ARRIVALS: Array<u64> = Array::with_max_entries(1, BPF_F_MMAPABLE);
/// What the bare loop of live frames sends.
#[map]
static LAB_BARE_FRAMES: Array<BareFrame> = Array::with_max_entries(BARE_FRAMES, 0);
/// Frames that it has sent.
#[map]
static LAB_BARE_TURN: PerCpuArray<u32> = PerCpuArray::with_max_entries(1, 0);
#[map]
static LAB_EVENTS: RingBuf = RingBuf::with_byte_size(4096, 0);

/// Metadata in front of the frames of the bare loop.
const META_LEN: usize = 8;

/// Answers probes to a seeded choice of addresses at line rate; drops the rest.
#[xdp]
pub fn lab_reflector(ctx: XdpContext) -> u32 {
    run(&ctx, Role::Reflector)
}

/// Counts every frame and drops it.
#[xdp]
pub fn lab_counter(ctx: XdpContext) -> u32 {
    run(&ctx, Role::Counter)
}

/// Drops what nobody lives at, hands the rest with its arrival time to the emulated world.
#[xdp]
pub fn lab_world(ctx: XdpContext) -> u32 {
    run(&ctx, Role::World)
}

/// Passes everything: an end of a veth pair without a program receives no frame that the other end's program sends.
#[xdp]
pub fn lab_pass(_ctx: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}

/// The bare loop of live frames: sends the constant frames in turn, and drops what the wire brings. Frames to send are
/// those with metadata in front. Each is written anew, since pages come back as the far end left them.
#[xdp]
pub fn lab_bare(ctx: XdpContext) -> u32 {
    if ctx.metadata() + META_LEN > ctx.data() {
        return xdp_action::XDP_DROP;
    }
    // SAFETY: the helper checks the length; every pointer made before is dead after it.
    if unsafe { bpf_xdp_adjust_meta(ctx.ctx, META_LEN as i32) } != 0 {
        return xdp_action::XDP_DROP;
    }
    let Some(turn) = LAB_BARE_TURN.get_ptr_mut(0) else { return xdp_action::XDP_DROP };
    // SAFETY: the entry is this CPU's own, and an XDP program is not interrupted by itself.
    let frame = unsafe {
        *turn += 1;
        LAB_BARE_FRAMES.get(*turn & (BARE_FRAMES - 1))
    };
    let (Some(frame), start) = (frame, ctx.data()) else { return xdp_action::XDP_DROP };
    if start + size_of::<BareFrame>() > ctx.data_end() {
        return xdp_action::XDP_DROP;
    }
    // SAFETY: the check above; BPF has no alignment to keep.
    unsafe { *(start as *mut BareFrame) = *frame };
    xdp_action::XDP_TX
}

#[inline(always)]
fn run(ctx: &XdpContext, role: Role) -> u32 {
    let (Some(rules), Some(counts)) = (LAB_RULES.get(0), LAB_COUNTS.get_ptr_mut(0)) else {
        return xdp_action::XDP_ABORTED;
    };
    // SAFETY: the entry is this CPU's own, and an XDP program is not interrupted by itself.
    let counts = unsafe { &mut *counts };
    let Some(packet) = account(ctx, rules, counts) else {
        return xdp_action::XDP_DROP;
    };
    match role {
        _ if packet.kind == Kind::ForKernel => xdp_action::XDP_PASS,
        Role::Counter => xdp_action::XDP_DROP,
        Role::Reflector => reflect(&packet, rules, counts),
        Role::World => deliver(ctx, &packet, rules, counts),
    }
}

#[inline(always)]
fn reflect(packet: &Packet, rules: &LabRules, counts: &mut LabCounts) -> u32 {
    let hash = population_hash(rules.seed, packet.destination);
    let sent = match packet.kind {
        Kind::Syn if hash < rules.answer_below => {
            counts.syn_ack_sent += 1;
            syn_answer(packet, Reflection::SynAck, hash)
        }
        Kind::Syn if hash < rules.refuse_below => {
            counts.rst_sent += 1;
            syn_answer(packet, Reflection::Rst, hash)
        }
        Kind::Echo if hash < rules.answer_below => {
            counts.echo_reply_sent += 1;
            echo_reply(packet)
        }
        _ => None,
    };
    if sent.is_some() { xdp_action::XDP_TX } else { xdp_action::XDP_DROP }
}

#[inline(always)]
fn deliver(ctx: &XdpContext, packet: &Packet, rules: &LabRules, counts: &mut LabCounts) -> u32 {
    let is_heard = match packet.kind {
        Kind::Syn | Kind::Echo | Kind::Udp => true,
        Kind::TcpOther => rules.flags & FLAG_TALK != 0,
        _ => false,
    };
    if !is_heard {
        return xdp_action::XDP_DROP;
    }
    if population_hash(rules.seed, packet.destination) >= rules.answer_below {
        counts.unpopulated += 1;
        return xdp_action::XDP_DROP;
    }
    // SAFETY: reads a clock.
    let at_ns = unsafe { bpf_ktime_get_ns() };
    let Some(mut entry) = LAB_EVENTS.reserve::<Arrival>(0) else {
        counts.arrivals_lost += 1;
        return xdp_action::XDP_DROP;
    };
    let frame_len = opaque(packet.len);
    // Never 0, as parsed; the verifier wants to read it.
    let captured = frame_len.clamp(1, CAPTURE_LEN) as u32;
    let arrival = entry.as_mut_ptr();
    // SAFETY: the ring's memory is `Arrival`-sized and ours until it is submitted; stale bytes after `captured` are
    // not read. The helper checks the frame's bounds.
    let loaded = unsafe {
        (*arrival).at_ns = at_ns;
        (*arrival).frame_len = frame_len as u32;
        (*arrival).captured = captured;
        bpf_xdp_load_bytes(ctx.ctx, 0, (&raw mut (*arrival).data).cast(), captured)
    };
    if loaded == 0 {
        counts.arrivals += 1;
        // The world polls: a wake-up per frame would cost more than the frame.
        entry.submit(BPF_RB_NO_WAKEUP as u64);
    } else {
        counts.truncated += 1;
        entry.discard(BPF_RB_NO_WAKEUP as u64);
    }
    xdp_action::XDP_DROP
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
