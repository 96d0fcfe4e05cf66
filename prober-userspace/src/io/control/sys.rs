//! Who is at the other end of a Unix socket, and whether still; the standard library does not tell yet.
#![allow(unsafe_code)]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its number.
    pub pid: i32,
    /// Whose it is.
    pub uid: u32,
}

/// Whether the other end was closed, or cannot be told to be open; not if it only says nothing more.
pub fn has_left(stream: &UnixStream) -> bool {
    let mut poll = libc::pollfd { fd: stream.as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: one pollfd of a descriptor that is open, for the kernel to fill; no time to wait.
    let found = unsafe { libc::poll(&raw mut poll, 1, 0) };
    found != 0
}

/// The process at the other end (`SO_PEERCRED`).
pub fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: all-zero is a valid ucred; its address and true length are passed for the kernel to fill.
    unsafe {
        let mut peer: libc::ucred = zeroed();
        let failed = libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut length,
        );
        if failed < 0 { Err(io::Error::last_os_error()) } else { Ok(Peer { pid: peer.pid, uid: peer.uid }) }
    }
}
