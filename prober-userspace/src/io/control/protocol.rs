//! What is said over the control socket: one command, one reply, each a JSON object on a line.

use serde::{Deserialize, Serialize};

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
}

/// The answer: the scan's state after the command, or why it was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum ControlReply {
    /// Done; this is how the scan stands.
    Done(StatusSample),
    /// Done; this is how the daemon stands.
    Service(Box<ServiceStatus>),
    /// Not done.
    Refused {
        /// One line saying why.
        reason: String,
    },
}

impl ControlCommand {
    /// Whether only a daemon can do it.
    pub const fn is_for_daemon(&self) -> bool {
        matches!(self, Self::Reload | Self::Nightly | Self::Exclude { .. } | Self::Complain { .. })
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
        command => Ok(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
