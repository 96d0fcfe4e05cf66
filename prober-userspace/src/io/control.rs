//! The control socket: a running scan listens on it, `prober control` talks to it. One JSON object per line in each
//! direction; local and for the socket's owner only.

mod client;
mod listing;
mod protocol;
mod server;
mod sys;
mod user;

use std::io;
use std::path::{Path, PathBuf};

pub use client::{Standing, ask, find_socket, send};
pub use listing::{ExcludedAddress, ListedComplaint, ListedExclusion};
pub use protocol::{ControlCommand, ControlReply, Forgotten, LONGEST_QUERY_S};
pub use server::{ControlEvent, ControlServer};

use super::instance::{RUN_DIRECTORY, network_namespace};

/// Longest command, in bytes: some ten thousand ranges to exclude.
pub const LONGEST_LINE: usize = 1 << 18;
/// Longest answer, in bytes: half a million exclusions, or the rows of a query, all of whose characters are written as escapes.
pub const LONGEST_ANSWER: usize = 1 << 27;

/// The control socket could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A live process listens there.
    #[error("another prober runs on this interface (pid {pid}): it listens on {}", path.display())]
    Taken {
        /// The socket.
        path: PathBuf,
        /// The other process.
        pid: i32,
    },
    /// The path names something else.
    #[error("{} exists and is not a socket; choose another path with --control-socket", .0.display())]
    NotASocket(PathBuf),
    /// Nobody listens.
    #[error("no prober listens on {}; is a scan running, and as this user? choose its socket with --socket", .0.display())]
    Nobody(PathBuf),
    /// It cannot be told who listens.
    #[error(
        "cannot look for a running prober at {}: {cause}; do it as its user (like `sudo -u prober`), or name the socket with \
         --socket", path.display()
    )]
    Hidden {
        /// Where.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// No default socket is there.
    #[error("no running scan found ({RUN_DIRECTORY} holds no live control socket); name the socket with --socket")]
    NoneRunning,
    /// More than one default socket is there.
    #[error("several scans run; choose one with --socket: {0}")]
    SeveralRunning(String),
    /// A system call failed.
    #[error("cannot {operation} the control socket {}: {cause}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The socket.
        path: PathBuf,
        /// Why it failed.
        cause: io::Error,
    },
    /// The other side does not speak our protocol.
    #[error("{} answered nothing that a prober would: {reason}", path.display())]
    Garbled {
        /// The socket.
        path: PathBuf,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The daemon has another database.
    #[error("refused: the daemon's database is {}", database.display())]
    Elsewhere {
        /// Its own.
        database: PathBuf,
    },
    /// The scan refused.
    #[error("refused: {0}")]
    Refused(String),
}

/// Where a scan on this interface listens by default: `/run/prober/<interface>.sock`, with the namespace's number in
/// front if this is not (or cannot be told to be) the host's own network namespace, so that equal names do not collide.
/// Telling needs privileges: call it before they are dropped.
pub fn default_socket(interface: &str) -> PathBuf {
    let host = std::fs::metadata("/proc/1/ns/net").map(|metadata| std::os::unix::fs::MetadataExt::ino(&metadata)).ok();
    match network_namespace() {
        Ok(own) if host != Some(own) => socket_named(interface, Some(own)),
        _ => socket_named(interface, None),
    }
}

/// Where a scan on this interface of our network namespace listens: a service may have had fewer privileges to tell its
/// namespace by, so its socket may have either name.
pub fn socket_of(interface: &str) -> PathBuf {
    let numbered = network_namespace().ok().map(|own| socket_named(interface, Some(own)));
    numbered.filter(|path| path.exists()).unwrap_or_else(|| socket_named(interface, None))
}

fn socket_named(interface: &str, namespace: Option<u64>) -> PathBuf {
    let prefix = namespace.map(|number| format!("{number}-")).unwrap_or_default();
    Path::new(RUN_DIRECTORY).join(format!("{prefix}{interface}.sock"))
}

#[cfg(test)]
mod tests;
