//! What must have been seen before a cause is named, and which causes what was seen rules out by their very meaning.

use crate::model::cause::Cause;
use crate::network::feature::Features;

/// Fewest probes for any cause.
const PROBES_MIN: usize = 10;
/// Fewest probes for causes that differ by how losses and delays follow each other.
const PROBES_MIN_FOR_PATTERNS: usize = 30;
/// Fewest replies for causes that differ by their delays.
const ANSWERED_MIN_FOR_DELAYS: usize = 10;

/// What is missing before `cause` can be named; nothing if there is enough.
pub(super) fn missing(cause: Cause, probes: usize, answered: usize) -> Option<String> {
    let wanted = match cause {
        Cause::Normal | Cause::Disconnected | Cause::PortsBlocked => PROBES_MIN,
        Cause::Congestion | Cause::HiddenTerminal | Cause::WeakLink | Cause::Unstable | Cause::Interference => {
            PROBES_MIN_FOR_PATTERNS
        }
    };
    if probes < wanted {
        return Some(format!(
            "{probes} probes are too few to tell {cause} from the rest: at least {wanted} are needed, better 200 over several \
             minutes (`prober study`)"
        ));
    }
    let by_delays = matches!(cause, Cause::Congestion | Cause::Interference);
    if by_delays && answered < ANSWERED_MIN_FOR_DELAYS {
        return Some(format!(
            "{answered} replies are too few to see how delays go together: at least {ANSWERED_MIN_FOR_DELAYS} are needed"
        ));
    }
    None
}

/// Whether enough was seen to name `cause`.
pub(in crate::network) fn is_enough(cause: Cause, probes: usize, answered: usize) -> bool {
    missing(cause, probes, answered).is_none()
}

/// Whether what was seen rules a cause out.
pub(in crate::network) fn rules_out(cause: Cause, features: &Features) -> bool {
    let is = |name: &str, test: fn(f32) -> bool| features.value(name).is_some_and(test);
    match cause {
        Cause::Disconnected => is("answered", |answered| answered > 0.0),
        Cause::PortsBlocked => is("silent_ports", |share| share <= 0.0),
        // Nobody leaves and comes back without a run of losses.
        Cause::Unstable => is("loss_run_max", |longest| longest < 2.0),
        Cause::Normal => is("live_loss", |loss| loss > 0.5),
        Cause::HiddenTerminal | Cause::WeakLink | Cause::Congestion | Cause::Interference => {
            is("answered", |answered| answered <= 0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_probes_name_no_cause_and_say_how_many_would() {
        for cause in Cause::ALL {
            assert!(missing(cause, 5, 5).expect("too few").contains("at least"), "{cause}");
            assert_eq!(missing(cause, 200, 150), None, "{cause}");
        }
        assert_eq!(missing(Cause::Disconnected, 12, 0), None);
        assert!(missing(Cause::Congestion, 40, 3).expect("too few replies").contains("replies"));
    }

    #[test]
    fn a_terminal_that_answers_is_not_disconnected() {
        let mut features = Features::default();
        features.push("answered", 3.0);
        features.push("silent_ports", 0.0);
        assert!(rules_out(Cause::Disconnected, &features) && rules_out(Cause::PortsBlocked, &features));
        assert!(!rules_out(Cause::Congestion, &features));
    }
}
