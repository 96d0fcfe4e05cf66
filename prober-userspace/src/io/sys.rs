//! The few system calls of the data plane that no crate wraps safely: clocks, shared mappings, and memory for states.
#![allow(unsafe_code, reason = "system calls; see the comment at each block")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// The kernel's smallest page on the machines this runs on, bytes; advice must begin at one.
const PAGE: usize = 4_096;

/// `CLOCK_MONOTONIC` in ns: the clock that the kernel's programs stamp with.
#[inline]
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_REALTIME` in ns since 1970.
#[inline]
pub fn realtime_ns() -> u64 {
    clock_ns(libc::CLOCK_REALTIME)
}

#[inline]
fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid place for the answer; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Room for so many, of huge pages where the kernel gives any: what is read here and there all over gigabytes is else looked
/// for in the page tables as often as in memory.
pub fn vec_for_random_access<T>(capacity: usize) -> Vec<T> {
    let room: Vec<T> = Vec::with_capacity(capacity);
    let first = (room.as_ptr() as usize).next_multiple_of(PAGE);
    let last = (room.as_ptr() as usize + room.capacity() * size_of::<T>()) / PAGE * PAGE;
    if last > first {
        // SAFETY: whole pages of our own allocation; the advice changes no contents. A kernel that does not take it leaves
        // all as it was.
        unsafe { libc::madvise(first as *mut libc::c_void, last - first, libc::MADV_HUGEPAGE) };
    }
    room
}

/// Puts the calling thread, and those it starts from here on, behind all others of the usual priority: nice 10, unless it is
/// behind them already.
pub fn run_behind() -> io::Result<()> {
    const NICE: i32 = 10;
    // SAFETY: plain numbers only. To Linux, 0 means the calling thread (setpriority(2)).
    let now = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    // SAFETY: as above.
    let failed = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, now.max(NICE)) };
    if failed < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Memory shared with the kernel; unmapped on drop.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping is plain memory; who may touch which part of it when is settled by its users.
unsafe impl Send for Mapping {}
// SAFETY: as above; a shared reference gives out nothing but a pointer.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes of `file` from `offset`, shared, readable and writable.
    pub fn of_file(file: BorrowedFd<'_>, len: usize, offset: i64) -> io::Result<Self> {
        Self::map(len, libc::MAP_SHARED | libc::MAP_POPULATE, file.as_raw_fd(), offset)
    }

    /// Fresh zeroed memory.
    pub fn anonymous(len: usize) -> io::Result<Self> {
        Self::map(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE, -1, 0)
    }

    fn map(len: usize, flags: i32, fd: i32, offset: i64) -> io::Result<Self> {
        // SAFETY: no address is asked for, so no existing mapping is touched.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))?;
        Ok(Self { start, len })
    }

    /// Where the mapping starts.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is empty; the kernel maps nothing empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the region is ours and nothing borrows from it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}
