//! `prober trace`: probe traces as files.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::database::DatabaseArgs;
use super::output::{put, put_json};
use super::source::{Scan, scan, stored_traces};
use crate::io::trace::{LineOrder, read_traces_in, write_traces};

/// Probe traces as files, out of stored scans or other files
#[derive(Clone, Debug, clap::Args)]
pub struct TraceArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    Export(ExportArgs),
}

/// Write the traces of a stored scan, or those of a file in another format
///
/// One line for each probe, the columns as in `prober network estimate --help`. A name that ends in .parquet is written as
/// Parquet, one in .gz gzipped, any other as plain CSV.
#[derive(Clone, Debug, clap::Args)]
struct ExportArgs {
    /// The stored scan: its number, or `last`
    #[arg(long, value_name = "ID", value_parser = scan, required_unless_present = "traces")]
    scan: Option<Scan>,
    /// A trace file instead
    #[arg(long, value_name = "FILE", conflicts_with = "scan")]
    traces: Option<PathBuf>,
    /// Lines of the file may be in any order; without this, a terminal's that are not in the order of time are an error
    #[arg(long, requires = "traces", conflicts_with = "scan")]
    sort_by_time: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Where to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    to: PathBuf,
    terminals: usize,
    probes: u64,
}

impl TraceArgs {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Action::Export(arguments) = self.action;
        arguments.run().map(|()| ExitCode::SUCCESS)
    }
}

impl ExportArgs {
    fn run(self) -> anyhow::Result<()> {
        let order = if self.sort_by_time { LineOrder::Any } else { LineOrder::ByTime };
        let traces = match (&self.traces, self.scan) {
            (Some(path), _) => read_traces_in(path, order)?,
            (None, Some(scan)) => stored_traces(&self.database, scan)?,
            (None, None) => unreachable!("clap asks for one of them"),
        };
        let probes = write_traces(&self.to, &traces)?;
        let figures = Figures { to: self.to, terminals: traces.len(), probes };
        if self.json {
            return Ok(put_json(&figures)?);
        }
        Ok(put(&format!("{} probes of {} terminals to {}\n", probes, figures.terminals, figures.to.display()))?)
    }
}
