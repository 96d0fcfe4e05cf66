//! What must have been seen before a cause is named, and which causes what was seen rules out by their very meaning.

use crate::model::cause::Cause;
use crate::network::feature::Features;

/// Fewest probes for any cause.
const PROBES_MIN: usize = 10;
/// Fewest probes for causes that differ by how losses and delays follow each other.
const PROBES_MIN_FOR_PATTERNS: usize = 30;
/// Fewest replies for causes that differ by their delays.
const ANSWERED_MIN_FOR_DELAYS: usize = 10;

/// Ports that are silent by chance alone less often than this, as a power of ten, are blocked.
const SILENT_CHANCE_MAX: f32 = -6.0;
/// Changes of the replies' TTL after which a terminal is not where it was.
const TTL_JUMPS_MIN: f32 = 2.0;

/// How much was seen of a terminal, and of its access point.
#[derive(Clone, Copy, Debug)]
pub(in crate::network) struct Seen {
    /// Probes to the terminal.
    pub(in crate::network) probes: usize,
    /// How many of them were answered.
    pub(in crate::network) answered: usize,
    /// Whether anything else at the same place answered.
    pub(in crate::network) neighbours_answer: bool,
}

/// What is missing before `cause` can be named; nothing if there is enough.
pub(super) fn missing(cause: Cause, seen: Seen) -> Option<String> {
    let Seen { probes, answered, neighbours_answer } = seen;
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
    if cause == Cause::Disconnected && !neighbours_answer {
        return Some(
            "nothing at this place answers: whether it is disconnected, the whole access point is down or nobody was ever there \
             is told by neighbours that answer; probe some of them too"
                .to_owned(),
        );
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
pub(in crate::network) fn is_enough(cause: Cause, seen: Seen) -> bool {
    missing(cause, seen).is_none()
}

/// Whether what was seen rules a cause out.
pub(in crate::network) fn rules_out(cause: Cause, features: &Features) -> bool {
    let is = |name: &str, test: fn(f32) -> bool| features.value(name).is_some_and(test);
    // What these two mean is seen, not guessed: whatever else ails the terminal, it is called by them.
    let ports_are_blocked =
        is("silent_chance", |chance| chance < SILENT_CHANCE_MAX) || is("refused_elsewhere", |share| share > 0.0);
    let jumps = is("ttl_jumps", |jumps| jumps >= TTL_JUMPS_MIN);
    match cause {
        Cause::Disconnected => is("answered", |answered| answered > 0.0),
        Cause::PortsBlocked => !ports_are_blocked && is("silent_ports", |share| share <= 0.0),
        // Nobody leaves and comes back without a run of losses or another way.
        Cause::Unstable => !jumps && (ports_are_blocked || is("loss_run_max", |longest| longest < 2.0)),
        Cause::Normal => ports_are_blocked || jumps || is("live_loss", |loss| loss > 0.5),
        Cause::HiddenTerminal | Cause::WeakLink | Cause::Congestion | Cause::Interference => {
            ports_are_blocked || jumps || is("answered", |answered| answered <= 0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(probes: usize, answered: usize) -> Seen {
        Seen { probes, answered, neighbours_answer: true }
    }

    #[test]
    fn few_probes_name_no_cause_and_say_how_many_would() {
        for cause in Cause::ALL {
            assert!(missing(cause, seen(5, 5)).expect("too few").contains("at least"), "{cause}");
            assert_eq!(missing(cause, seen(200, 150)), None, "{cause}");
        }
        assert_eq!(missing(Cause::Disconnected, seen(12, 0)), None);
        assert!(missing(Cause::Congestion, seen(40, 3)).expect("too few replies").contains("replies"));
    }

    #[test]
    fn silence_everywhere_is_not_taken_for_one_that_left() {
        let alone = Seen { neighbours_answer: false, ..seen(200, 0) };
        assert!(missing(Cause::Disconnected, alone).expect("too little").contains("neighbours"));
        assert_eq!(missing(Cause::Normal, Seen { neighbours_answer: false, ..seen(200, 200) }), None);
    }

    #[test]
    fn what_is_seen_by_its_way_is_called_by_it() {
        let of = |name, value| {
            let mut features = Features::default();
            let all = [("answered", 50.0), ("silent_ports", 0.0), ("loss_run_max", 1.0), (name, value)];
            for (name, value) in all {
                features.push(name, value);
            }
            move |cause| rules_out(cause, &features)
        };
        let refused = of("refused_elsewhere", 0.5);
        assert!(!refused(Cause::PortsBlocked) && refused(Cause::Normal) && refused(Cause::Unstable));
        let jumping = of("ttl_jumps", 2.0);
        assert!(!jumping(Cause::Unstable) && jumping(Cause::Congestion) && jumping(Cause::Normal));
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
