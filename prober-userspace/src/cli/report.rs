//! `prober report`: what a scan found, how fast it went and whether every reply is accounted for.

mod causes;
pub(super) mod chart;
mod congestion;
mod figures;
pub(super) mod html;
mod met;
mod models;
mod networks;
mod text;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::Context;

use super::look::LookArgs;
use super::output::{json_text, put};
use crate::io::clock::utc_now;
use crate::io::store::Store;
use crate::model::look::{Seen, Sight};
use crate::model::scan::ScanId;

pub use figures::Report;

/// Report on a scan
///
/// The fields of --json are stable: new ones may be added, none is renamed. Times are UTC, RTTs are in milliseconds. Of a
/// database that the running daemon has open the daemon makes the report; of a watch it is one of the moment.
#[derive(Clone, Debug, clap::Args)]
pub struct ReportArgs {
    #[command(flatten)]
    place: LookArgs,
    /// Number of the scan, or `latest`
    #[arg(long, value_name = "ID", default_value = "latest", value_parser = scan_choice)]
    scan: ScanChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Also write one self-contained page with charts
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// A drawing with its words.
struct Picture {
    title: String,
    note: String,
    content: String,
    /// Class of its card.
    class: &'static str,
}

/// Which scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScanChoice {
    Latest,
    Number(ScanId),
}

impl ScanChoice {
    pub(super) fn number(self) -> Option<ScanId> {
        match self {
            Self::Latest => None,
            Self::Number(scan) => Some(scan),
        }
    }
}

/// Parses the value of `--scan`.
pub(super) fn scan_choice(text: &str) -> Result<ScanChoice, String> {
    match text {
        "latest" => Ok(ScanChoice::Latest),
        number => match number.parse() {
            Ok(number) => Ok(ScanChoice::Number(ScanId(number))),
            Err(_) => Err("write the number of a scan, or latest".to_owned()),
        },
    }
}

impl ReportArgs {
    /// Reads the database once and prints.
    pub fn run(self) -> anyhow::Result<()> {
        let sight = Sight::Report { scan: self.scan.number(), page: self.html.is_some() };
        let Seen { text, page } = self.place.look(sight, self.json)?;
        if let Some((file, page)) = self.html.as_ref().zip(page) {
            std::fs::write(file, page).with_context(|| format!("report to {}", file.display()))?;
        }
        Ok(put(&text)?)
    }
}

/// The report on a scan, also as a page if that is wanted.
pub(super) fn seen(store: &Store, scan: Option<ScanId>, page: bool, json: bool) -> anyhow::Result<Seen> {
    let report = Report::read(store, scan, utc_now())?;
    let text = if json { json_text(&report)? } else { text::render(&report) };
    Ok(Seen { text, page: page.then(|| html::page(&report)) })
}
