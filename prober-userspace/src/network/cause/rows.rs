//! Training rows of a terminal: its series as a whole and in parts, so that estimates are right for short series too.

use super::features::cause_features;
use crate::model::trace::{Trace, TraceProbe};
use crate::network::feature::Features;

/// Lengths of the parts, in probes, with what one of them counts against the whole series.
const PARTS: [(usize, f64); 4] = [(150, 0.5), (75, 0.3), (30, 0.15), (10, 0.08)];
/// Parts of each length.
const PARTS_MAX: usize = 3;

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Figures.
    pub features: Features,
    /// How many probes it is of.
    pub probes: usize,
    /// How many of them were answered.
    pub answered: usize,
    /// How much it counts in training.
    pub weight: f64,
    /// Whether it is the whole series: what an evaluation counts.
    pub is_whole: bool,
}

/// All rows of a terminal.
pub fn rows_of_trace(trace: &Trace) -> Vec<Row> {
    let probes = &trace.probes;
    let row = |probes: &[TraceProbe], weight, is_whole| {
        let answered = probes.iter().filter(|probe| probe.rtt_ms.is_some()).count();
        Row { features: cause_features(probes), probes: probes.len(), answered, weight, is_whole }
    };
    let mut rows = vec![row(probes, 1.0, true)];
    for (length, weight) in PARTS {
        let Some(room) = probes.len().checked_sub(length + 1) else { continue };
        for part in 0..PARTS_MAX {
            let from = room * part / (PARTS_MAX - 1);
            rows.push(row(&probes[from..from + length], weight, false));
        }
    }
    rows
}
