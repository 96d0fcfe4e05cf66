//! The commands, one file each, and the settings layers. Decisions are made elsewhere; here is what the user types and
//! sees.

pub mod cause;
pub mod complaint;
pub mod config;
pub mod control;
pub mod daemon;
mod daemon_socket;
mod database;
pub mod device;
pub mod doctor;
pub mod exclude;
pub mod export;
mod figure;
pub mod grab;
mod holder;
mod interrupt;
mod learning;
pub mod log_format;
mod look;
pub mod network;
pub mod output;
pub mod plan;
pub mod ports;
pub mod progress;
pub mod report;
pub mod scan;
pub mod settings;
pub mod simulate;
mod source;
pub mod sql;
pub mod status;
pub mod study;
mod table;
pub mod trace;
pub mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::io::privileges;

/// High-rate stateless prober for watching over the IoT devices of large networks.
#[derive(Debug, Parser)]
#[command(name = "prober", version, max_term_width = 110, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Probe targets and store what answers
    Scan(Box<scan::ScanCommand>),
    /// Ask services who they are (a list, or the open ports of a stored scan) and store what they say
    Grab(Box<grab::GrabCommand>),
    /// Change or ask a running scan or daemon: rate, pause, resume, stop, status, reload, nightly
    Control(control::ControlArguments),
    Report(report::ReportArgs),
    Sql(sql::SqlArgs),
    Export(export::ExportArgs),
    Exclude(exclude::ExcludeArgs),
    Daemon(daemon::DaemonCommand),
    Config(config::ConfigArgs),
    Status(status::StatusArgs),
    Complaint(complaint::ComplaintArgs),
    Device(Box<device::DeviceArgs>),
    Network(Box<network::NetworkArgs>),
    Cause(Box<cause::CauseArgs>),
    Study(Box<study::StudyCommand>),
    Trace(trace::TraceArgs),
    Watch(Box<watch::WatchCommand>),
    Plan(plan::PlanArgs),
    Ports(ports::PortsArgs),
    Simulate(simulate::SimulateArgs),
    /// Check this host: kernel, driver, capabilities, gateway, clock, and what to do about each
    Doctor(doctor::DoctorArguments),
}

/// What was asked for cannot mean anything: exit code 2 instead of 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Runs the command that the process was started with; gives its exit code: 0 done, 1 failed, 2 wrongly used.
pub fn run() -> ExitCode {
    privileges::restrict_new_files();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refusal) => return output::refuse(&refusal),
    };
    log_format::start();
    let outcome = match arguments.command {
        Command::Scan(command) => command.run(),
        Command::Grab(command) => command.run(),
        Command::Control(command) => command.run(),
        Command::Report(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Sql(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Export(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Exclude(command) => command.run(),
        Command::Daemon(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Complaint(command) => command.run(),
        Command::Device(command) => command.run(),
        Command::Network(command) => command.run(),
        Command::Cause(command) => command.run(),
        Command::Study(command) => command.run(),
        Command::Trace(command) => command.run(),
        Command::Watch(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Ports(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Doctor(command) => command.run(),
    };
    outcome.unwrap_or_else(|error| output::report(&error))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
