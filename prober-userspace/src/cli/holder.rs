//! Who holds a database that a command wants to read: nobody else, so that it is opened here, or a running daemon, which has
//! to be asked.

use std::path::PathBuf;

use anyhow::anyhow;

use super::daemon_socket::DaemonSocketArgs;
use super::database::DatabaseArgs;
use crate::io::control::{ControlCommand, ControlError, ControlReply};
use crate::io::store::{Access, Store, StoreError};
use crate::model::query::{RowFormat, SqlQuery};

/// How long a daemon may take to say that the database is its own, s.
const SAYS_WITHIN_S: u64 = 10;

/// Who.
pub(super) enum Holder {
    /// It is open here.
    Own(Store),
    /// A running daemon; its database, if the daemon was found by that.
    Daemon(Option<PathBuf>),
}

impl Holder {
    /// The daemon if its socket was named, else the database; if a daemon has that open, or if none was named and none is
    /// there, the daemon.
    pub(super) fn find(database: &DatabaseArgs, daemon: &DaemonSocketArgs) -> anyhow::Result<Self> {
        let named = database.is_named().then(|| database.path()).transpose()?;
        if daemon.is_named() {
            return Ok(Self::Daemon(named.map(|path| path.canonicalize().unwrap_or(path))));
        }
        let cause = match database.open(Access::Read) {
            Ok(store) => return Ok(Self::Own(store)),
            Err(cause) => cause,
        };
        let held = match cause.downcast_ref() {
            Some(StoreError::Locked { path, .. }) => Some(path.canonicalize()?),
            Some(StoreError::Missing { .. }) if named.is_none() => None,
            _ => return Err(cause),
        };
        match own_daemon(daemon, held.clone()) {
            Ok(true) => Ok(Self::Daemon(held)),
            // Whoever else has it open, or if nobody runs, the first error says more.
            Ok(false) => Err(cause),
            // Somebody may run who cannot be reached, or is busy: that is what stands in the way.
            Err(refusal) => Err(match cause.downcast_ref() {
                Some(StoreError::Locked { path, holder }) => {
                    anyhow!("database {}: in use by {holder}; {refusal:#}", path.display())
                }
                _ => refusal,
            }),
        }
    }
}

/// Whether a daemon runs, and has this database open; an error where that cannot be told, or it has no time.
fn own_daemon(daemon: &DaemonSocketArgs, database: Option<PathBuf>) -> anyhow::Result<bool> {
    let query = SqlQuery { sql: "SELECT 1".to_owned(), format: RowFormat::Csv, timeout_s: SAYS_WITHIN_S, database };
    match daemon.ask(&ControlCommand::Query { query }) {
        Ok(answer) => Ok(matches!(answer, Some(ControlReply::Rows(_)))),
        Err(cause) => match cause.downcast_ref() {
            Some(ControlError::Refused(_) | ControlError::Io { .. }) => Err(cause),
            _ => Ok(false),
        },
    }
}
