//! Reaching a running daemon from a command that can also work without one: while a daemon runs, the database is its own.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::config::DEFAULT_SOCKET;
use crate::io::control::{ControlCommand, ControlError, Standing, send};
use crate::model::service_status::ServiceStatus;

/// Which daemon.
#[derive(Clone, Debug, clap::Args)]
pub struct DaemonSocketArgs {
    /// Control socket of the daemon, if one runs
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    socket: PathBuf,
}

/// Who took the command.
pub enum Reached {
    /// A daemon, which stands like this now.
    Daemon(Box<ServiceStatus>),
    /// None runs.
    Nobody,
}

impl DaemonSocketArgs {
    /// Sends the command if a daemon runs.
    pub fn reach(&self, command: &ControlCommand) -> anyhow::Result<Reached> {
        match send(&self.socket, command) {
            Ok(Standing::Service(status)) => Ok(Reached::Daemon(status)),
            Ok(Standing::Scan(_)) => bail!("a scan listens on {}, no daemon", self.socket.display()),
            // A socket that was named must be there.
            // Nor may everybody look into its directory.
            Err(ControlError::Nobody(_) | ControlError::Io { operation: "connect to", .. })
                if self.socket == Path::new(DEFAULT_SOCKET) =>
            {
                Ok(Reached::Nobody)
            }
            Err(cause) => Err(cause.into()),
        }
    }
}
