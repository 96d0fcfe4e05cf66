//! The types of the terminals of one place.

use serde::Serialize;

use super::access_features;
use crate::model::access::AccessType;
use crate::model::trace::{Answer, Role, Trace};
use crate::network::hop::is_several_hosts;
use crate::network::model::Model;
use crate::network::posterior::Posterior;
use crate::network::task::{hop_line, places};
use crate::network::transit::{HopLine, Surroundings, Transit, hops_of};

/// Replies of which one at least did not wait for anything unusual.
const SEVERAL_REPLIES: usize = 3;

/// An estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkEstimate {
    /// Prefix or scenario.
    pub place: String,
    /// Terminal.
    pub terminal: String,
    /// Probes it is of.
    pub probes: usize,
    /// How many were answered.
    pub answered: usize,
    /// Name of the type; nothing if none is probable enough.
    pub network_type: Option<String>,
    /// Probability of the most probable type.
    pub confidence: f64,
    /// All of them.
    pub posterior: Posterior,
    /// Hops away, if any reply told its TTL.
    pub hops: Option<u8>,
    /// The wide-area part of its round-trip times.
    pub transit: Option<Transit>,
    /// Fastest round-trip time without the transit, in milliseconds; never negative.
    pub access_floor_ms: Option<f64>,
    /// Whether its ports are of several hosts.
    pub several_hosts: bool,
}

/// Estimates each terminal, place by place, among traces of one vantage point.
pub fn estimate_all(model: &Model, traces: &[Trace], confidence_min: f64) -> Vec<NetworkEstimate> {
    // Of the vantage point that these traces were taken from; that of the training is another.
    let line = hop_line(traces);
    let of_place = |place: &Vec<&Trace>| estimate_place(model, place, line.as_ref(), confidence_min);
    places(traces).iter().flat_map(of_place).collect()
}

/// Estimates each terminal among the traces of one place. `line` is of the vantage point that the traces were taken from;
/// `confidence_min` is what a label must reach.
pub fn estimate_place(
    model: &Model,
    traces: &[&Trace],
    line: Option<&HopLine>,
    confidence_min: f64,
) -> Vec<NetworkEstimate> {
    let terminals = traces.iter().enumerate().filter(|(_, trace)| trace.role == Role::Terminal);
    let estimate = |(index, trace): (usize, &&Trace)| {
        let surroundings = Surroundings::of(traces, index, |other| &other.probes);
        let features = access_features(&trace.probes, &surroundings);
        let answered = trace.answered();
        let floor = trace.rtts_ms().into_iter().min_by(f64::total_cmp);
        let posterior = model.posterior(&features, trace.probes.len(), answered).without(|class| {
            let (least_ms, most_ms) = class
                .parse()
                .map_or((0.0, f64::INFINITY), |access: AccessType| (access.least_rtt_ms(), access.most_floor_ms()));
            let most_ms = if answered < SEVERAL_REPLIES { f64::INFINITY } else { most_ms };
            floor.is_some_and(|floor| !(least_ms..=most_ms).contains(&floor))
        });
        let hops = hops_of(&trace.probes);
        let transit = Transit::of(hops, &surroundings, line);
        // What is refused or echoed may come from something in front of it.
        let open = trace.probes.iter().filter(|probe| probe.answer == Answer::Open && probe.port > 0);
        let replies = open.filter_map(|probe| Some((probe.port, probe.ttl?)));
        NetworkEstimate {
            place: trace.place.clone(),
            terminal: trace.terminal.clone(),
            probes: trace.probes.len(),
            answered,
            network_type: (answered > 0).then(|| posterior.label(confidence_min)).flatten().map(str::to_owned),
            confidence: posterior.best().map_or(0.0, |best| best.probability),
            posterior,
            hops,
            transit,
            access_floor_ms: floor.zip(transit).map(|(floor, transit)| (floor - transit.floor_ms).max(0.0)),
            several_hosts: is_several_hosts(replies),
        }
    };
    terminals.map(estimate).collect()
}
