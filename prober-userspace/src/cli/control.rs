//! `prober control`: one command to a running scan or daemon.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::UsageError;
use super::daemon_socket::find;
use super::output::{put, put_json};
use super::progress::progress_line;
use super::settings::{parse_bandwidth, parse_rate};
use super::status::screen;
use crate::io::control::{ControlCommand, Standing, send, socket_of};
use crate::model::request::RateLimit;

/// Arguments of `prober control`.
#[derive(Debug, Args)]
pub struct ControlArguments {
    /// Socket of the scan or daemon (default: the only running one's)
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
    /// Configuration of the daemon, instead of its socket
    #[arg(long, value_name = "FILE", global = true, conflicts_with_all = ["socket", "interface"])]
    config: Option<PathBuf>,
    /// Interface of the scan, instead of its socket
    #[arg(short, long, value_name = "NAME", global = true, conflicts_with = "socket")]
    interface: Option<String>,
    /// Print the scan's state as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Send at this rate from now on
    Rate {
        /// Probes per second, like 500, 10k or max
        #[arg(value_name = "PPS")]
        rate: String,
    },
    /// Keep to this bandwidth from now on, instead of a rate
    Bandwidth {
        /// Bits per second on the wire, like 10M
        #[arg(value_name = "BPS")]
        bandwidth: String,
    },
    /// Hold sending back; replies are still received
    Pause,
    /// Send again
    Resume,
    /// End the scan cleanly; --resume continues it
    Stop,
    /// Show how it goes
    Status,
    /// Daemon: read configuration, exclusions and signatures again, without a pause
    Reload,
    /// Daemon: learn of networks, export, remove old rows now, not only at night; started when this returns
    Nightly,
}

/// Wide enough for every part of the line.
const WIDTH: usize = 160;

impl ControlArguments {
    /// Sends the command and prints the scan's state after it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let command = match &self.action {
            Action::Rate { rate } => command(parse_rate(rate), "rate")?,
            Action::Bandwidth { bandwidth } => command(parse_bandwidth(bandwidth), "bandwidth")?,
            Action::Pause => ControlCommand::Pause,
            Action::Resume => ControlCommand::Resume,
            Action::Stop => ControlCommand::Stop,
            Action::Status => ControlCommand::Status,
            Action::Reload => ControlCommand::Reload,
            Action::Nightly => ControlCommand::Nightly,
        };
        let socket = match (self.socket, self.interface) {
            (Some(socket), _) => socket,
            (None, Some(interface)) => socket_of(&interface),
            (None, None) => find(self.config.as_deref())?,
        };
        match send(&socket, &command)? {
            Standing::Scan(sample) if self.json => put_json(&sample)?,
            Standing::Scan(sample) => put(&format!("{}\n", progress_line(&sample, WIDTH)))?,
            Standing::Service(status) if self.json => put_json(&status)?,
            Standing::Service(status) => put(&screen(&status))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn command(limit: Result<RateLimit, String>, what: &str) -> Result<ControlCommand, UsageError> {
    match limit {
        Ok(RateLimit::Packets(pps)) => Ok(ControlCommand::Rate { pps }),
        Ok(RateLimit::Bits(bps)) => Ok(ControlCommand::Bandwidth { bps }),
        Ok(RateLimit::Unlimited) => Ok(ControlCommand::Unlimited),
        Err(reason) => Err(UsageError(format!("{what}: {reason}"))),
    }
}
