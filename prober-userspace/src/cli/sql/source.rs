//! Whom a query is asked of: a database of our own, or the daemon that has it open.

use std::io::{BufWriter, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;

use super::rows::{Room, Sheet, print};
use crate::cli::daemon_socket::DaemonSocketArgs;
use crate::cli::database::DatabaseArgs;
use crate::cli::output::put;
use crate::io::control::{ControlCommand, ControlError, ControlReply};
use crate::io::store::{Access, Store, StoreError};
use crate::model::query::{RowFormat, SqlAnswer, SqlQuery};

/// Whom.
pub(super) enum Source {
    /// A database that is open here.
    Own(Store),
    /// A running daemon, over its socket.
    Daemon(Asked),
}

/// A running daemon.
pub(super) struct Asked {
    daemon: DaemonSocketArgs,
    /// Its database, if it was told by that.
    database: Option<PathBuf>,
    timeout: Duration,
}

impl Source {
    /// The daemon if its socket was named, else the database; if a daemon has that open, or if none was named and none is
    /// there, the daemon.
    pub(super) fn open(database: &DatabaseArgs, daemon: &DaemonSocketArgs, timeout: Duration) -> anyhow::Result<Self> {
        let named = database.is_named().then(|| database.path()).transpose()?;
        let asked = |database| Asked { daemon: daemon.clone(), database, timeout };
        if daemon.is_named() {
            let named = named.map(|path| path.canonicalize().unwrap_or(path));
            return Ok(Self::Daemon(asked(named)));
        }
        let cause = match database.open(Access::Read) {
            Ok(store) => return Ok(Self::Own(store)),
            Err(cause) => cause,
        };
        let asked = match cause.downcast_ref() {
            Some(StoreError::Locked { path, .. }) => asked(Some(path.canonicalize()?)),
            Some(StoreError::Missing { .. }) if named.is_none() => asked(None),
            _ => return Err(cause),
        };
        // Whoever else has it open, or if nobody runs, the first error says more.
        if asked.answer("SELECT 1", RowFormat::Csv).is_err() {
            return Err(cause);
        }
        let what = asked
            .database
            .as_ref()
            .map_or("no database is here".to_owned(), |path| format!("{} is in use by the daemon", path.display()));
        eprintln!("prober: {what}; asking the running daemon (it only reads, up to 10,000 rows, --timeout)");
        Ok(Self::Daemon(asked))
    }

    /// What to call it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Own(store) => store.path().display().to_string(),
            Self::Daemon(asked) => match &asked.database {
                Some(path) => format!("{} (the running daemon's)", path.display()),
                None => "the running daemon's database".to_owned(),
            },
        }
    }

    /// Runs a query and prints its rows.
    pub(super) fn show(&self, sql: &str, format: RowFormat) -> anyhow::Result<()> {
        let printed = match self {
            Self::Own(store) => {
                let out = BufWriter::new(std::io::stdout().lock());
                print(store, sql, format, &mut Sheet::new(out, Room::ALL))
            }
            Self::Daemon(asked) => {
                let SqlAnswer { text, cut } = asked.answer(sql, format)?;
                put(&text)?;
                if let Some(cut) = cut {
                    eprintln!("prober: {cut}");
                }
                Ok(())
            }
        };
        match printed {
            Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => {
                Ok(())
            }
            other => other,
        }
    }
}

impl Asked {
    fn answer(&self, sql: &str, format: RowFormat) -> anyhow::Result<SqlAnswer> {
        let timeout_s = self.timeout.as_secs_f64().ceil() as u64;
        let query = SqlQuery { sql: sql.to_owned(), format, timeout_s, database: self.database.clone() };
        match self.daemon.ask(&ControlCommand::Query { query })? {
            Some(ControlReply::Rows(answer)) => Ok(answer),
            Some(_) => bail!("the daemon answered something else; is it of this version?"),
            None => Err(ControlError::Nobody(self.daemon.socket()).into()),
        }
    }
}
