//! What is said over the control socket: one command, one reply, each a JSON object on a line.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::listing::{ExcludedAddress, ListedComplaint, ListedExclusion};
use crate::model::look::{Look, Seen};
use crate::model::outlook::Outlook;
use crate::model::query::{SqlAnswer, SqlQuery};
use crate::model::service_status::ServiceStatus;
use crate::model::status::StatusSample;

/// A command for a running scan or daemon. `{"command":"rate","pps":50000}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum ControlCommand {
    /// Aim at this rate from now on.
    Rate {
        /// Packets per second, above 0.
        pps: f64,
    },
    /// Aim at this bandwidth from now on.
    Bandwidth {
        /// Bits per second on the wire, above 0.
        bps: f64,
    },
    /// Send as fast as the interface takes probes.
    Unlimited,
    /// Hold sending back; go on receiving.
    Pause,
    /// Send again.
    Resume,
    /// End the scan cleanly, with a checkpoint.
    Stop,
    /// Change nothing, only tell how it goes.
    Status,
    /// Read configuration, exclusions and signatures again; a daemon only.
    Reload,
    /// Do the work of a night now; a daemon only.
    Nightly,
    /// Never probe these again, and remember it; a daemon only.
    Exclude {
        /// Addresses, prefixes or ranges.
        ranges: Vec<String>,
        /// Who asked and why.
        reason: String,
        /// Who entered it.
        who: String,
    },
    /// Someone complained; a daemon only.
    Complain {
        /// Who, about what.
        text: String,
        /// Who entered it.
        who: String,
    },
    /// Remove stored exclusions, each as it was added; a daemon only.
    Unexclude {
        /// Addresses, prefixes or ranges.
        ranges: Vec<String>,
        /// Who asks.
        who: String,
    },
    /// Remove everything that is stored of excluded addresses; a daemon only.
    Forget {
        /// Addresses, prefixes or ranges.
        ranges: Vec<String>,
        /// Who asks.
        who: String,
    },
    /// What is known of an address, and what comes next there; a daemon only.
    Why {
        /// Of which.
        address: Ipv4Addr,
    },
    /// The stored exclusions; a daemon only.
    Exclusions,
    /// Whether addresses are excluded at this moment, by whatever list; a daemon only.
    Excluded {
        /// Which.
        addresses: Vec<Ipv4Addr>,
    },
    /// The complaints; a daemon only.
    Complaints,
    /// Rows of the database; a daemon only.
    Query {
        /// Which.
        query: SqlQuery,
    },
    /// A look into the database; a daemon only.
    Look {
        /// At what.
        look: Look,
    },
}

/// The longest time that a query may be given, and that a look may take, s.
pub const LONGEST_QUERY_S: u64 = 600;
/// How long it may take to forget.
const FORGETTING: Duration = Duration::from_mins(30);
/// How long it may take to read a list.
const LISTING: Duration = Duration::from_secs(30);

/// The answer: the scan's state after the command, or why it was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum ControlReply {
    /// Done; this is how the scan stands.
    Done(StatusSample),
    /// Done; this is how the daemon stands.
    Service(Box<ServiceStatus>),
    /// What is known of an address.
    Outlook(Box<Outlook>),
    /// Stored exclusions.
    Exclusions {
        /// In the order of their addresses.
        exclusions: Vec<ListedExclusion>,
    },
    /// Whether addresses are excluded.
    Excluded {
        /// In the order in which they were asked for.
        addresses: Vec<ExcludedAddress>,
    },
    /// Complaints.
    Complaints {
        /// The oldest first.
        complaints: Vec<ListedComplaint>,
    },
    /// Rows of the database.
    Rows(SqlAnswer),
    /// What a look has seen.
    Seen(Seen),
    /// What is stored of addresses is removed.
    Forgotten(Forgotten),
    /// Not done, as the daemon's database is another one than was asked for.
    Elsewhere {
        /// Its own.
        database: PathBuf,
    },
    /// Not done.
    Refused {
        /// One line saying why.
        reason: String,
    },
}

/// What was removed. Stable field names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Addresses that were named.
    pub addresses: u64,
    /// Rows removed, by table.
    pub rows: BTreeMap<String, u64>,
    /// Folders of exported days: they are not written anew, and may hold the same rows.
    pub exported_days: Vec<PathBuf>,
}

impl ControlCommand {
    /// Whether only a daemon can do it.
    pub const fn is_for_daemon(&self) -> bool {
        let is_for_scan = matches!(
            self,
            Self::Rate { .. }
                | Self::Bandwidth { .. }
                | Self::Unlimited
                | Self::Pause
                | Self::Resume
                | Self::Stop
                | Self::Status
        );
        !is_for_scan
    }

