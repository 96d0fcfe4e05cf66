//! `prober device export`: the database as signature files, JSON or a table.

use std::path::PathBuf;

use anyhow::{Context, bail};

use super::super::output::{put, put_json};
use super::folder::SignatureFolder;
use super::signatures::SignatureArgs;
use crate::device::export::{DeviceRow, to_csv, to_files, to_row};

/// Export the database
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    signatures: SignatureArgs,
    /// Format
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Where to: a folder for TOML, which gets one file per maker; else a file instead of standard output
    #[arg(short, long, value_name = "DIR|FILE")]
    output: Option<PathBuf>,
    /// Replace signature files that were edited, or that something else wrote
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Signature files
    Toml,
    /// One array of devices
    Json,
    /// One row a keyword
    Csv,
}

impl ExportArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let database = self.signatures.load()?;
        let text = match (self.format, &self.output) {
            (Format::Toml, Some(folder)) => {
                let files = to_files(database.devices(), "");
                SignatureFolder::new(folder, "export").write(&files, self.force)?;
                return Ok(put(&format!("{} files in {}\n", files.len(), folder.display()))?);
            }
            (Format::Toml, None) => bail!("device export: signature files need a folder: name one with -o"),
            (Format::Csv, _) => to_csv(database.devices()),
            (Format::Json, None) => {
                return Ok(put_json(&database.devices().iter().map(to_row).collect::<Vec<DeviceRow<'_>>>())?);
            }
            (Format::Json, Some(_)) => {
                serde_json::to_string_pretty(&database.devices().iter().map(to_row).collect::<Vec<_>>())? + "\n"
            }
        };
        match &self.output {
            Some(file) => std::fs::write(file, text).with_context(|| format!("writing {}", file.display())),
            None => Ok(put(&text)?),
        }
    }
}
