//! What the kernel knows of a TCP connection, and how many of them it allows; no crate wraps this part of it.
#![allow(unsafe_code, reason = "system calls; see the comment at each block")]

use std::os::fd::{AsFd, AsRawFd};

/// Places of `tcpi_segs_out` and `tcpi_segs_in` in `struct tcp_info` (linux/tcp.h); since Linux 4.2.
const SEGMENTS_OUT: usize = 136;
const SEGMENTS_IN: usize = 140;
/// Room for all of it that is of use.
const LEN: usize = 144;

/// Segments sent and received so far; `None` if the kernel does not tell.
pub fn tcp_segments(socket: impl AsFd) -> Option<(u32, u32)> {
    let mut info = [0u8; LEN];
    let mut len = LEN as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes into `info`, which has as many, and tells how many it wrote.
    let failed = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    let word = |at: usize| info.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
    if failed < 0 || (len as usize) < LEN { None } else { Some((word(SEGMENTS_OUT)?, word(SEGMENTS_IN)?)) }
}

/// Asks for room for so many open files, as far as this process may have it; how many it has then.
pub fn allow_open_files(count: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the answer.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } < 0 {
        return 0;
    }
    if limit.rlim_cur < count {
        let wanted = libc::rlimit { rlim_cur: count.min(limit.rlim_max), ..limit };
        // SAFETY: `wanted` is read only.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) } == 0 {
            limit = wanted;
        }
    }
    limit.rlim_cur
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn segments_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let (sent_before, _) = tcp_segments(&client).unwrap();
        // A SYN and the last part of the handshake.
        assert!(sent_before >= 2, "{sent_before}");
        client.write_all(b"x").unwrap();
        server.read_exact(&mut [0]).unwrap();
        server.write_all(b"y").unwrap();
        client.read_exact(&mut [0]).unwrap();
        let (sent, received) = tcp_segments(&client).unwrap();
        assert!(sent > sent_before && received >= 2, "{sent} {received}");
    }
}
