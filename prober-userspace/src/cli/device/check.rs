//! `prober device check`: the lint of signatures.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::super::figure::grouped;
use super::super::output::{put, put_json};
use super::banners::for_each_line;
use super::signatures::{self, SignatureFile};
use crate::device::lint::{Finding, Negative, Rule, lint};
use crate::device::starter;

/// Check signature files; exit code 1 if anything is wrong
///
/// Weights add up to at most 1 and claim no more than the level; each keyword matches an example, each example reaches
/// the threshold, no negative does; no pattern is over-broad or without a literal of four bytes. With --json prints an
/// array of file, line, rule, device, reason.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Signature files or folders; the starter database by default
    #[arg(value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Banners that are of no device, as JSON lines with `banner` (also gzipped); those with `ambiguous` are left out
    #[arg(long, value_name = "FILE")]
    negatives: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    file: String,
    line: usize,
    rule: &'static str,
    device: String,
    reason: String,
}

impl CheckArgs {
    /// Prints one line for each finding.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut files: Vec<SignatureFile> = Vec::new();
        for path in &self.files {
            files.extend(signatures::read_all(path, false)?);
        }
        if self.files.is_empty() {
            files.extend(starter::files().map(|(name, text)| (name.to_owned(), text.to_owned())));
        }
        let mut negatives = Vec::new();
        for path in &self.negatives {
            read_negatives(path, &mut negatives)?;
        }
        let (database, faults) = signatures::load(&files);
        let mut findings: Vec<Finding> = faults
            .into_iter()
            .map(|fault| Finding {
                place: fault.place,
                rule: Rule::Format,
                device: String::new(),
                reason: fault.reason.to_string(),
            })
            .collect();
        findings.extend(lint(&database, &negatives));
        let code = if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if self.json {
            let row = |finding: Finding| Row {
                file: finding.place.file,
                line: finding.place.line,
                rule: finding.rule.name(),
                device: finding.device,
                reason: finding.reason,
            };
            put_json(&findings.into_iter().map(row).collect::<Vec<_>>())?;
            return Ok(code);
        }
        let mut text: String = findings.iter().fold(String::new(), |text, finding| text + &finding.to_string() + "\n");
        let _ = writeln!(
            text,
            "{} devices, {} keywords, {} negatives: {} faults",
            grouped(database.devices().len() as u64),
            grouped(database.devices().iter().map(|device| device.keywords.len() as u64).sum()),
            grouped(negatives.len() as u64),
            grouped(findings.len() as u64),
        );
        put(&text)?;
        Ok(code)
    }
}

fn read_negatives(path: &Path, negatives: &mut Vec<Negative>) -> anyhow::Result<()> {
    for_each_line(path, |number, line| {
        if line.ambiguous != Some(true) {
            let place = format!("{}:{number}", path.display());
            negatives.push(Negative { place, banner: line.banner.into_bytes() });
        }
        Ok(())
    })
}
