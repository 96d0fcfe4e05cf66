//! The packet pointer: every access is checked against the end of the packet, which is what the verifier wants to see.
//!
//! Headers are not aligned. The accesses are plain loads and stores all the same: BPF machine code has no others, and
//! the kernel allows them where the processor does (elsewhere the verifier refuses the program), while the compiler's
//! notion of an unaligned access is byte by byte, at four times the cost.

use core::hint::black_box;

use aya_ebpf::programs::XdpContext;
use prober_common::wire::{Frame, FrameMut};

/// No header that we read starts beyond this: two IPv4 headers with all options, an ICMP header and a UDP payload's start.
/// A bound lets the verifier follow offsets that depend on the packet.
const OFFSET_MAX: usize = 0x1ff;

/// A received or outgoing packet.
pub struct Packet {
    data: usize,
    end: usize,
}

impl Packet {
    /// The packet of this run.
    #[inline(always)]
    pub fn new(ctx: &XdpContext) -> Self {
        Self { data: ctx.data(), end: ctx.data_end() }
    }

    #[inline(always)]
    fn at<T>(&self, offset: usize) -> Option<*mut T> {
        if offset > OFFSET_MAX {
            return None;
        }
        // Opaque, so that every access keeps its own check: one derived by the compiler from another access's check, on a
        // pointer computed anew, is a pointer that the verifier knows nothing about.
        let start = black_box(self.data + offset);
        let mut end = start + size_of::<T>();
        if size_of::<T>() == 1 {
            // Else the compiler compares `start >= self.end`, from which the verifier learns nothing.
            end = black_box(end);
        }
        if end > self.end {
            return None;
        }
        Some(start as *mut T)
    }

    /// Copies `N` bytes from `source` to the packet's start; `None` if the packet is shorter.
    #[inline(always)]
    pub fn copy_words(&mut self, source: &[u64], words: usize) -> Option<()> {
        let mut i = 0;
        while i < words && i < source.len() {
            let to = self.at::<u64>(i * 8)?;
            // SAFETY: `at` checked that eight bytes lie inside the packet; alignment: see the module.
            unsafe { *to = source[i] };
            i += 1;
        }
        Some(())
    }
}

impl Frame for Packet {
    #[inline(always)]
    fn len(&self) -> usize {
        // Opaque to the compiler: it would infer bounds checks from the length and drop them, and the verifier does not
        // follow that reasoning.
        black_box(self.end - self.data)
    }
    #[inline(always)]
    fn u8(&self, offset: usize) -> Option<u8> {
        // SAFETY: `at` checked the bounds; alignment: see the module.
        Some(unsafe { *self.at::<u8>(offset)? })
    }
    #[inline(always)]
    fn u16(&self, offset: usize) -> Option<u16> {
        // SAFETY: `at` checked the bounds; alignment: see the module.
        Some(u16::from_be(unsafe { *self.at::<u16>(offset)? }))
    }
    #[inline(always)]
    fn u32(&self, offset: usize) -> Option<u32> {
        // SAFETY: `at` checked the bounds; alignment: see the module.
        Some(u32::from_be(unsafe { *self.at::<u32>(offset)? }))
    }
}

impl FrameMut for Packet {
    #[inline(always)]
    fn put_u8(&mut self, offset: usize, value: u8) -> Option<()> {
        // SAFETY: `at` checked the bounds; alignment: see the module.
        unsafe { *self.at::<u8>(offset)? = value };
        Some(())
    }
    #[inline(always)]
    fn put_u16(&mut self, offset: usize, value: u16) -> Option<()> {
        // SAFETY: `at` checked the bounds; alignment: see the module.
        unsafe { *self.at::<u16>(offset)? = value.to_be() };
        Some(())
    }
    #[inline(always)]
    fn put_u32(&mut self, offset: usize, value: u32) -> Option<()> {
        // SAFETY: `at` checked the bounds; alignment: see the module.
        unsafe { *self.at::<u32>(offset)? = value.to_be() };
        Some(())
    }
}
