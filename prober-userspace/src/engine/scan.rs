//! A scan from request to summary.

use std::path::Path;

use anyhow::{Result, bail};

use crate::model::request::ScanRequest;
use crate::model::status::{ScanSummary, StatusSample};

/// Runs the scan to its end. `observe` sees a sample every second, on the calling thread.
pub fn run(_request: ScanRequest, _observe: &mut dyn FnMut(&StatusSample)) -> Result<ScanSummary> {
    bail!("this build cannot send yet; --dry-run shows the plan")
}

/// The seed of the scan in this database that can be resumed.
pub fn recorded_seed(database: &Path) -> Result<u64> {
    bail!("{} holds no scan to resume", database.display())
}
