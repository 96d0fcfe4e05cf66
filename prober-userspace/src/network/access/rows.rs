//! Training and evaluation rows of a place: each terminal's series as a whole and in parts, with all surroundings and with
//! fewer, so that estimates are right for few probes and without a gateway too.

use super::access_features;
use super::bare::bare;
use crate::model::trace::{Role, Trace, TraceProbe};
use crate::network::feature::Features;
use crate::network::transit::{Surroundings, hops_of};

/// Parts from the middle, where the first contact is past, count less: whoever probes sees the first contact.
const MIDDLE_WEIGHT: f64 = 0.15;
/// What a series without hops, ports and most of its way counts.
const BARE_WEIGHT: f64 = 0.5;
/// Longest part from the middle, in probes.
const MIDDLE_MAX: usize = 10;

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The trace it is of, as a place in the slice given.
    pub trace: usize,
    /// Figures.
    pub features: Features,
    /// How many probes it is of.
    pub probes: usize,
    /// How much it counts in training.
    pub weight: f64,
    /// Whether it is the whole series with all that is known: what an evaluation counts.
    pub is_whole: bool,
}

/// All rows of the traces of one place, with parts of these lengths, in probes. Rows without any reply are left out.
pub fn rows_of_place(traces: &[&Trace], lengths: &[usize]) -> Vec<Row> {
    let mut rows = Vec::new();
    let longest = traces.iter().map(|trace| trace.probes.len()).max().unwrap_or(0);
    let lengths: Vec<usize> = lengths.iter().copied().filter(|length| *length < longest).chain([longest]).collect();
    for &length in &lengths {
        let is_whole = length == longest;
        let starts = if length <= MIDDLE_MAX && !is_whole { 0..3 } else { 0..1 };
        for start in starts {
            // From the beginning, and twice from the middle: a third and two thirds in.
            let part = |trace: &Trace| -> (usize, usize) {
                let room = trace.probes.len().saturating_sub(length);
                (room * start / 3, (room * start / 3 + length).min(trace.probes.len()))
            };
            let weight = if start == 0 { 1.0 } else { MIDDLE_WEIGHT };
            push_rows(traces, part, weight, is_whole, &mut rows);
        }
    }
    rows
}

fn push_rows(
    traces: &[&Trace],
    part: impl Fn(&Trace) -> (usize, usize),
    weight: f64,
    is_whole: bool,
    rows: &mut Vec<Row>,
) {
    fn cut(trace: &Trace, (from, to): (usize, usize)) -> &[TraceProbe] {
        &trace.probes[from..to]
    }
    for (index, trace) in traces.iter().enumerate().filter(|(_, trace)| trace.role == Role::Terminal) {
        let probes = cut(trace, part(trace));
        if probes.iter().all(|probe| probe.rtt_ms.is_none()) {
            continue;
        }
        let all = Surroundings::of(traces, index, |other| cut(other, part(other)));
        let alone = Surroundings::default();
        let mut variants = vec![(&all, is_whole, weight)];
        let neighbours = Surroundings { gateway: None, terminals: all.terminals.clone() };
        if all.gateway.is_some() {
            variants.push((&neighbours, false, 0.5 * weight));
        }
        let is_alone = all == alone;
        if !is_alone {
            variants.push((&alone, false, 0.5 * weight));
        }
        for (surroundings, is_whole, weight) in variants {
            let features = access_features(probes, surroundings);
            rows.push(Row { trace: index, features, probes: probes.len(), weight, is_whole });
        }
        if hops_of(probes).is_none() {
            continue;
        }
        let features = access_features(&bare(probes, all.gateway.as_ref(), rows.len()), &alone);
        rows.push(Row { trace: index, features, probes: probes.len(), weight: BARE_WEIGHT * weight, is_whole: false });
    }
}
