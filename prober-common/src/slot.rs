//! One planned probe on its way from the planner to the wire.

use crate::address::V4;

/// A probe to be written: 8 bytes, shared with the kernel when it writes the frames itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct ProbeSlot {
    /// Whom to probe.
    pub address: V4,
    /// On which port; 0 for ICMP echo.
    pub port: u16,
    /// [`crate::event::ProbeKind`] as its number.
    pub probe: u8,
    /// Index of the frame template, filled in by the transmit engine (0 until then).
    pub template: u8,
}

const _: () = assert!(size_of::<ProbeSlot>() == 8 && align_of::<ProbeSlot>() == 4);
