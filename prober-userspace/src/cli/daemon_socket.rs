//! Reaching a running daemon from a command that can also work without one: while a daemon runs, the database is its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::UsageError;
use super::config::{Config, DEFAULT_FILE, DEFAULT_SOCKET};
use super::database::DatabaseArgs;
use crate::io::control::{ControlCommand, ControlError, Standing, send};
use crate::io::store::{Access, Store, StoreError};
use crate::model::service_status::ServiceStatus;

/// Which daemon.
#[derive(Clone, Debug, clap::Args)]
pub struct DaemonSocketArgs {
    /// Configuration of the daemon: says where it listens, and where its database is while it does not run
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// Control socket of the daemon, if not as its configuration says
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// Who took the command.
pub enum Reached {
    /// A daemon, which stands like this now.
    Daemon(Box<ServiceStatus>),
    /// None runs.
    Nobody,
}

impl DaemonSocketArgs {
    /// Sends the command if a daemon runs. Where that cannot be told, it is an error: what is meant for a daemon must not
    /// end up elsewhere.
    pub fn reach(&self, command: &ControlCommand) -> anyhow::Result<Reached> {
        let socket = self.socket();
        match send(&socket, command) {
            Ok(Standing::Service(status)) => Ok(Reached::Daemon(status)),
            Ok(Standing::Scan(_)) => bail!("a scan listens on {}, no daemon", socket.display()),
            // A socket that was named must be there.
            Err(ControlError::Nobody(_)) if self.socket.is_none() => Ok(Reached::Nobody),
            Err(cause @ ControlError::Io { operation: "connect to", .. }) => Err(cause).context(
                "nothing was recorded, as it cannot be told whether a daemon runs; do it as the daemon's user (like `sudo -u \
                 prober`), or name the database with --db",
            ),
            Err(cause) => Err(cause.into()),
        }
    }

    /// The database to write to while no daemon runs: the one that was named, else the daemon's own. It must be there, so
    /// that nothing is recorded where nobody looks.
    pub fn database(&self, database: &DatabaseArgs) -> anyhow::Result<Store> {
        if database.is_named() {
            return database.open_existing();
        }
        let Some(places) = Config::places(&self.config)? else {
            let reason =
                format!("no daemon runs, and {} is not there; name the database with --db", self.config.display());
            return Err(UsageError(reason).into());
        };
        let path = places.database;
        if !path.exists() {
            return Err(StoreError::Missing { path }.into());
        }
        Ok(Store::open(&path, Access::Write)?)
    }

    fn socket(&self) -> PathBuf {
        let configured = || Config::places(&self.config).ok().flatten().map(|places| places.socket);
        self.socket.clone().or_else(configured).unwrap_or_else(|| Path::new(DEFAULT_SOCKET).to_owned())
    }
}
