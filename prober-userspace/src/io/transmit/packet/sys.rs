//! The packet socket's system calls.
#![allow(unsafe_code, reason = "system calls; see the comment at each block")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use prober_common::template::TEMPLATE_CAPACITY;

/// Room per frame.
pub const FRAME_LEN: usize = TEMPLATE_CAPACITY;

/// An AF_PACKET socket that only sends.
pub struct PacketSocket(OwnedFd);

impl PacketSocket {
    /// Opens a socket bound to the interface.
    pub fn open(ifindex: u32) -> io::Result<Self> {
        // Protocol 0: nothing is received.
        // SAFETY: plain system call.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is fresh and owned by nobody else.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        socket.set(libc::PACKET_QDISC_BYPASS, 1)?;
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: 0,
            sll_ifindex: ifindex as i32,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: `address` is a whole `sockaddr_ll` and its length is given.
        let bound = unsafe {
            libc::bind(socket.0.as_raw_fd(), (&raw const address).cast(), size_of::<libc::sockaddr_ll>() as u32)
        };
        if bound < 0 { Err(io::Error::last_os_error()) } else { Ok(socket) }
    }

    fn set(&self, option: i32, value: i32) -> io::Result<()> {
        // SAFETY: `value` is an int and its size is given.
        let done = unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                libc::SOL_PACKET,
                option,
                (&raw const value).cast(),
                size_of::<i32>() as u32,
            )
        };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Sends frames `from..to` of the batch; returns how many the kernel took.
    pub fn send(&self, batch: &mut Batch, from: usize, to: usize) -> io::Result<usize> {
        let messages = &mut batch.messages[from..to];
        // SAFETY: every message points to one vector and every vector into `frames`, all owned by `batch` and never
        // moved or resized after `new`.
        let sent = unsafe { libc::sendmmsg(self.0.as_raw_fd(), messages.as_mut_ptr(), messages.len() as u32, 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as usize) }
    }
}

/// Frames and the message headers that point to them.
pub struct Batch {
    frames: Box<[[u8; FRAME_LEN]]>,
    vectors: Box<[libc::iovec]>,
    messages: Box<[libc::mmsghdr]>,
}

// SAFETY: the pointers lead to heap memory that the batch owns.
unsafe impl Send for Batch {}

impl Batch {
    /// `len` empty frames.
    pub fn new(len: usize) -> Self {
        let mut frames = vec![[0; FRAME_LEN]; len].into_boxed_slice();
        let mut vectors: Box<[libc::iovec]> =
            frames.iter_mut().map(|frame| libc::iovec { iov_base: frame.as_mut_ptr().cast(), iov_len: 0 }).collect();
        let messages = vectors
            .iter_mut()
            .map(|vector| {
                // SAFETY: all zero is a valid empty message header.
                let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
                message.msg_hdr.msg_iov = vector;
                message.msg_hdr.msg_iovlen = 1;
                message
            })
            .collect();
        Self { frames, vectors, messages }
    }

    /// The bytes of one frame.
    pub fn frame_mut(&mut self, frame: usize) -> &mut [u8] {
        &mut self.frames[frame]
    }

    /// Sets how many bytes of a frame are sent.
    pub fn set_len(&mut self, frame: usize, len: usize) {
        self.vectors[frame].iov_len = len.min(FRAME_LEN);
    }
}
