//! One prober per interface: a lock file held for the life of the process. The kernel drops the lock however the
//! process ends, so nothing is left to clean up.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where lock files and control sockets live; readable by their owner only.
pub const RUN_DIRECTORY: &str = "/run/prober";

/// The right to probe by an interface, as long as this lives.
#[derive(Debug)]
pub struct Instance {
    _file: File,
}

/// The interface could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// Another process holds it.
    #[error(
        "another prober runs on interface {interface} (pid {pid}); wait for it, stop it with `prober control stop`, or \
         use another interface"
    )]
    Taken {
        /// The interface.
        interface: String,
        /// The other process, or `?` if it has not written its number yet.
        pid: String,
    },
    /// The lock file could not be made.
    #[error("cannot {operation} {}: {cause}; the directory must be writable (run as root)", path.display())]
    Unusable {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        cause: io::Error,
    },
}

impl Instance {
    /// Claims the interface in the calling thread's network namespace.
    pub fn claim(interface: &str) -> Result<Self, InstanceError> {
        Self::claim_in(Path::new(RUN_DIRECTORY), interface)
    }

    fn claim_in(directory: &Path, interface: &str) -> Result<Self, InstanceError> {
        prepare_directory(directory).map_err(unusable("make the directory", directory))?;
        let namespace = network_namespace().map_err(unusable("look up", Path::new(OWN_NAMESPACE)))?;
        let path = directory.join(format!("{namespace}-{interface}.lock"));
        let mut file = File::options()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable("open the lock file", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.take(16).read_to_string(&mut pid);
                let pid = if pid.trim().is_empty() { "?".to_owned() } else { pid.trim().to_owned() };
                return Err(InstanceError::Taken { interface: interface.to_owned(), pid });
            }
            Err(TryLockError::Error(cause)) => return Err(unusable("lock", &path)(cause)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(unusable("write the lock file", &path))?;
        Ok(Self { _file: file })
    }
}

fn unusable(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> InstanceError + use<> {
    let path = path.to_owned();
    move |cause| InstanceError::Unusable { operation, path, cause }
}

/// Makes the directory for its owner only, if it is not there.
pub(crate) fn prepare_directory(directory: &Path) -> io::Result<()> {
    if !directory.is_dir() {
        fs::create_dir_all(directory)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

const OWN_NAMESPACE: &str = "/proc/thread-self/ns/net";

/// Number of the calling thread's network namespace.
pub(crate) fn network_namespace() -> io::Result<u64> {
    Ok(fs::metadata(OWN_NAMESPACE)?.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_claimed_once_and_freed_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let claim = |interface| Instance::claim_in(directory.path(), interface);
        let first = claim("eth0").unwrap();
        let message = claim("eth0").unwrap_err().to_string();
        let expected = format!("another prober runs on interface eth0 (pid {}); wait for it", std::process::id());
        assert!(message.starts_with(&expected), "{message}");
        claim("eth1").unwrap();
        drop(first);
        claim("eth0").unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let message = Instance::claim_in(Path::new("/proc/prober"), "eth0").unwrap_err().to_string();
        assert!(message.starts_with("cannot make the directory /proc/prober: "), "{message}");
    }
}
