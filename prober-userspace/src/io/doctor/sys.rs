//! Two questions to the kernel that no crate in use wraps.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::mem::zeroed;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether something disciplines the wall clock; `None` if the kernel does not tell.
pub fn clock_is_synchronised() -> Option<bool> {
    // SAFETY: all-zero is a valid timex and asks for nothing to be changed; the kernel fills it in.
    let state = unsafe {
        let mut request: libc::timex = zeroed();
        libc::adjtimex(&raw mut request)
    };
    match state {
        -1 => None,
        libc::TIME_ERROR => Some(false),
        _ => Some(true),
    }
}

/// Bytes that this user may still write on the disk that holds `directory`.
pub fn free_bytes(directory: &Path) -> io::Result<u64> {
    let path = CString::new(directory.as_os_str().as_bytes())?;
    // SAFETY: all-zero is a valid statvfs for the kernel to fill; the path ends with a zero byte.
    unsafe {
        let mut answer: libc::statvfs = zeroed();
        if libc::statvfs(path.as_ptr(), &raw mut answer) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(answer.f_bavail * answer.f_frsize)
    }
}
