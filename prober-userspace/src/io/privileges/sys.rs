//! The two process attributes that no crate in use wraps.
#![allow(unsafe_code)]

use std::io;

/// Sets the process's file mode creation mask.
pub fn set_umask(mask: libc::mode_t) {
    // SAFETY: no pointers are passed, and the call cannot fail.
    unsafe {
        libc::umask(mask);
    }
}

/// No program executed from here on gains privileges (`PR_SET_NO_NEW_PRIVS`).
pub fn forbid_new_privileges() -> io::Result<()> {
    // SAFETY: this operation takes plain numbers only.
    let failed = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if failed < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
