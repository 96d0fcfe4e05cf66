//! The XDP program: maps, entry point and the bounds-checked packet pointer; nothing else. What a reply is and how a
//! probe is written stands in `prober-common`. On the host this builds to an empty `main`.

#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", no_main)]

#[cfg(target_arch = "bpf")]
mod frame;
#[cfg(target_arch = "bpf")]
mod live;
#[cfg(target_arch = "bpf")]
mod maps;
#[cfg(target_arch = "bpf")]
mod receive;

#[cfg(not(target_arch = "bpf"))]
fn main() {}

/// The one entry point. Receiving and live sending share a program because the kernel takes an RCU grace period for
/// each `BPF_PROG_TEST_RUN` of an XDP program that is not attached anywhere, and none for one that is.
#[cfg(target_arch = "bpf")]
#[aya_ebpf::macros::xdp]
pub fn prober(ctx: aya_ebpf::programs::XdpContext) -> u32 {
    let Some(rules) = maps::RULES.get(0) else { return aya_ebpf::bindings::xdp_action::XDP_PASS };
    if let Some(queue) = live::queue_of(&ctx, rules) {
        return live::send(&ctx, queue);
    }
    receive::receive(&ctx, rules)
}

/// The verifier rejects a loop that a panic could reach, so nothing here can panic.
#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[cfg(target_arch = "bpf")]
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
