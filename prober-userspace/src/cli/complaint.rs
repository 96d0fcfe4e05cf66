//! `prober complaint`: complaints of those who are probed. They are kept in the audit trail, and the daemon counts them:
//! too many stop the roll-out.

use std::process::ExitCode;

use anyhow::bail;

use super::UsageError;
use super::daemon_socket::{DaemonSocketArgs, Reached};
use super::database::{DatabaseArgs, who};
use super::output::{put, put_json};
use super::table::Table;
use crate::io::clock::utc_now;
use crate::io::control::{ControlCommand, ControlReply, ListedComplaint};
use crate::io::store::Access;
use crate::model::attribution::one_line;

/// Complaints of those who are probed
#[derive(Clone, Debug, clap::Args)]
pub struct ComplaintArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Record a complaint: a running daemon counts it at once, else it goes into a database that must be there (--db, else
    /// the daemon's)
    Add {
        #[command(flatten)]
        socket: DaemonSocketArgs,
        #[command(flatten)]
        database: DatabaseArgs,
        /// Who complained about what, on one line; exclusions are added by `prober exclude add`
        #[arg(value_name = "TEXT")]
        text: String,
    },
    /// List what was recorded: by the running daemon, else in a database (--db, else the daemon's, else the scans')
    List {
        #[command(flatten)]
        socket: DaemonSocketArgs,
        #[command(flatten)]
        database: DatabaseArgs,
        /// Print JSON: an array of at, who, text
        #[arg(long)]
        json: bool,
    },
}

impl ComplaintArgs {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Add { socket, database, text } => {
                let text = one_line(&text).map_err(|reason| UsageError(format!("the complaint {reason}")))?;
                let command = ControlCommand::Complain { text: text.clone(), who: who() };
                let reached = if database.is_named() { Reached::Nobody } else { socket.reach(&command)? };
                match reached {
                    Reached::Daemon(status) => {
                        let told =
                            status.rollout.halt.as_ref().map_or_else(String::new, |halt| format!("; stopped: {halt}"));
                        put(&format!("recorded; {} complaints in this step{told}\n", status.rollout.complaints))?;
                    }
                    Reached::Nobody => {
                        let store = socket.database(&database)?;
                        store.add_complaint(utc_now(), &who(), &text)?;
                        let path = store.path().display();
                        put(&format!("recorded in {path}; it will count when a daemon starts with it\n"))?;
                    }
                }
            }
            Action::List { socket, database, json } => list(&socket, &database, json)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(socket: &DaemonSocketArgs, database: &DatabaseArgs, json: bool) -> anyhow::Result<()> {
    let lines: Vec<ListedComplaint> = match socket.ask_unless_named(database, &ControlCommand::Complaints)? {
        Some(ControlReply::Complaints { complaints }) => complaints,
        Some(_) => bail!("complaint list: the daemon answered something else"),
        None => {
            let stored = socket.stopped(database, Access::Read)?.complaints()?;
            stored.into_iter().map(Into::into).collect()
        }
    };
    if json {
        return Ok(put_json(&lines)?);
    }
    let mut table = Table::of(&["at (UTC)", "entered by", "complaint"]);
    for line in lines {
        table.row([line.at, line.who, line.text]);
    }
    Ok(put(&table.render())?)
}
