//! The system calls that the standard library does not offer; all of the lab's `unsafe` is here.
#![allow(unsafe_code, reason = "system calls")]

use std::{
    ffi::c_int,
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    os::unix::process::CommandExt,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

use prober_common::lab::{Arrival, LabRules};

/// Moves the calling thread into the network namespace whose file is `path`.
pub fn enter_network_namespace(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    // SAFETY: a valid descriptor; only this thread moves.
    check(unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) }).map(drop)
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// `CLOCK_MONOTONIC` in ns: the clock of `bpf_ktime_get_ns`.
pub fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Lets this thread's sleeps end within microseconds instead of the default 50.
pub fn sleep_precisely() {
    // SAFETY: sets a number of this thread.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1u64) };
}

/// Asks a process to end (`force`: at once). `false` if there is none.
pub fn end_process(pid: u32, force: bool) -> bool {
    signal_process(pid, if force { libc::SIGKILL } else { libc::SIGTERM })
}

/// Sends a signal to a process. `false` if there is none.
pub fn signal_process(pid: u32, signal: i32) -> bool {
    // SAFETY: a signal to one process; 0 and negative numbers would mean groups.
    pid > 1 && unsafe { libc::kill(pid as libc::pid_t, signal) } == 0
}

/// Refuses a command and its children to run memory that was written (`MemoryDenyWriteExecute=` of systemd). Linux 6.3.
pub fn deny_write_execute(command: &mut Command) {
    let deny = || {
        let refuse = u64::from(libc::PR_MDWE_REFUSE_EXEC_GAIN);
        // SAFETY: this operation takes plain numbers only.
        check(unsafe { libc::prctl(libc::PR_SET_MDWE, refuse, 0_u64, 0_u64, 0_u64) }).map(drop)
    };
    // SAFETY: between fork and exec there is one system call, which touches no memory.
    unsafe { command.pre_exec(deny) };
}

/// TCP's smoothed round-trip time of a connection, us.
pub fn tcp_rtt_us(connection: &std::net::TcpStream) -> io::Result<u32> {
    // SAFETY: all zeros are a valid `tcp_info`.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    let (fd, to) = (connection.as_raw_fd(), (&raw mut info).cast());
    // SAFETY: writes at most `length` bytes into `info`, which holds as many; any bytes are a `tcp_info`.
    check(unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, to, &raw mut length) })?;
    Ok(info.tcpi_rtt)
}

/// Sets how much a connection takes ahead of the network, bytes.
pub fn set_send_buffer(connection: &std::net::TcpStream, bytes: usize) -> io::Result<()> {
    let bytes = bytes as c_int;
    let (from, length) = ((&raw const bytes).cast(), size_of::<c_int>() as libc::socklen_t);
    // SAFETY: reads one integer.
    let set = unsafe { libc::setsockopt(connection.as_raw_fd(), libc::SOL_SOCKET, libc::SO_SNDBUF, from, length) };
    check(set).map(drop)
}

