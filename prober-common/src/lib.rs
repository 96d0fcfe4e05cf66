//! What both sides of the kernel boundary need: wire offsets, checksums, the stateless token that makes a probe
//! recognise and time its own reply, the probe kinds, and the verdict on a received frame.
//!
//! Pure, `no_std`, without features and without `unsafe`: the host tests the very code that the kernel runs.
//! Maps, entry points and packet pointers live in `prober-ebpf`; sockets and clocks in `prober-userspace`.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod address;
pub mod checksum;
pub mod cookie;
pub mod counter;
pub mod event;
pub mod lab;
pub mod live;
pub mod probe;
pub mod rules;
pub mod slot;
pub mod stamp;
pub mod template;
#[cfg(test)]
mod tests;
pub mod verdict;
pub mod wire;
