//! Whom a query is asked of: a database of our own, or the daemon that has it open.

use std::io::{BufWriter, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;

use super::rows::{Room, Sheet, print};
use crate::cli::daemon_socket::DaemonSocketArgs;
use crate::cli::database::DatabaseArgs;
use crate::cli::holder::Holder;
use crate::cli::output::put;
use crate::io::control::{ControlCommand, ControlError, ControlReply};
use crate::io::store::Store;
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
    /// Whoever holds the database.
    pub(super) fn open(database: &DatabaseArgs, daemon: &DaemonSocketArgs, timeout: Duration) -> anyhow::Result<Self> {
        let database = match Holder::find(database, daemon)? {
            Holder::Own(store) => return Ok(Self::Own(store)),
            Holder::Daemon(database) => database,
        };
        if !daemon.is_named() {
            let what = database
                .as_ref()
                .map_or("no database is here".to_owned(), |path| format!("{} is in use by the daemon", path.display()));
            eprintln!("prober: {what}; asking the running daemon (it only reads, up to 10,000 rows, --timeout)");
        }
        Ok(Self::Daemon(Asked { daemon: daemon.clone(), database, timeout }))
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
