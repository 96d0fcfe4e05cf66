//! Commands that only look into a database: each sight is gathered and shown in one place, whether the database is open here
//! or a running daemon has it.

use std::time::Duration;

use anyhow::bail;

use super::daemon_socket::DaemonSocketArgs;
use super::database::DatabaseArgs;
use super::holder::Holder;
use super::output::one_line;
use super::sql::foreign::read_only;
use super::{plan, ports, report};
use crate::io::control::{ControlCommand, ControlError, ControlReply, LONGEST_QUERY_S};
use crate::io::store::Store;
use crate::model::look::{Look, Seen, Sight};

/// Where to look.
#[derive(Clone, Debug, clap::Args)]
pub struct LookArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    daemon: DaemonSocketArgs,
}

impl LookArgs {
    /// Looks into the database, or lets the running daemon that has it open look.
    pub(super) fn look(&self, sight: Sight, json: bool) -> anyhow::Result<Seen> {
        let database = match Holder::find(&self.database, &self.daemon)? {
            Holder::Own(store) => return seen(&store, &Look { sight, json, database: None }),
            Holder::Daemon(database) => database,
        };
        let look = Look { sight, json, database };
        match self.daemon.ask(&ControlCommand::Look { look })? {
            Some(ControlReply::Seen(seen)) => Ok(seen),
            Some(_) => bail!("the daemon answered something else; is it of this version?"),
            None => Err(ControlError::Nobody(self.daemon.socket()).into()),
        }
    }
}

/// Looks into the daemon's own database for somebody else, unless nobody wants to see it any more; an error is one line.
pub(super) fn show(store: &Store, look: &Look, is_wanted: impl Fn() -> bool + Send) -> Result<Seen, String> {
    let limit = Duration::from_secs(LONGEST_QUERY_S);
    let (seen, is_late) = read_only(store.connection(), limit, is_wanted, || seen(store, look))?;
    let late =
        || format!("it took longer than {LONGEST_QUERY_S} s and was given up; read what [export] writes each night");
    seen.map_err(|cause| if is_late { late() } else { one_line(&cause) })
}

fn seen(store: &Store, look: &Look) -> anyhow::Result<Seen> {
    let json = look.json;
    match &look.sight {
        Sight::Report { scan, page } => report::seen(store, *scan, *page, json),
        Sight::Clusters => plan::clusters(store, json).map(Seen::from),
        Sight::Plan(wanted) => plan::cluster_plan(store, wanted, json).map(Seen::from),
        Sight::PortSets(wanted) => ports::sets(store, *wanted, json).map(Seen::from),
    }
}
