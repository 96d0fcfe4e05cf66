//! The side of `prober control`: find the socket, send one command, read one reply.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::protocol::{ControlCommand, ControlReply};
use super::{ControlError, LONGEST_ANSWER};
use crate::io::instance::RUN_DIRECTORY;
use crate::model::service_status::ServiceStatus;
use crate::model::status::StatusSample;

/// Longer than the scan may take over a command; some may take longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The socket of the only running scan or daemon, among the default ones and this one.
pub fn find_socket(besides: Option<PathBuf>) -> Result<PathBuf, ControlError> {
    find_in(Path::new(RUN_DIRECTORY), besides)
}

pub(super) fn find_in(directory: &Path, besides: Option<PathBuf>) -> Result<PathBuf, ControlError> {
    let mut hidden = None;
    let mut sockets: Vec<PathBuf> = match fs::read_dir(directory) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(cause) => {
            if cause.kind() != ErrorKind::NotFound {
                hidden = Some(ControlError::Hidden { path: directory.into(), cause });
            }
            Vec::new()
        }
    };
    sockets.retain(|path| path.extension().is_some_and(|extension| extension == "sock"));
    sockets.extend(besides);
    sockets.sort();
    sockets.dedup();
    let mut live = Vec::new();
    for path in sockets {
        match UnixStream::connect(&path) {
            Ok(_) => live.push(path),
            // Left behind by one that was killed.
            Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {}
            Err(cause) => hidden = Some(ControlError::Hidden { path, cause }),
        }
    }
    match live.len() {
        0 => Err(hidden.unwrap_or(ControlError::NoneRunning)),
        1 => Ok(live.remove(0)),
        _ => {
            let names: Vec<_> = live.iter().map(|path| path.display().to_string()).collect();
            Err(ControlError::SeveralRunning(names.join(", ")))
        }
    }
}

/// How whoever listens stands after a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// A scan.
    Scan(StatusSample),
    /// A daemon.
    Service(Box<ServiceStatus>),
}

/// Sends one command; gives the state after it.
pub fn send(path: &Path, command: &ControlCommand) -> Result<Standing, ControlError> {
    match ask(path, command)? {
        ControlReply::Done(status) => Ok(Standing::Scan(status)),
        ControlReply::Service(status) => Ok(Standing::Service(status)),
        _ => Err(ControlError::Garbled { path: path.into(), reason: "it is no state".to_owned() }),
    }
}

/// Sends one command; gives whatever it is answered with, unless that is a refusal.
pub fn ask(path: &Path, command: &ControlCommand) -> Result<ControlReply, ControlError> {
    let failed = |operation| move |cause| ControlError::Io { operation, path: path.into(), cause };
    let mut stream = UnixStream::connect(path).map_err(|cause| match cause.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => ControlError::Nobody(path.into()),
        _ => ControlError::Io { operation: "connect to", path: path.into(), cause },
    })?;
    stream.set_read_timeout(Some(PATIENCE + command.takes())).map_err(failed("set up"))?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(failed("set up"))?;
    let mut line = serde_json::to_string(command).map_err(|cause| failed("write to")(cause.into()))?;
    line.push('\n');
    match stream.write_all(line.as_bytes()) {
        // Refused before it listened: the reason is there to be read.
        Err(cause) if matches!(cause.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
        written => written.map_err(failed("write to"))?,
    }
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST_ANSWER as u64)).read_line(&mut answer).map_err(failed("read from"))?;
    match serde_json::from_str(&answer) {
        Ok(ControlReply::Refused { reason }) => Err(ControlError::Refused(reason)),
        Ok(ControlReply::Elsewhere { database }) => Err(ControlError::Elsewhere { database }),
        Ok(reply) => Ok(reply),
        Err(cause) => Err(ControlError::Garbled { path: path.into(), reason: cause.to_string() }),
    }
}
