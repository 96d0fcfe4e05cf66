//! The way of the replies, by the TTL they arrive with: a terminal that moves between access points or lines answers over another
//! way now and then, and a port that somebody else refuses is answered from elsewhere.

use std::collections::BTreeMap;

use crate::model::trace::{Answer, TraceProbe};
use crate::network::feature::Features;

/// Replies in a row over one way before it counts.
const RUN_MIN: usize = 5;
/// Fewest refusals by which a port is known to be refused from elsewhere.
const REFUSALS_MIN: usize = 3;

pub(super) fn push(probes: &[TraceProbe], features: &mut Features) {
    let replies = || probes.iter().filter_map(|probe| Some((probe, probe.ttl?)));
    let mut of_port: BTreeMap<u16, Vec<(Answer, u8)>> = BTreeMap::new();
    for (probe, ttl) in replies() {
        of_port.entry(probe.port).or_default().push((probe.answer, ttl));
    }
    let open: Vec<u8> =
        of_port.values().flatten().filter(|(answer, _)| *answer == Answer::Open).map(|(_, ttl)| *ttl).collect();
    // One that the host itself refuses comes back like its other replies.
    let is_elsewhere = |replies: &&Vec<(Answer, u8)>| {
        let from_elsewhere = |(answer, ttl): &(Answer, u8)| *answer == Answer::Refused && !open.contains(ttl);
        !open.is_empty() && replies.len() >= REFUSALS_MIN && replies.iter().all(from_elsewhere)
    };
    let elsewhere: Vec<u16> =
        of_port.iter().filter(|(_, replies)| is_elsewhere(replies)).map(|(port, _)| *port).collect();
    features.push("refused_elsewhere", elsewhere.len() as f64 / of_port.len().max(1) as f64);
    let ttls = replies().filter(|(probe, _)| !elsewhere.contains(&probe.port)).map(|(_, ttl)| ttl);
    features.push("ttl_jumps", jumps(ttls) as f64);
}

/// Changes between runs of [`RUN_MIN`] or more.
fn jumps(ttls: impl Iterator<Item = u8>) -> usize {
    let (mut settled, mut run, mut jumps): (Option<u8>, (u8, usize), usize) = (None, (0, 0), 0);
    for ttl in ttls {
        run = if ttl == run.0 { (ttl, run.1 + 1) } else { (ttl, 1) };
        if run.1 >= RUN_MIN && settled != Some(ttl) {
            jumps += usize::from(settled.is_some());
            settled = Some(ttl);
        }
    }
    jumps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(port: u16, answer: Answer, ttl: u8) -> TraceProbe {
        TraceProbe { sent_s: 0.0, rtt_ms: Some(5.0), port, ttl: Some(ttl), answer }
    }

    fn figures(probes: &[TraceProbe]) -> (f32, f32) {
        let mut features = Features::default();
        push(probes, &mut features);
        (features.value("refused_elsewhere").expect("given"), features.value("ttl_jumps").expect("given"))
    }

    #[test]
    fn ports_refused_by_another_than_the_host_are_told_by_their_way() {
        let of = |ttl| -> Vec<TraceProbe> {
            let open = (0..4).map(|_| probe(80, Answer::Open, 57));
            open.chain((0..4).map(|_| probe(23, Answer::Refused, ttl))).collect()
        };
        assert_eq!(figures(&of(57)), (0.0, 0.0));
        assert_eq!(figures(&of(250)), (0.5, 0.0), "what is refused elsewhere is no jump");
    }

    #[test]
    fn a_way_that_changes_for_good_or_for_one_reply_differs_from_one_that_goes_back_and_forth() {
        let of = |ttls: &[(u8, usize)]| -> Vec<TraceProbe> {
            ttls.iter().flat_map(|(ttl, count)| vec![probe(80, Answer::Open, *ttl); *count]).collect()
        };
        let jumps = |ttls| figures(&of(ttls)).1;
        let (for_one, for_good) = (jumps(&[(57, 20), (56, 1), (57, 20)]), jumps(&[(57, 20), (52, 20)]));
        assert_eq!((for_one, for_good, jumps(&[(57, 20), (52, 20), (57, 20)])), (0.0, 1.0, 2.0));
    }
}
