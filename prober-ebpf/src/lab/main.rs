//! The lab's XDP programs: reflector, independent counter, and the filter in front of the emulated world. They run at
//! the far end of the wire and share nothing with the prober's own program but the types in `prober_common::lab`.
//! On the host this builds to nothing.
#![cfg_attr(target_arch = "bpf", no_std, no_main, feature(asm_experimental_arch))]

#[cfg(target_arch = "bpf")]
mod account;
#[cfg(target_arch = "bpf")]
mod answer;
#[cfg(target_arch = "bpf")]
mod packet;
#[cfg(target_arch = "bpf")]
mod programs;

#[cfg(not(target_arch = "bpf"))]
fn main() {}