    /// How much longer than others it may take.
    pub fn takes(&self) -> Duration {
        match self {
            Self::Query { query } => Duration::from_secs(query.timeout_s.min(LONGEST_QUERY_S)),
            Self::Look { .. } => Duration::from_secs(LONGEST_QUERY_S),
            Self::Forget { .. } => FORGETTING,
            Self::Exclusions | Self::Excluded { .. } | Self::Complaints => LISTING,
            _ => Duration::ZERO,
        }
    }
}

impl ControlReply {
    /// A refusal.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}

/// Reads a command; the error is one line for the client.
pub fn parse_command(line: &str) -> Result<ControlCommand, String> {
    let command = serde_json::from_str(line).map_err(|cause| format!("not a command: {cause}"))?;
    match command {
        ControlCommand::Rate { pps: rate } | ControlCommand::Bandwidth { bps: rate }
            if !(rate.is_finite() && rate > 0.0) =>
        {
            Err(format!("rate {rate} is not above 0; use pause to stop sending"))
        }
        ControlCommand::Query { query: SqlQuery { timeout_s, .. } } if !(1..=LONGEST_QUERY_S).contains(&timeout_s) => {
            Err(format!("a query may take 1 to {LONGEST_QUERY_S} s, not {timeout_s}"))
        }
        command => Ok(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::look::Sight;
    use crate::model::query::RowFormat;
    use crate::model::scan::ScanId;

    fn query(timeout_s: u64) -> SqlQuery {
        SqlQuery { sql: "FROM scan".into(), format: RowFormat::Csv, timeout_s, database: None }
    }

    #[test]
    fn commands_on_the_wire_are_stable() {
        let commands = [
            ControlCommand::Rate { pps: 50_000.0 },
            ControlCommand::Pause,
            ControlCommand::Resume,
            ControlCommand::Stop,
            ControlCommand::Status,
            ControlCommand::Reload,
            ControlCommand::Nightly,
            ControlCommand::Exclude { ranges: vec!["192.0.2.0/24".into()], reason: "asked".into(), who: "me".into() },
            ControlCommand::Complain { text: "by mail".into(), who: "me".into() },
            ControlCommand::Unexclude { ranges: vec!["192.0.2.0/24".into()], who: "me".into() },
            ControlCommand::Forget { ranges: vec!["192.0.2.0/24".into()], who: "me".into() },
            ControlCommand::Why { address: Ipv4Addr::new(192, 0, 2, 7) },
            ControlCommand::Exclusions,
            ControlCommand::Excluded { addresses: vec![Ipv4Addr::new(192, 0, 2, 7)] },
            ControlCommand::Complaints,
            ControlCommand::Query { query: query(30) },
            ControlCommand::Look {
                look: Look { sight: Sight::Report { scan: Some(ScanId(3)), page: true }, json: false, database: None },
            },
        ];
        let lines = commands.each_ref().map(|command| serde_json::to_string(command).unwrap());
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"command":"rate","pps":50000.0}
        {"command":"pause"}
        {"command":"resume"}
        {"command":"stop"}
        {"command":"status"}
        {"command":"reload"}
        {"command":"nightly"}
        {"command":"exclude","ranges":["192.0.2.0/24"],"reason":"asked","who":"me"}
        {"command":"complain","text":"by mail","who":"me"}
        {"command":"unexclude","ranges":["192.0.2.0/24"],"who":"me"}
        {"command":"forget","ranges":["192.0.2.0/24"],"who":"me"}
        {"command":"why","address":"192.0.2.7"}
        {"command":"exclusions"}
        {"command":"excluded","addresses":["192.0.2.7"]}
        {"command":"complaints"}
        {"command":"query","query":{"sql":"FROM scan","format":"csv","timeout_s":30,"database":null}}
        {"command":"look","look":{"sight":{"report":{"scan":3,"page":true}},"json":false,"database":null}}
        "#);
        for (command, line) in commands.iter().zip(&lines) {
            assert_eq!(parse_command(line).as_ref(), Ok(command));
        }
    }

    #[test]
    fn nonsense_is_refused_in_one_line() {
        let bad = ["", "rate 5", "{}", r#"{"command":"fly"}"#, r#"{"command":"rate","pps":0}"#];
        for line in bad {
            let reason = parse_command(line).unwrap_err();
            assert!(!reason.contains('\n'), "{reason}");
        }
        assert!(parse_command(r#"{"command":"rate","pps":-1}"#).unwrap_err().contains("use pause"));
        for timeout_s in [0, 601, u64::MAX] {
            let line = serde_json::to_string(&ControlCommand::Query { query: query(timeout_s) }).unwrap();
            assert!(parse_command(&line).unwrap_err().contains("1 to 600 s"));
        }
    }
}
