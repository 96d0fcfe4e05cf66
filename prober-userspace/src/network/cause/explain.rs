//! Which figures decided, and a sentence that a person understands.

use serde::Serialize;

use crate::model::cause::Cause;
use crate::network::boost::softmax;
use crate::network::feature::Features;
use crate::network::model::Model;

/// Figures that are named.
const EVIDENCE_MAX: usize = 4;

/// A figure and how much it speaks for the estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// Its name.
    pub figure: String,
    /// Its value here.
    pub value: f32,
    /// By how much the log-odds of the estimate fall when it is not known.
    pub weight: f64,
}

/// The figures without which the most probable class would lose most.
pub(super) fn decisive(model: &Model, features: &Features, probes: usize) -> Vec<Evidence> {
    let shares = |values: &[f32]| softmax(&model.scores(values, probes), 1.0);
    let all = shares(features.values());
    let Some(best) = (0..all.len()).max_by(|a, b| all[*a].total_cmp(&all[*b])) else { return Vec::new() };
    let odds = |share: f64| (share.max(1e-9) / (1.0 - share).max(1e-9)).ln();
    let mut values = features.values().to_vec();
    let mut evidence = Vec::new();
    for (place, name) in features.names().iter().enumerate() {
        let value = values[place];
        if value.is_nan() {
            continue;
        }
        values[place] = f32::NAN;
        let weight = odds(all[best]) - odds(shares(&values)[best]);
        values[place] = value;
        if weight > 0.0 {
            evidence.push(Evidence { figure: (*name).to_owned(), value, weight: (weight * 1e3).round() / 1e3 });
        }
    }
    evidence.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    evidence.truncate(EVIDENCE_MAX);
    evidence
}

/// What was seen, in words.
pub(super) fn sentence(cause: Cause, features: &Features) -> String {
    let figure = |name| f64::from(features.value(name).unwrap_or(0.0));
    let percent = |name| format!("{:.0} %", 100.0 * figure(name));
    // Logarithms of a delay, back to milliseconds.
    let delay = |name| format!("{:.1} ms", 10f64.powf(figure(name)));
    match cause {
        Cause::Normal => format!(
            "{} of the probes to ports that answer are lost, and one delay in ten exceeds the floor by more than {}",
            percent("live_loss"),
            delay("delay_90")
        ),
        Cause::Congestion => format!(
            "delays are high and go together: one in ten exceeds the floor by more than {}, neighbouring ones correlate by {:.2}; \
             {} of the probes are lost",
            delay("delay_90"),
            figure("rtt_memory"),
            percent("live_loss")
        ),
        Cause::Disconnected => "no port ever answered".to_owned(),
        Cause::HiddenTerminal => format!(
            "{} of the probes are lost ({} after a loss, {} after a reply), and in each burst alike: what \
             collides does not depend on what came before",
            percent("live_loss"),
            percent("loss_after_loss"),
            percent("loss_after_reply")
        ),
        Cause::WeakLink => format!(
            "losses ({}) and late replies drift from burst to burst (from {} to {} lost) while the floor stays; one delay in ten \
             exceeds it by more than {}",
            percent("live_loss"),
            percent("burst_loss_min"),
            percent("burst_loss_max"),
            delay("delay_90")
        ),
        Cause::PortsBlocked => format!(
            "{} of the ports never answer, the others lose {} of the probes",
            percent("silent_ports"),
            percent("live_loss")
        ),
        Cause::Unstable => format!(
            "all ports fall silent and come back together: {:.0} times, up to {:.0} probes in a row; in between {} are lost",
            figure("outages"),
            figure("loss_run_max"),
            percent("steady_loss")
        ),
        Cause::Interference => format!(
            "delays scatter (one in ten exceeds the floor by more than {}) without going together ({:.2})",
            delay("delay_90"),
            figure("rtt_memory")
        ),
    }
}
