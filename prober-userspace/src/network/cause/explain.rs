//! Which figures decided, and a sentence that a person understands.

use serde::Serialize;

use crate::model::cause::Cause;
use crate::network::boost::softmax;
use crate::network::feature::Features;
use crate::network::model::Model;

/// Correlation of neighbouring delays from which on they go together.
const TOGETHER: f64 = 0.3;
/// Delays over the floor that are late, as the logarithm of milliseconds: 10 ms.
const LATE_LOG_MS: f64 = 1.0;
/// Between the shares lost of bursts: a drift.
const DRIFT: f64 = 0.1;
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

/// What was seen, in words: only what the figures bear out, and if that is nothing, the figures that decided.
pub(super) fn sentence(cause: Cause, features: &Features, evidence: &[Evidence]) -> String {
    let parts = parts(cause, &Figures(features));
    if !parts.is_empty() {
        return parts.join("; ");
    }
    let decided: Vec<String> = evidence.iter().map(|of| format!("{} {:.2}", of.figure, of.value)).collect();
    format!("none of its usual signs stands out; what decided: {}", decided.join(", "))
}

/// The signs of a cause that are there.
fn parts(cause: Cause, figures: &Figures<'_>) -> Vec<String> {
    let (of, percent) = (|name| figures.of(name), |name| figures.percent(name));
    let lost = (of("live_loss") > 0.0)
        .then(|| format!("{} of the probes to ports that answer are lost", percent("live_loss")));
    let late = format!("one delay in ten exceeds the floor by more than {}", figures.delay("delay_90"));
    let goes_together = of("rtt_memory") >= TOGETHER;
    let signs = match cause {
        Cause::Normal => {
            vec![Some(format!("{} of the probes to ports that answer are lost", percent("live_loss"))), Some(late)]
        }
        Cause::Congestion => vec![
            (of("delay_90") >= LATE_LOG_MS).then_some(late),
            goes_together.then(|| format!("neighbouring delays go together ({:.2})", of("rtt_memory"))),
            lost,
        ],
        Cause::Disconnected => vec![Some("no port ever answered, though neighbours do".to_owned())],
        Cause::HiddenTerminal => {
            let (after_loss, after_reply) = (of("loss_after_loss"), of("loss_after_reply"));
            let is_alike = after_loss < 2.0 * after_reply + 0.05;
            let alike = format!(
                "losses do not depend on what came before ({} after a loss, {} after a reply)",
                percent("loss_after_loss"),
                percent("loss_after_reply")
            );
            vec![lost, is_alike.then_some(alike), (of("delay_90") >= LATE_LOG_MS).then_some(late)]
        }
        Cause::WeakLink => {
            let drift = format!(
                "losses drift from burst to burst (from {} to {})",
                percent("burst_loss_min"),
                percent("burst_loss_max")
            );
            let drifts = of("burst_loss_max") - of("burst_loss_min") >= DRIFT;
            vec![lost, drifts.then_some(drift), (of("delay_90") >= LATE_LOG_MS / 2.0).then_some(late)]
        }
        Cause::PortsBlocked => vec![
            (of("silent_ports") > 0.0).then(|| {
                format!("{} of the ports never answer, the others lose {}", percent("silent_ports"), percent("live_loss"))
            }),
            (of("refused_elsewhere") > 0.0)
                .then(|| format!("{} of the ports are refused by something nearer", percent("refused_elsewhere"))),
        ],
        Cause::Unstable => vec![
            (of("outages") >= 1.0).then(|| {
                format!(
                    "all ports fall silent and come back together: {:.0} times, up to {:.0} probes in a row; in between {} are lost",
                    of("outages"),
                    of("loss_run_max"),
                    percent("steady_loss")
                )
            }),
            (of("ttl_jumps") >= 1.0)
                .then(|| format!("replies change their way and back: their TTL changes {:.0} times", of("ttl_jumps"))),
        ],
        Cause::Interference => {
            let alone = format!("delays scatter without going together ({:.2})", of("rtt_memory"));
            vec![Some(late), (!goes_together).then_some(alone)]
        }
    };
    signs.into_iter().flatten().collect()
}

/// Figures as words.
struct Figures<'a>(&'a Features);

impl Figures<'_> {
    fn of(&self, name: &str) -> f64 {
        f64::from(self.0.value(name).unwrap_or(0.0))
    }

    fn percent(&self, name: &str) -> String {
        format!("{:.0} %", 100.0 * self.of(name))
    }

    /// Logarithms of a delay, back to milliseconds.
    fn delay(&self, name: &str) -> String {
        format!("{:.1} ms", 10f64.powf(self.of(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_named_only_where_its_figure_bears_it_out() {
        let said = |memory, delay_90, loss| {
            let mut features = Features::default();
            features.push("rtt_memory", memory);
            features.push("delay_90", delay_90);
            features.push("live_loss", loss);
            let evidence = [Evidence { figure: "rank_memory".to_owned(), value: 0.5, weight: 1.0 }];
            sentence(Cause::Congestion, &features, &evidence)
        };
        assert!(said(0.9, 2.0, 0.0).contains("go together (0.90)"));
        assert!(!said(0.07, 2.0, 0.1).contains("together"));
        assert!(!said(0.9, 2.0, 0.0).contains("lost"));
        assert!(said(0.07, 0.5, 0.0).ends_with("what decided: rank_memory 0.50"));
    }
}
