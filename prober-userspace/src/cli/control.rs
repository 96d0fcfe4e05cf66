//! `prober control`: one command to a running scan.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::UsageError;
use super::output::{put, put_json};
use super::progress::progress_line;
use super::settings::parse_rate;
use crate::io::control::{ControlCommand, default_socket, find_socket, send};
use crate::model::request::RateLimit;

/// Arguments of `prober control`.
#[derive(Debug, Args)]
pub struct ControlArguments {
    /// Socket of the scan (default: the only running scan's)
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
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
        /// Probes per second, like 500 or 10k
        #[arg(value_name = "PPS")]
        rate: String,
    },
    /// Hold sending back; replies are still received
    Pause,
    /// Send again
    Resume,
    /// End the scan cleanly; --resume continues it
    Stop,
    /// Show how it goes
    Status,
}

/// Wide enough for every part of the line.
const WIDTH: usize = 160;

impl ControlArguments {
    /// Sends the command and prints the scan's state after it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let command = match &self.action {
            Action::Rate { rate } => ControlCommand::Rate { pps: packets(rate)? },
            Action::Pause => ControlCommand::Pause,
            Action::Resume => ControlCommand::Resume,
            Action::Stop => ControlCommand::Stop,
            Action::Status => ControlCommand::Status,
        };
        let socket = match (self.socket, self.interface) {
            (Some(socket), _) => socket,
            (None, Some(interface)) => default_socket(&interface),
            (None, None) => find_socket()?,
        };
        let status = send(&socket, command)?;
        if self.json {
            put_json(&status)?;
        } else {
            put(&format!("{}\n", progress_line(&status, WIDTH)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn packets(text: &str) -> Result<f64, UsageError> {
    match parse_rate(text) {
        Ok(RateLimit::Packets(pps)) => Ok(pps),
        Ok(RateLimit::Bits(_) | RateLimit::Unlimited) => {
            Err(UsageError("rate: write packets per second like 10k".into()))
        }
        Err(reason) => Err(UsageError(format!("rate: {reason}"))),
    }
}