/// Index of an interface in this thread's network namespace.
pub fn interface_index(name: &str) -> io::Result<u32> {
    let name = std::ffi::CString::new(name)?;
    // SAFETY: a terminated string.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// [`LabRules`] as aya wants a map's value.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct RulesValue(pub LabRules);
// SAFETY: `repr(C)`, integers only, no padding (its size is asserted where it is defined).
unsafe impl aya::Pod for RulesValue {}

/// Reads an [`Arrival`] out of the ring; `None` if the record has another size.
pub fn read_arrival(record: &[u8]) -> Option<Arrival> {
    // SAFETY: the size is right, any bytes are an `Arrival`, and the read does not need alignment.
    (record.len() == size_of::<Arrival>()).then(|| unsafe { record.as_ptr().cast::<Arrival>().read_unaligned() })
}

/// Counters of an array map, shared with the kernel through memory.
pub struct MappedCounters {
    start: *mut AtomicU64,
    len: usize,
}
// SAFETY: plain shared memory of atomics; the mapping lives as long as this value.
unsafe impl Send for MappedCounters {}
// SAFETY: as above.
unsafe impl Sync for MappedCounters {}

impl MappedCounters {
    /// Maps an array map of `len` `u64` values made with `BPF_F_MMAPABLE`.
    pub fn new(map: impl AsFd, len: usize) -> io::Result<Self> {
        let (protection, fd) = (libc::PROT_READ | libc::PROT_WRITE, map.as_fd().as_raw_fd());
        // SAFETY: a fresh shared mapping at an address of the kernel's choice.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len * 8, protection, libc::MAP_SHARED, fd, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { start: start.cast(), len })
    }

    /// The counters.
    pub fn counters(&self) -> &[AtomicU64] {
        // SAFETY: `len` aligned counters are mapped as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// A copy of all.
    pub fn snapshot(&self) -> Vec<u64> {
        self.counters().iter().map(|counter| counter.load(Ordering::Relaxed)).collect()
    }

    /// Sets all to 0.
    pub fn clear(&self) {
        self.counters().iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
    }
}

impl Drop for MappedCounters {
    fn drop(&mut self) {
        // SAFETY: exactly what was mapped; nothing borrows it any more.
        unsafe { libc::munmap(self.start.cast(), self.len * 8) };
    }
}

/// A socket that sends and receives whole frames on one interface.
pub struct FrameSocket {
    fd: OwnedFd,
}

impl FrameSocket {
    /// For the interface with this index, of this thread's network namespace. `receive` as EtherType: 0 receives
    /// nothing, `ETH_P_ALL` (3) everything, also what others send. `bypass` skips the queue discipline, and with it
    /// every other listener of this interface.
    pub fn open(interface: u32, receive: u16, bypass: bool) -> io::Result<Self> {
        let protocol = receive.to_be();
        // SAFETY: makes a descriptor.
        let fd = check(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol.into()) })?;
        // SAFETY: a fresh descriptor that nobody else owns.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: all zeros are a valid address, filled in below.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = protocol;
        address.sll_ifindex = interface as c_int;
        let len = size_of_val(&address) as libc::socklen_t;
        // SAFETY: an address of the length stated.
        check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), len) })?;
        let socket = Self { fd };
        if bypass {
            socket.set(libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)?;
        }
        Ok(socket)
    }

    /// Asks for a receive buffer of so many bytes.
    pub fn set_receive_buffer(&self, bytes: u32) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes as c_int)
    }

    /// Lets a send in progress hold so many bytes.
    pub fn set_send_buffer(&self, bytes: u32) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, bytes as c_int)
    }

    /// Sends one frame.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: a buffer of the length stated.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Sends frames with one system call; returns how many went out.
    pub fn send_batch(&self, frames: &[impl AsRef<[u8]>]) -> io::Result<usize> {
        let mut parts: Vec<libc::iovec> = frames
            .iter()
            .map(|frame| libc::iovec {
                iov_base: frame.as_ref().as_ptr().cast_mut().cast(),
                iov_len: frame.as_ref().len(),
            })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = parts
            .iter_mut()
            .map(|part| {
                // SAFETY: all zeros are a valid message without address.
                let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
                message.msg_hdr.msg_iov = part;
                message.msg_hdr.msg_iovlen = 1;
                message
            })
            .collect();
        // SAFETY: the messages and what they point to live until the call returns; it only reads the frames.
        let sent = unsafe { libc::sendmmsg(self.fd.as_raw_fd(), messages.as_mut_ptr(), messages.len() as u32, 0) };
        check(sent).map(|sent| sent as usize)
    }

    /// Receives one frame and its kind (`PACKET_OUTGOING` is one sent from here); `None` after `timeout_ms` without.
    pub fn receive<'a>(&self, buffer: &'a mut [u8], timeout_ms: c_int) -> io::Result<Option<(&'a [u8], u8)>> {
        let fd = self.fd.as_raw_fd();
        let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry.
        if check(unsafe { libc::poll(&raw mut poll, 1, timeout_ms) })? == 0 {
            return Ok(None);
        }
        // SAFETY: all zeros are a valid address to be overwritten.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        let mut len = size_of_val(&address) as libc::socklen_t;
        // SAFETY: buffer and address have the lengths stated.
        let received = unsafe {
            libc::recvfrom(
                fd,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                libc::MSG_DONTWAIT,
                (&raw mut address).cast(),
                &raw mut len,
            )
        };
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Some((&buffer[..received as usize], address.sll_pkttype)))
    }

    fn set(&self, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
        let len = size_of_val(&value) as libc::socklen_t;
        // SAFETY: an integer of the length stated.
        let result = unsafe { libc::setsockopt(self.fd.as_raw_fd(), level, option, (&raw const value).cast(), len) };
        check(result).map(drop)
    }
}

/// From now on this process ends quietly when the reader of its output does, as others do in a pipe.
pub fn end_with_the_reader() {
    // SAFETY: the default disposition runs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
