//! The three things that are learnt, and what differs between them: classes, rows, and how they are trained.

use super::access::{Row, access_features, rows_of_place};
use super::boost::TrainSettings;
use super::bounds::Bounds;
use super::cause::{Seen, cause_features, rows_of_trace};
use super::feature::Features;
use super::learn::{LabelledRow, Origin, Recipe, StageRecipe};
use super::model::ModelKind;
use super::sketch::Sketch;
use super::transit::{HopLine, Surroundings, hops_of};
use crate::model::access::AccessType;
use crate::model::cause::Cause;
use crate::model::trace::{Role, Trace};

/// Lengths, in probes, at which types are learnt and calibrated.
const NETWORK_LENGTHS: [usize; 6] = [1, 2, 3, 5, 10, 30];
/// The same for causes.
const CAUSE_LENGTHS: [usize; 5] = [1, 30, 75, 150, 200];
/// From here on, causes are estimated by what was learnt from whole series.
const CAUSE_WHOLE_PROBES: usize = 120;
/// Missing where hops are not known.
const HOPS_FIGURE: &str = "floor_over_hops";
/// A weak link has more faces than the other causes: without a push it is the one that is overlooked.
const WEAK_LINK_WEIGHT: f64 = 1.5;

impl ModelKind {
    /// Names of the figures, in order.
    pub fn feature_names(self) -> Vec<&'static str> {
        let features = match self {
            Self::Network => access_features(&[], &Surroundings::default()),
            Self::NetworkLive => Sketch::default().features(),
            Self::Cause => cause_features(&[]),
        };
        features.names().to_vec()
    }

    /// The true class of a trace, if it says.
    pub fn truth(self, trace: &Trace) -> Option<&'static str> {
        match self {
            Self::Network | Self::NetworkLive => trace.access.map(AccessType::name),
            Self::Cause => trace.cause.map(Cause::name),
        }
    }

    /// The classes that occur, in a fixed order.
    pub fn classes(self, traces: &[Trace]) -> Vec<String> {
        let all: Vec<&'static str> = match self {
            Self::Network | Self::NetworkLive => AccessType::ALL.map(AccessType::name).to_vec(),
            Self::Cause => Cause::ALL.map(Cause::name).to_vec(),
        };
        let occurs = |name: &&str| traces.iter().any(|trace| is_judged(self, trace) == Some(*name));
        all.into_iter().filter(occurs).map(str::to_owned).collect()
    }

    /// Labelled rows of traces; those of other classes and without probes are left out.
    pub fn rows(self, traces: &[Trace], classes: &[String], origin: Origin) -> Vec<LabelledRow> {
        let mut rows = Vec::new();
        for place in places(traces) {
            let mut push = |trace: &Trace, features: Features, probes, weight, is_whole, bounds| {
                let truth = is_judged(self, trace);
                let Some(class) = classes.iter().position(|class| Some(class.as_str()) == truth) else { return };
                let weight = if truth == Some(Cause::WeakLink.name()) { WEAK_LINK_WEIGHT * weight } else { weight };
                let (place, background) = (trace.place.clone(), trace.background);
                let (values, is_bare) = (features.values().to_vec(), self.is_bare(&features));
                rows.push(LabelledRow {
                    values,
                    class,
                    place,
                    probes,
                    weight,
                    is_whole,
                    background,
                    is_bare,
                    bounds,
                    origin,
                });
            };
            match self {
                Self::Network => {
                    for Row { trace, features, probes, weight, is_whole } in rows_of_place(&place, &NETWORK_LENGTHS) {
                        push(place[trace], features, probes, weight, is_whole, Bounds::default());
                    }
                }
                Self::NetworkLive => {
                    for trace in place {
                        live_rows(trace, &mut push);
                    }
                }
                Self::Cause => {
                    for (index, trace) in place.iter().enumerate() {
                        let neighbours_answer = neighbours_answer(&place, index);
                        for row in rows_of_trace(trace) {
                            let seen = Seen { probes: row.probes, answered: row.answered, neighbours_answer };
                            let bounds = Bounds::of_cause(classes, &row.features, seen);
                            push(trace, row.features, row.probes, row.weight, row.is_whole, bounds);
                        }
                    }
                }
            }
        }
        rows
    }

    /// How it is trained.
    pub fn recipe(self, classes: usize, folds: usize, threads: usize) -> Recipe {
        let network = TrainSettings {
            rounds: 160,
            leaves: 8,
            step: 0.08,
            penalty: 5.0,
            curvature_min: 5.0,
            row_share: 0.6,
            feature_share: 0.3,
            seed: 1,
        };
        let cause =
            TrainSettings { rounds: 150, leaves: 6, step: 0.08, penalty: 2.0, curvature_min: 1.0, ..network.clone() };
        let stages = match self {
            Self::Network | Self::NetworkLive => {
                vec![StageRecipe { probes_from: 0, whole_only: false, settings: network, ensembles: 1 }]
            }
            Self::Cause => vec![
                StageRecipe { probes_from: 0, whole_only: false, settings: cause.clone(), ensembles: 1 },
                StageRecipe { probes_from: CAUSE_WHOLE_PROBES, whole_only: true, settings: cause, ensembles: 3 },
            ],
        };
        let lengths = match self {
            Self::Network | Self::NetworkLive => NETWORK_LENGTHS.to_vec(),
            Self::Cause => CAUSE_LENGTHS.to_vec(),
        };
        let names = self.feature_names();
        let place =
            |figure: &&str| names.iter().position(|name| name == figure).expect("figures looked at are computed");
        let novelty_figures = self.novelty_figures().iter().map(|figure| place(figure) as u16).collect();
        Recipe { stages, lengths, classes, folds, threads, novelty_figures }
    }

    /// By which it is told whether an observation is like any that was learnt from: few, and none that differs from place to
    /// place.
    const fn novelty_figures(self) -> &'static [&'static str] {
        match self {
            Self::Network => &[
                "loss",
                "floor_steps",
                "delay_25",
                "delay_50",
                "delay_90",
                "range",
                "deviation",
                "step_median",
                "floor_gap",
                "tail",
                "roughness",
                "memory",
                "first_over_median",
            ],
            Self::NetworkLive => {
                &["loss", "floor_coarse", "first_over_floor", "range", "mean_to_first", "variation", "memory"]
            }
            // Silence and loss of any pattern are of some cause.
            Self::Cause => &[],
        }
    }

    /// Whether hops are not known.
    pub fn is_bare(self, features: &Features) -> bool {
        self != Self::Cause && features.value(HOPS_FIGURE).is_none()
    }
}

