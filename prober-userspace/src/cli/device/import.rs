//! `prober device import`: signature files out of fingerprint files that the user has.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::super::figure::grouped;
use super::super::output::put;
use super::folder::SignatureFolder;
use crate::device::database::Database;
use crate::device::export::to_files;
use crate::device::import::{ImportSettings, Imported, nmap, recog};

/// Make signature files of recog's XML or nmap's service probes
///
/// What names no maker or kind of device, and patterns that need look-around or back-references, are left out; how many
/// is said. Mind the licences of what you import.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// Which format
    #[arg(value_enum)]
    format: Format,
    /// Fingerprint files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Folder for the signature files, one per maker
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Replace signature files that were edited, or that something else wrote
    #[arg(long)]
    force: bool,
    /// Also what names software only, as devices of kind `other`
    #[arg(long)]
    software: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// XML files of recog
    Recog,
    /// nmap-service-probes
    Nmap,
}

impl ImportArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let settings = ImportSettings { software: self.software };
        let mut all = Imported::default();
        for path in &self.files {
            let bytes = std::fs::read(path).with_context(|| format!("fingerprints {}", path.display()))?;
            let text = String::from_utf8_lossy(&bytes);
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let imported = match self.format {
                Format::Recog => recog::import(&name, &text, settings),
                Format::Nmap => nmap::import(&name, &text, settings),
            };
            all.devices.extend(imported.devices);
            for (reason, count) in imported.left_out {
                *all.left_out.entry(reason).or_default() += count;
            }
        }
        let (database, _) = Database::of(all.devices);
        if database.devices().is_empty() {
            bail!("device import: no device in these files; are they of the format named?");
        }
        let (prefix, command) = match self.format {
            Format::Recog => ("recog-", "import recog"),
            Format::Nmap => ("nmap-", "import nmap"),
        };
        let files = to_files(database.devices(), prefix);
        SignatureFolder::new(&self.output, command).write(&files, self.force)?;
        let count = grouped(database.devices().len() as u64);
        let mut text = format!("{count} devices in {} files in {}\n", files.len(), self.output.display());
        for (reason, count) in all.left_out {
            let _ = writeln!(text, "left out: {} ({reason})", grouped(count as u64));
        }
        Ok(put(&text)?)
    }
}
