//! The one system call of the store that has no safe wrapper.
#![allow(unsafe_code)]

/// Makes every file that this process creates from now on readable and writable by its owner alone. DuckDB creates
/// its log file anew after every checkpoint, so setting the mode of one file afterwards would leave gaps.
pub fn keep_new_files_private() {
    // SAFETY: umask only swaps a number in the process and cannot fail.
    unsafe {
        libc::umask(0o077);
    }
}