/// The true class of a trace that can be judged: of a terminal that was probed, and for its type, that answered.
pub fn is_judged(kind: ModelKind, trace: &Trace) -> Option<&'static str> {
    let can_tell = match kind {
        ModelKind::Network | ModelKind::NetworkLive => trace.answered() > 0,
        ModelKind::Cause => !trace.probes.is_empty(),
    };
    if trace.role == Role::Terminal && can_tell { kind.truth(trace) } else { None }
}

/// Whether anything else among the traces of one place answered.
pub fn neighbours_answer(place: &[&Trace], index: usize) -> bool {
    place.iter().enumerate().any(|(other, trace)| other != index && trace.answered() > 0)
}

/// Traces by place, in the order of their first appearance within each.
pub fn places(traces: &[Trace]) -> Vec<Vec<&Trace>> {
    let mut places: std::collections::BTreeMap<&str, Vec<&Trace>> = std::collections::BTreeMap::new();
    for trace in traces {
        places.entry(&trace.place).or_default().push(trace);
    }
    places.into_values().collect()
}

/// Floors over hops of the gateways that were probed.
pub fn hop_line(traces: &[Trace]) -> Option<HopLine> {
    let gateways = traces.iter().filter(|trace| trace.role == Role::Gateway);
    let floors: Vec<(u8, f64)> = gateways
        .filter_map(|trace| {
            let floor = trace.rtts_ms().into_iter().min_by(f64::total_cmp)?;
            Some((hops_of(&trace.probes)?, floor))
        })
        .collect();
    HopLine::fit(&floors)
}

/// The state after so many probes from the first contact on.
fn live_rows(trace: &Trace, push: &mut impl FnMut(&Trace, Features, usize, f64, bool, Bounds)) {
    let mut sketch = Sketch::default();
    for (index, probe) in trace.probes.iter().enumerate() {
        sketch.add(probe);
        let is_whole = index + 1 == trace.probes.len();
        if sketch.answered() > 0 && (is_whole || NETWORK_LENGTHS.contains(&(index + 1))) {
            push(trace, sketch.features(), index + 1, 1.0, is_whole, Bounds::default());
        }
    }
}
