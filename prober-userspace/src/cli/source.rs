//! Where the traces of an estimate come from: a file, or a stored scan whose estimates are stored as well.

use std::path::PathBuf;

use anyhow::{Context, anyhow};

use super::UsageError;
use super::database::DatabaseArgs;
use crate::io::store::{Access, NetworkBatch, Store};
use crate::io::trace::read_traces;
use crate::model::scan::ScanId;
use crate::model::trace::Trace;
use crate::model::utc::UtcMicros;
use crate::network::posterior::CONFIDENCE_MIN;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct TraceSource {
    /// Trace file: CSV, plain or gzipped, or Parquet; - is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "scan")]
    traces: Option<PathBuf>,
    /// A stored scan instead: its number, or `last`; the estimates are stored with it
    #[arg(long, value_name = "ID", conflicts_with = "traces", value_parser = scan)]
    scan: Option<Scan>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// With --scan: do not store the estimates
    #[arg(long, requires = "scan")]
    no_store: bool,
    /// Below this probability an estimate is `unknown`
    #[arg(long, value_name = "P", default_value_t = CONFIDENCE_MIN)]
    confidence: f64,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// A stored scan; `None`: the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scan(Option<ScanId>);

pub(super) fn scan(text: &str) -> Result<Scan, String> {
    match text {
        "last" | "latest" => Ok(Scan(None)),
        number => number.parse().map(|id| Scan(Some(ScanId(id)))).map_err(|_| "a scan's number, or `last`".to_owned()),
    }
}

/// Where estimates of a stored scan go.
pub(super) struct Study {
    pub(super) store: Store,
    scan: ScanId,
}

impl Study {
    pub(super) fn batch(&self, estimated_at: UtcMicros, model: &str) -> NetworkBatch {
        NetworkBatch { scan: self.scan, estimated_at, model: model.to_owned() }
    }
}

impl TraceSource {
    /// The traces, and where to store estimates of them, if anywhere.
    pub(super) fn read(&self) -> anyhow::Result<(Vec<Trace>, Option<Study>)> {
        if let Some(path) = &self.traces {
            return Ok((read_traces(path)?, None));
        }
        let Scan(wanted) = self.scan.context("neither traces nor a scan")?;
        let access = if self.no_store { Access::Read } else { Access::Write };
        let path = self.database.path()?;
        // Opening to write would make the file.
        if !Store::is_there(&path)? {
            return Err(anyhow!("there is no database {}; --db names one", path.display()));
        }
        let (store, scan, traces) = scan_traces(&self.database, access, wanted)?;
        Ok((traces, (!self.no_store).then_some(Study { store, scan })))
    }

    /// What a label must reach.
    pub(super) fn confidence(&self) -> anyhow::Result<f64> {
        if (0.0..=1.0).contains(&self.confidence) {
            return Ok(self.confidence);
        }
        Err(UsageError(format!("--confidence is {}; it must lie between 0 and 1", self.confidence)).into())
    }
}

fn scan_traces(
    database: &DatabaseArgs,
    access: Access,
    wanted: Option<ScanId>,
) -> anyhow::Result<(Store, ScanId, Vec<Trace>)> {
    let store = database.open(access)?;
    let scan = store.scan_or_last(wanted)?.ok_or_else(|| {
        let which = wanted.map_or_else(|| "no scan".to_owned(), |scan| format!("no scan {}", scan.0));
        anyhow!("there is {which} in {}; `prober report` lists them", store.path().display())
    })?;
    let traces = store.traces(scan)?;
    if traces.is_empty() {
        return Err(anyhow!("scan {} in {} has no replies", scan.0, store.path().display()));
    }
    Ok((store, scan, traces))
}

/// The traces of a stored scan, for export.
pub(super) fn stored_traces(database: &DatabaseArgs, Scan(wanted): Scan) -> anyhow::Result<Vec<Trace>> {
    scan_traces(database, Access::Read, wanted).map(|(.., traces)| traces)
}
