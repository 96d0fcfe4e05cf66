//! The cause at one terminal: posterior, label or unknown, and why.

use serde::Serialize;

use super::cause_features;
use super::enough::{Seen, missing};
use super::explain::{Evidence, decisive, sentence};
use crate::model::access::AccessType;
use crate::model::cause::Cause;
use crate::model::trace::Trace;
use crate::network::model::Model;
use crate::network::posterior::Posterior;

/// What is said of a terminal of which only answers are known.
const SILENCE_UNKNOWN: &str =
    "only answers are stored, so it is not known which probes were lost; study the terminal first (`prober study`)";

/// An estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CauseEstimate {
    /// Prefix or scenario.
    pub place: String,
    /// Terminal.
    pub terminal: String,
    /// Probes it is of, and how many were answered.
    pub probes: usize,
    /// How many were answered.
    pub answered: usize,
    /// The cause; nothing if none is probable enough.
    pub cause: Option<String>,
    /// Probability of the most probable cause.
    pub confidence: f64,
    /// All of them.
    pub posterior: Posterior,
    /// The figures that decided, the most decisive first.
    pub evidence: Vec<Evidence>,
    /// The same for people.
    pub explanation: String,
}

/// What is known of a terminal besides its own series.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    /// Whether anything else at the same place answered.
    pub neighbours_answer: bool,
    /// The network it sits behind, where that is known or thought.
    pub access: Option<AccessType>,
}

/// Of one terminal; `confidence_min` is what a label must reach.
pub fn estimate(model: &Model, trace: &Trace, known: Circumstances, confidence_min: f64) -> CauseEstimate {
    let features = cause_features(&trace.probes);
    let answered = trace.answered();
    let posterior = model.posterior(&features, trace.probes.len(), answered);
    let best = posterior.best().cloned();
    let cause: Option<Cause> = best.as_ref().and_then(|best| best.class.parse().ok());
    let seen = Seen { probes: trace.probes.len(), answered, neighbours_answer: known.neighbours_answer };
    let missing = if trace.has_silence {
        cause.and_then(|cause| missing(cause, seen).or_else(|| strange(model, cause, known.access)))
    } else {
        Some(SILENCE_UNKNOWN.to_owned())
    };
    let label = posterior.label(confidence_min).filter(|_| missing.is_none()).map(str::to_owned);
    let evidence = decisive(model, &features, trace.probes.len());
    let explanation = match (trace.probes.is_empty(), cause, &label, missing) {
        (true, ..) => "unknown: there was no probe".to_owned(),
        (_, _, _, Some(missing)) => format!("unknown: {missing}"),
        (_, Some(cause), Some(_), _) => sentence(cause, &features, &evidence),
        (_, Some(cause), None, _) => format!("unknown; most likely {cause}: {}", sentence(cause, &features, &evidence)),
        _ => "unknown".to_owned(),
    };
    CauseEstimate {
        place: trace.place.clone(),
        terminal: trace.terminal.clone(),
        probes: trace.probes.len(),
        answered,
        confidence: best.map_or(0.0, |best| best.probability),
        evidence,
        cause: label,
        posterior,
        explanation,
    }
}

/// Why a cause told by its pattern cannot be named behind a network of which no pattern was learnt.
fn strange(model: &Model, cause: Cause, access: Option<AccessType>) -> Option<String> {
    let is_seen = matches!(cause, Cause::Disconnected | Cause::PortsBlocked);
    let access = access.filter(|_| !is_seen)?.name();
    let learnt = &model.training.access;
    let is_strange = !learnt.is_empty() && !learnt.iter().any(|known| known == access);
    is_strange.then(|| {
        format!(
            "it seems to sit behind {access}, and what loss and delay mean was learnt behind {} only",
            learnt.join(", ")
        )
    })
}
