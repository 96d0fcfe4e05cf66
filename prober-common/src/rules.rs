//! What the receive program needs to know of the running scan; one entry of a kernel map.

use crate::address::V4;
use crate::cookie::Key;

/// Answer an accepted SYN-ACK with an RST by `XDP_TX`. Without it the frame goes up and the kernel's own TCP sends the
/// RST (needed where the driver cannot transmit from XDP).
pub const FLAG_RST_BY_XDP: u32 = 1;
/// Log accepted replies through aya-log, for debugging.
pub const FLAG_LOG: u32 = 2;

/// Rules of one scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Rules {
    /// The scan's secret.
    pub key: Key,
    /// Our source address: only frames to it can be replies.
    pub source: V4,
    /// Replies older than this many ticks are refused; at most [`crate::stamp::WINDOW_TICKS`] - 1.
    pub max_age_ticks: u32,
    /// `FLAG_*`.
    pub flags: u32,
    /// Keeps the size a multiple of eight.
    pub reserved: u32,
    /// The number in a live frame's metadata that makes the program send instead of receive; 0 never does.
    pub live_pass: u64,
}

const _: () = assert!(size_of::<Rules>() == 40);
