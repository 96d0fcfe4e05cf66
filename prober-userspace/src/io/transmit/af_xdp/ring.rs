//! Frame memory (UMEM) and the rings that pass frames to the kernel and back. A frame is a token that moves: whoever
//! has it may write it, and using it twice does not compile.
#![allow(unsafe_code, reason = "memory shared with the kernel; see the comment at each block")]

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::io::sys::Mapping;

/// Frames in all; a power of two, and the length of every ring.
pub const FRAMES: usize = 256;
/// Bytes per frame; the kernel takes 2,048 or 4,096.
pub const FRAME_LEN: usize = 2048;

/// A frame that belongs to us. Not `Clone`: it is given to the kernel by value and comes back by value.
#[derive(Debug)]
pub struct Frame(u32);

impl Frame {
    /// Its number.
    pub fn index(&self) -> usize {
        self.0 as usize
    }

    /// Its offset in the memory, as the kernel names it.
    pub(super) fn address(&self) -> u64 {
        u64::from(self.0) * FRAME_LEN as u64
    }

    /// The frame that the kernel gives back. Only for addresses from a completion ring.
    pub(super) fn returned(address: u64) -> Self {
        Self((address / FRAME_LEN as u64) as u32)
    }
}

/// The memory of all frames.
pub struct FrameMemory {
    mapping: Mapping,
    taken: bool,
}

impl FrameMemory {
    /// Zeroed frames.
    pub fn new() -> io::Result<Self> {
        Ok(Self { mapping: Mapping::anonymous(FRAMES * FRAME_LEN)?, taken: false })
    }

    /// All frames, once; empty afterwards.
    pub fn take_all(&mut self) -> Vec<Frame> {
        if std::mem::replace(&mut self.taken, true) { Vec::new() } else { (0..FRAMES as u32).map(Frame).collect() }
    }

    /// The bytes of a frame that is ours.
    #[inline]
    pub fn frame_mut(&mut self, frame: &Frame) -> &mut [u8] {
        // SAFETY: the index is below `FRAMES` by construction; the token proves that the kernel does not have it.
        unsafe {
            std::slice::from_raw_parts_mut(self.mapping.start().as_ptr().add(frame.address() as usize), FRAME_LEN)
        }
    }

    /// Where the memory lies, for registration.
    pub(super) fn region(&self) -> (u64, u64) {
        (self.mapping.start().as_ptr() as u64, self.mapping.len() as u64)
    }
}

/// Offsets of a ring's parts in its mapping, as the kernel reports them.
#[derive(Clone, Copy, Debug, Default)]
pub struct RingOffsets {
    /// Of the producer's position.
    pub producer: usize,
    /// Of the consumer's position.
    pub consumer: usize,
    /// Of the flags.
    pub flags: usize,
    /// Of the entries.
    pub entries: usize,
}

/// A ring of `T` with [`FRAMES`] entries, one side of it ours.
pub struct Ring<T> {
    mapping: Mapping,
    offsets: RingOffsets,
    /// Our position: what we have filled (transmit) or emptied (completion).
    position: u32,
    entries: NonNull<T>,
}

// SAFETY: the mapping is owned; the ring is used from one thread at a time.
unsafe impl<T> Send for Ring<T> {}

impl<T: Copy> Ring<T> {
    /// A ring in this mapping, which the kernel made with at least [`FRAMES`] entries after `offsets.entries`.
    pub fn new(mapping: Mapping, offsets: RingOffsets) -> Self {
        debug_assert!(offsets.entries + FRAMES * size_of::<T>() <= mapping.len());
        // SAFETY: the offset is inside the mapping.
        let entries = unsafe { mapping.start().add(offsets.entries) }.cast();
        Self { mapping, offsets, position: 0, entries }
    }

    /// Fills the next entry; there is always room, because there are as many entries as frames.
    #[inline]
    pub fn put(&mut self, entry: T) {
        // SAFETY: masked, hence inside; the kernel reads it only after `publish`.
        unsafe { self.entries.add(self.position as usize & (FRAMES - 1)).write(entry) };
        self.position = self.position.wrapping_add(1);
    }

    /// Shows the filled entries to the kernel.
    #[inline]
    pub fn publish(&self) {
        self.word(self.offsets.producer).store(self.position, Ordering::Release);
    }

    /// Whether the kernel has taken everything that was published.
    #[inline]
    pub fn is_drained(&self) -> bool {
        self.word(self.offsets.consumer).load(Ordering::Acquire) == self.position
    }

    /// Whether the kernel wants to be kicked.
    #[inline]
    pub fn needs_wakeup(&self) -> bool {
        const XDP_RING_NEED_WAKEUP: u32 = 1;
        self.word(self.offsets.flags).load(Ordering::Relaxed) & XDP_RING_NEED_WAKEUP != 0
    }

    /// Empties what the kernel has produced, in order.
    #[inline]
    pub fn take_all(&mut self, mut taken: impl FnMut(T)) {
        let produced = self.word(self.offsets.producer).load(Ordering::Acquire);
        while self.position != produced {
            // SAFETY: masked, hence inside; the kernel wrote it before it moved `producer`.
            taken(unsafe { self.entries.add(self.position as usize & (FRAMES - 1)).read() });
            self.position = self.position.wrapping_add(1);
        }
        self.word(self.offsets.consumer).store(self.position, Ordering::Release);
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: the kernel placed an aligned 32-bit word there; it is shared, hence atomic.
        unsafe { AtomicU32::from_ptr(self.mapping.start().add(offset).cast().as_ptr()) }
    }
}
