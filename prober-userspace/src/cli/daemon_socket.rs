//! Reaching a running daemon from a command that can also work without one: while a daemon runs, the database is its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::UsageError;
use super::config::{Config, DEFAULT_FILE, DEFAULT_SOCKET, Places};
use super::database::DatabaseArgs;
use crate::io::control::{ControlCommand, ControlError, ControlReply, ask, find_socket};
use crate::io::store::{Access, Store};
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

/// The socket of whoever runs: of the daemon whose configuration is named, else of the only scan or daemon.
pub fn find(config: Option<&Path>) -> anyhow::Result<PathBuf> {
    let Some(file) = config else {
        // Without one, or with one that is not for us to read, only the usual places are looked at.
        let usual = Config::places(Path::new(DEFAULT_FILE)).ok().flatten();
        return Ok(find_socket(usual.map(|places| places.socket))?);
    };
    let places = Config::places(file)?;
    Ok(places.with_context(|| format!("the configuration {} is not there", file.display()))?.socket)
}

impl DaemonSocketArgs {
    /// Sends the command if a daemon runs; how that stands after it.
    pub fn reach(&self, command: &ControlCommand) -> anyhow::Result<Reached> {
        match self.ask(command)? {
            Some(ControlReply::Service(status)) => Ok(Reached::Daemon(status)),
            Some(_) => bail!("the daemon at {} answered something else", self.socket().display()),
            None => Ok(Reached::Nobody),
        }
    }

    /// Sends the command if a daemon runs, `None` if none does. Where that cannot be told, it is an error: what is meant for
    /// a daemon must not end up elsewhere.
    pub fn ask(&self, command: &ControlCommand) -> anyhow::Result<Option<ControlReply>> {
        let socket = self.socket();
        match ask(&socket, command) {
            Ok(ControlReply::Done(_)) => bail!("a scan listens on {}, no daemon", socket.display()),
            Ok(reply) => Ok(Some(reply)),
            // A socket that was named must be there.
            Err(ControlError::Nobody(_)) if self.socket.is_none() => Ok(None),
            Err(cause @ ControlError::Io { operation: "connect to", .. }) => Err(cause).context(
                "nothing was done, as it cannot be told whether a daemon runs; do it as the daemon's user (like `sudo -u \
                 prober`), or name the database with --db",
            ),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Sends the command if a daemon runs and no database was named.
    pub fn ask_unless_named(
        &self,
        database: &DatabaseArgs,
        command: &ControlCommand,
    ) -> anyhow::Result<Option<ControlReply>> {
        if database.is_named() && !self.is_named() { Ok(None) } else { self.ask(command) }
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
        Store::expect(&path)?;
        Ok(Store::open(&path, Access::Write)?)
    }

    /// The database to look into while no daemon runs: the one that was named, else the daemon's if it has a configuration,
    /// else the one of scans.
    pub fn stopped(&self, database: &DatabaseArgs, access: Access) -> anyhow::Result<Store> {
        let places = if database.is_named() { None } else { Config::places(&self.config)? };
        let Some(Places { database: path, .. }) = places else {
            return match access {
                Access::Read => database.open(access),
                Access::Write => database.open_existing(),
            };
        };
        Store::expect(&path)?;
        Ok(Store::open(&path, access)?)
    }

    /// Where the daemon keeps what, if it has a configuration.
    pub fn places(&self) -> anyhow::Result<Option<Places>> {
        Config::places(&self.config)
    }

    /// The daemon's configuration; `None` if there is none.
    pub fn configuration(&self) -> anyhow::Result<Option<Config>> {
        if self.config.exists() { Config::load(&self.config).map(Some) } else { Ok(None) }
    }

    /// Whether the socket was named for this command.
    pub fn is_named(&self) -> bool {
        self.socket.is_some()
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        let configured = || Config::places(&self.config).ok().flatten().map(|places| places.socket);
        self.socket.clone().or_else(configured).unwrap_or_else(|| Path::new(DEFAULT_SOCKET).to_owned())
    }
}
