//! The AF_XDP socket: registration, rings, and the system call that makes the kernel send.
#![allow(unsafe_code, reason = "system calls; see the comment at each block")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use super::ring::{FRAME_LEN, FRAMES, Frame, FrameMemory, Ring, RingOffsets};
use crate::io::sys::Mapping;

/// `setsockopt` number of the most frames one send call may take, since Linux 6.17; not in the C library's headers yet.
const XDP_MAX_TX_SKB_BUDGET: i32 = 9;

/// A bound socket that only sends.
pub struct XskSocket {
    socket: OwnedFd,
    transmit: Ring<libc::xdp_desc>,
    completion: Ring<u64>,
    zero_copy: bool,
}

impl XskSocket {
    /// Opens a socket on a queue of an interface, without copying if the driver can.
    pub fn open(ifindex: u32, queue: u32, memory: &FrameMemory) -> io::Result<Self> {
        // SAFETY: plain system call.
        let fd = unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is fresh and owned by nobody else.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let (addr, len) = memory.region();
        // SAFETY: all zero is valid for this plain structure.
        let mut registration: libc::xdp_umem_reg = unsafe { std::mem::zeroed() };
        registration.addr = addr;
        registration.len = len;
        registration.chunk_size = FRAME_LEN as u32;
        set(&socket, libc::XDP_UMEM_REG, &registration)?;
        let entries = FRAMES as u32;
        // The kernel wants a fill ring even where nothing is received.
        set(&socket, libc::XDP_UMEM_FILL_RING, &entries)?;
        set(&socket, libc::XDP_UMEM_COMPLETION_RING, &entries)?;
        set(&socket, libc::XDP_TX_RING, &entries)?;
        // Older kernels do not know it and take 32 frames per call.
        let _ = set(&socket, XDP_MAX_TX_SKB_BUDGET, &entries);

        let offsets = ring_offsets(&socket)?;
        let transmit = map(&socket, offsets.tx, size_of::<libc::xdp_desc>(), libc::XDP_PGOFF_TX_RING)?;
        let completion = map(&socket, offsets.cr, size_of::<u64>(), libc::XDP_UMEM_PGOFF_COMPLETION_RING as i64)?;
        let zero_copy = bind_best(&socket, ifindex, queue)?;
        Ok(Self {
            socket,
            transmit: Ring::new(transmit, split(offsets.tx)),
            completion: Ring::new(completion, split(offsets.cr)),
            zero_copy,
        })
    }

    /// Whether the driver reads the frames itself.
    pub fn zero_copy(&self) -> bool {
        self.zero_copy
    }

    /// Gives a frame of `len` bytes to the kernel, with the next [`publish`](Self::publish).
    #[expect(clippy::needless_pass_by_value, reason = "the token moves: who gives a frame away cannot write it")]
    #[inline]
    pub fn put(&mut self, frame: Frame, len: usize) {
        self.transmit.put(libc::xdp_desc { addr: frame.address(), len: len as u32, options: 0 });
    }

    /// Shows the frames that were put to the kernel.
    #[inline]
    pub fn publish(&self) {
        self.transmit.publish();
    }

    /// Makes the kernel send what it was shown. One system call or a few; none if there is nothing to do.
    pub fn kick(&self) -> io::Result<()> {
        while !self.transmit.is_drained() && self.transmit.needs_wakeup() {
            // SAFETY: no buffer is passed.
            let sent = unsafe {
                libc::sendto(self.socket.as_raw_fd(), std::ptr::null(), 0, libc::MSG_DONTWAIT, std::ptr::null(), 0)
            };
            if sent >= 0 {
                continue;
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                // More frames than one call takes.
                Some(libc::EAGAIN) => {}
                // Nothing can be taken now; frames come back first.
                Some(libc::EBUSY | libc::ENOBUFS | libc::EINTR) => return Ok(()),
                _ => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes back the frames that the kernel is done with.
    #[inline]
    pub fn reclaim(&mut self, free: &mut Vec<Frame>) {
        self.completion.take_all(|address| free.push(Frame::returned(address)));
    }
}

/// Binds without copying, else with; returns whether it is without.
fn bind_best(socket: &OwnedFd, ifindex: u32, queue: u32) -> io::Result<bool> {
    match bind(socket, ifindex, queue, libc::XDP_ZEROCOPY) {
        Ok(()) => Ok(true),
        Err(_) => bind(socket, ifindex, queue, libc::XDP_COPY).map(|()| false),
    }
}

fn bind(socket: &OwnedFd, ifindex: u32, queue: u32, mode: u16) -> io::Result<()> {
    let address = libc::sockaddr_xdp {
        sxdp_family: libc::AF_XDP as u16,
        sxdp_flags: mode | libc::XDP_USE_NEED_WAKEUP,
        sxdp_ifindex: ifindex,
        sxdp_queue_id: queue,
        sxdp_shared_umem_fd: 0,
    };
    // SAFETY: `address` is a whole `sockaddr_xdp` and its length is given.
    let bound =
        unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size_of::<libc::sockaddr_xdp>() as u32) };
    if bound < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn set<T>(socket: &OwnedFd, option: i32, value: &T) -> io::Result<()> {
    // SAFETY: `value` is valid for its whole size, which is given.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_XDP,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as u32,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn ring_offsets(socket: &OwnedFd) -> io::Result<libc::xdp_mmap_offsets> {
    // SAFETY: all zero is valid for this plain structure.
    let mut offsets: libc::xdp_mmap_offsets = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::xdp_mmap_offsets>() as u32;
    // SAFETY: the kernel writes at most `len` bytes into `offsets`.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_XDP,
            libc::XDP_MMAP_OFFSETS,
            (&raw mut offsets).cast(),
            &raw mut len,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(offsets) }
}

fn map(socket: &OwnedFd, ring: libc::xdp_ring_offset, entry_len: usize, page_offset: i64) -> io::Result<Mapping> {
    Mapping::of_file(socket.as_fd(), ring.desc as usize + FRAMES * entry_len, page_offset)
}

fn split(ring: libc::xdp_ring_offset) -> RingOffsets {
    RingOffsets {
        producer: ring.producer as usize,
        consumer: ring.consumer as usize,
        flags: ring.flags as usize,
        entries: ring.desc as usize,
    }
}
